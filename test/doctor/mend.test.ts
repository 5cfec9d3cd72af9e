/** What `--fix` changes on disk, and what it leaves alone. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Finding,
  jsonOf,
  type Mend,
  mend,
  renderFindings,
  renderMends,
} from '../../src/doctor/doctor.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { contentsBelow, filesBelow } from '../support/scratch.ts';
import { addGhosts, createWorld, hooksSource, playTurn, type World } from './world.ts';

/** Mends, and says what is found afterwards. */
async function mendAll(world: World, version = '9.9.9'): Promise<{ mends: Mend[]; after: Finding[] }> {
  const mends = await mend(await world.diagnose({ version }), world.request({ version }));
  return { mends, after: await world.diagnose({ version }) };
}

const biome = join(import.meta.dirname, '../../node_modules/.bin/biome');

const codesOf = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code);

describe('mend', () => {
  it('makes our state private again', async () => {
    const world = createWorld();
    playTurn(world, world.client());
    const record = join(world.state, 'seq/000000000001.json');
    fs.chmodSync(world.state, 0o755);
    fs.chmodSync(join(world.state, 'seq'), 0o777);
    fs.chmodSync(record, 0o644);
    const outside = world.write('outside.txt', 'not ours');
    fs.chmodSync(outside, 0o644);
    fs.symlinkSync(outside, join(world.state, 'link'));

    const { mends, after } = await mendAll(world);
    expect(mends).toEqual([{ code: 'permissions-tightened', args: { path: world.state, entries: 3 } }]);
    const modeOf = (path: string): number => fs.statSync(path).mode & 0o777;
    expect([world.state, join(world.state, 'seq'), record, outside].map(modeOf)).toEqual([
      0o700, 0o700, 0o600, 0o644,
    ]);
    expect(codesOf(after)).not.toContain('store-not-private');
  });

  it('forgets members that are over, but no live one, not the newest, and not the highest number', async () => {
    const world = createWorld();
    await addGhosts(world.state, 30, { joinedAt: new Date(Date.now() - 3_600_000).toISOString() });
    const client = world.client();
    playTurn(world, client);
    const { mends } = await mendAll(world);
    expect(mends).toEqual([{ code: 'members-pruned', args: { path: world.state, members: 10 } }]);
    const store = fileStore(world.state);
    expect((await store.numbers()).above).toEqual(Array.from({ length: 21 }, (_, index) => index + 11));
    expect((await store.birth(31))?.process.pid).toBe(client.pid);
    expect(world.fire('UserPromptSubmit', client, { prompt: 'Go on', prompt_id: 'p-2' })).toContain(
      'You are master',
    );
    expect((await mendAll(world)).mends).toEqual([]);
  });

  it('sweeps what killed writers left, but nothing that may be in use', async () => {
    const world = createWorld();
    const old = world.write('project/.git/flowloom/seq/claim.1-2-3.tmp', '');
    const fresh = world.write('project/.git/flowloom/seq/claim.4-5-6.tmp', '');
    fs.utimesSync(old, new Date(0), new Date(0));
    const { mends } = await mendAll(world);
    expect(mends).toContainEqual({ code: 'leftovers-swept', args: { path: world.state, files: 1 } });
    expect([old, fresh].map((path) => fs.existsSync(path))).toEqual([false, true]);
  });

  it.each(['project', 'local', 'user'] as const)(
    'copies missing scripts of the %s scope, and no settings',
    async (scope) => {
      const world = createWorld();
      await world.install(scope);
      const claude = join(scope === 'user' ? world.home : world.project, '.claude');
      const settings = join(claude, scope === 'local' ? 'settings.local.json' : 'settings.json');
      const script = join(claude, scope === 'local' ? 'flowloom.local' : 'flowloom', 'hooks/stop.cjs');
      const before = fs.readFileSync(settings, 'utf8').replace('"timeout": 10', '"timeout": 9');
      fs.writeFileSync(settings, before);
      fs.rmSync(script);

      const { mends, after } = await mendAll(world);
      expect(mends).toEqual([
        { code: 'scripts-copied', args: { directory: join(script, '../..'), files: 1 } },
      ]);
      expect(fs.readFileSync(script)).toEqual(fs.readFileSync(join(hooksSource, 'stop.cjs')));
      expect(fs.readFileSync(settings, 'utf8')).toBe(before);
      expect(codesOf(after)).toContain('scripts-ok');
    },
  );

  it('renews outdated scripts, and the installation can still be removed', async () => {
    const world = createWorld();
    await world.install('project');
    const { mends, after } = await mendAll(world, '10.0.0');
    expect(codesOf(mends)).toEqual(['scripts-copied']);
    expect(after).toContainEqual(
      expect.objectContaining({ code: 'scripts-ok', args: expect.objectContaining({ version: '10.0.0' }) }),
    );
  });

  it.each(['project', 'local', 'user'] as const)(
    'puts edited scripts of the %s scope back, and keeps them where nobody commits them',
    async (scope) => {
      const world = createWorld();
      await world.install(scope);
      const claude = join(scope === 'user' ? world.home : world.project, '.claude');
      const folder = join(claude, scope === 'local' ? 'flowloom.local' : 'flowloom');
      const [stop, end] = ['hooks/stop.cjs', 'hooks/session-end.cjs'].map((path) => join(folder, path)) as [
        string,
        string,
      ];
      const names = filesBelow(folder);
      fs.appendFileSync(stop, '\n// mine\n');
      const edited = fs.readFileSync(stop);
      fs.rmSync(end);

      const { mends, after } = await mendAll(world);
      const text = renderMends(mends, 1000);
      const directory = /kept in (.*)\.$/m.exec(text)?.[1] ?? '';
      expect(directory).toEqual(
        scope === 'user'
          ? expect.stringContaining(join(world.home, '.local/state/flowloom'))
          : join(world.state, 'set-aside'),
      );
      expect(text).toContain('hooks/stop.cjs');
      expect(fs.readdirSync(directory).map((name) => fs.readFileSync(join(directory, name)))).toEqual([
        edited,
      ]);
      expect(filesBelow(folder)).toEqual(names);
      expect(fs.readFileSync(stop)).toEqual(fs.readFileSync(join(hooksSource, 'stop.cjs')));
      expect(codesOf(after)).toContain('scripts-ok');
      expect(codesOf(after)).not.toContain('store-not-private');

      // The same work again is not kept twice.
      fs.writeFileSync(stop, edited);
      expect(codesOf((await mendAll(world)).mends)).toEqual(['scripts-copied']);
      expect(fs.readdirSync(directory)).toHaveLength(1);
    },
  );

  it('puts back scripts that a formatter was made to format', async () => {
    const world = createWorld();
    await world.install('project');
    const folder = join(world.project, '.claude/flowloom');
    const marks = ['.prettierrc', 'biome.json'].map((name) => join(folder, name));
    const before = new Map(
      filesBelow(folder).map((file) => [file, fs.readFileSync(join(folder, file), 'utf8')]),
    );
    for (const mark of marks) fs.rmSync(mark);
    execFileSync(biome, ['format', '--write', '--files-max-size=9999999', '.'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const changed = filesBelow(folder).filter(
      (file) => fs.readFileSync(join(folder, file), 'utf8') !== before.get(file),
    );
    expect(changed.length).toBeGreaterThan(10);

    const { mends, after } = await mendAll(world);
    expect(codesOf(mends)).toEqual(['scripts-copied']);
    expect(codesOf(after)).toContain('scripts-ok');
    const now = new Map(
      filesBelow(folder).map((file) => [file, fs.readFileSync(join(folder, file), 'utf8')]),
    );
    expect(now).toEqual(before);
    expect(world.git('status', '--porcelain', '--untracked-files=all')).not.toContain('.bak');
  });

  it('keeps no edited script through a link', async () => {
    const world = createWorld();
    await world.install('project');
    const stop = join(world.project, '.claude/flowloom/hooks/stop.cjs');
    fs.appendFileSync(stop, '\n// mine\n');
    const outside = join(world.base, 'outside');
    fs.mkdirSync(outside);
    fs.mkdirSync(world.state, { recursive: true });
    fs.symlinkSync(outside, join(world.state, 'set-aside'));
    const { mends } = await mendAll(world);
    expect(fs.readdirSync(outside)).toEqual([]);
    // The next place is the one that the user has everywhere.
    expect(renderMends(mends, 1000)).toContain(join(world.home, '.local/state/flowloom'));
  });

  it.each([
    ['.claude', '.'],
    ['.claude/settings.json', 'settings.json'],
    ['.claude/flowloom', 'flowloom'],
    ['.claude/flowloom/hooks', 'flowloom/hooks'],
    ['.claude/flowloom/hooks/stop.cjs', 'flowloom/hooks/stop.cjs'],
    ['.claude/flowloom/manifest.json', 'flowloom/manifest.json'],
  ])('refuses %s that leads out of the project, as install does', async (path, to) => {
    const world = createWorld();
    await world.install('project');
    const outside = join(world.home, 'private');
    fs.cpSync(join(world.project, '.claude'), outside, { recursive: true });
    fs.appendFileSync(join(outside, 'flowloom/hooks/user-prompt-submit.cjs'), '\n// theirs\n');
    // Without this one there is something to mend whatever the link is.
    for (const top of [outside, join(world.project, '.claude')])
      fs.rmSync(join(top, 'flowloom/hooks/session-end.cjs'));
    const link = join(world.project, path);
    fs.rmSync(link, { recursive: true });
    fs.symlinkSync(join(outside, to), link);
    const before = contentsBelow(world.home);

    const { mends } = await mendAll(world);
    expect(codesOf(mends)).toEqual(['mend-failed']);
    expect(renderMends(mends, 10_000)).toContain(`${link} is a symbolic link that leaves the project`);
    expect(contentsBelow(world.home)).toEqual(before);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(fs.existsSync(join(world.project, '.claude/flowloom/hooks/session-end.cjs'))).toBe(false);
  });

  it('does not touch settings that do not parse', async () => {
    const world = createWorld();
    await world.install('project');
    const settings = join(world.project, '.claude/settings.json');
    const text = `// mine\n${fs.readFileSync(settings, 'utf8')}`;
    fs.writeFileSync(settings, text);
    fs.rmSync(join(world.project, '.claude/flowloom/hooks/stop.cjs'));
    const { mends } = await mendAll(world);
    expect(mends).toEqual([]);
    expect(fs.readFileSync(settings, 'utf8')).toBe(text);
  });

  it('is announced in the report and told in the JSON', async () => {
    const world = createWorld();
    await world.install('project');
    fs.rmSync(join(world.project, '.claude/flowloom/hooks/stop.cjs'));
    const findings = await world.diagnose();
    expect(renderFindings(findings, { color: false, columns: 80 })).toMatch(
      /doctor --fix" mends one finding\.$/,
    );
    const mends = await mend(findings, world.request());
    expect(jsonOf(findings, mends).fixed).toEqual([
      { code: 'scripts-copied', title: expect.stringContaining('1 file copied'), args: mends[0]!.args },
    ]);
  });
});
