/** `install`, `uninstall` and `doctor` as commands: exit codes, one JSON value, and hands off what is broken. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wiredHooks } from '../../src/claude/settings.ts';
import { contentsBelow, git, write } from '../support/scratch.ts';
import { type World, world } from '../support/world.ts';
import { controls, dirt, jsonOf, packageVersion, trace, type } from './command.ts';

const settingsOf = (w: World): string => join(w.root, '.claude', 'settings.json');
const events = wiredHooks.map(({ event }) => event);

/** What is there, by name: a difference in names is read more easily than one in contents. */
const left = (w: World): string[] => Object.keys(contentsBelow(w.base));

/** One whole turn and the end of a session, then another session. */
async function used(w: World): Promise<void> {
  const one = w.session();
  await one.start();
  await one.prompt();
  await one.tools();
  await one.compacted();
  await one.stop();
  await one.end();
  const two = w.session();
  await two.start();
  await two.prompt();
  await two.stop();
}

const commit = (w: World): void => {
  git(w.root, 'add', '--all');
  git(w.root, 'commit', '-q', '-m', 'Add hooks');
};

describe('install', () => {
  test('writes, tries every hook, and says what to do next', async () => {
    const w = world();
    const ran = await type(w, ['install']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.lines[0]).toContain(`flowloom-hooks ${packageVersion} is installed`);
    expect(ran.stdout).toContain('all 6 hooks ran');
    expect(ran.stdout).not.toMatch(controls);
    expect(Object.keys(JSON.parse(readFileSync(settingsOf(w), 'utf8')).hooks)).toEqual(events);
    expect(readFileSync(settingsOf(w), 'utf8')).toBe(
      readFileSync(join(import.meta.dirname, '..', '..', 'settings.template.json'), 'utf8'),
    );
    const again = await type(w, ['install']);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('already installed');
  });

  test('a file that Claude Code skips: it is edited, the entry is named, exit code 1, and doctor agrees', async () => {
    const w = world();
    const text = '{ "hooks": { "PreToolUse": [ { "type": "command", "command": "true" } ] } }';
    write(settingsOf(w), text);
    const ran = await type(w, ['install']);
    expect(ran.code).toBe(1);
    expect(ran.stdout.replaceAll('\n', ' ')).toContain(
      'Claude Code will skip this file: "hooks.PreToolUse.0.hooks" should be a list.',
    );
    expect(ran.stdout).not.toContain('it works');
    expect(Object.keys(JSON.parse(readFileSync(settingsOf(w), 'utf8')).hooks)).toEqual(
      expect.arrayContaining(events),
    );
    const examined = await type(w, ['doctor']);
    expect(examined.code).toBe(2);
    expect(examined.stdout).toContain('hooks.PreToolUse.0.hooks');
    expect((await type(w, ['uninstall'])).code).toBe(0);
    expect(readFileSync(settingsOf(w), 'utf8')).toBe(text);
  });

  test('odd entries that Claude Code passes over hinder nobody, and come back byte for byte', async () => {
    const w = world();
    const text =
      '{\n  "hooks": {\n    "SessionStart": null,\n    "Stop": [ null, {"type":"command"}, 3 ],\n    "Foo": "x"\n  }\n}\n';
    write(settingsOf(w), text);
    const ran = await type(w, ['install']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout.replaceAll('\n', ' ')).toContain('and it works');
    expect((await type(w, ['doctor'])).stdout).toContain('passes over entries of others');
    expect((await type(w, ['uninstall'])).code).toBe(0);
    expect(readFileSync(settingsOf(w), 'utf8')).toBe(text);
  });

  test('--json is one JSON value and nothing else', async () => {
    const w = world();
    const report = await type(w, ['install', '--json']);
    expect([report.code, report.stderr]).toEqual([0, '']);
    expect(jsonOf(report)).toMatchObject({
      scope: 'project',
      version: packageVersion,
      root: w.root,
      settingsFile: settingsOf(w),
      changed: true,
      events,
      selfTest: events.map((event) => ({ event, ok: true })),
    });
    expect(jsonOf(await type(w, ['install', '--json']))).toMatchObject({ changed: false });
    expect(jsonOf(await type(w, ['uninstall', '--json']))).toMatchObject({ installed: true, changed: true });
    expect(jsonOf(await type(w, ['uninstall', '--json']))).toMatchObject({
      installed: false,
      changed: false,
    });
  });

  test('--dry-run writes nothing, and says what would be written', async () => {
    const w = world();
    const before = contentsBelow(w.base);
    const words = await type(w, ['install', '--dry-run']);
    expect(words.code).toBe(0);
    expect(words.stdout).toMatch(/^Dry run: /);
    expect(words.stdout).toContain('+ {');
    expect(jsonOf(await type(w, ['install', '--dry-run', '--json']))).toMatchObject({
      dryRun: true,
      changed: true,
      selfTest: null,
    });
    expect(contentsBelow(w.base)).toEqual(before);

    await type(w, ['install']);
    const installed = contentsBelow(w.root);
    expect((await type(w, ['uninstall', '--dry-run'])).stdout).toMatch(/^Dry run: /);
    expect(jsonOf(await type(w, ['uninstall', '--dry-run', '--json']))).toMatchObject({ changed: true });
    expect(contentsBelow(w.root)).toEqual(installed);
  });

  test.each(['project', 'local', 'user'])('--scope %s and back leaves no trace', async (scope) => {
    const w = world();
    const before = contentsBelow(w.base);
    expect((await type(w, ['install', '--scope', scope])).code).toBe(0);
    const wired = scope === 'user' ? w.home : w.root;
    expect(
      existsSync(join(wired, '.claude', scope === 'local' ? 'settings.local.json' : 'settings.json')),
    ).toBe(true);
    expect((await type(w, ['uninstall', '--scope', scope])).code).toBe(0);
    expect(left(w)).toEqual(Object.keys(before));
    expect(contentsBelow(w.base)).toEqual(before);
    expect(dirt(w.root)).toBe('');
  });

  test('uninstall takes nothing from the cache directory that is not ours', async () => {
    const w = world();
    const mine = [
      write(join(w.home, '.cache', 'flowloom', 'mine.txt'), 'mine'),
      write(join(w.home, '.cache', 'flowloom', 'folder', 'stop.bin'), 'mine'),
    ];
    await type(w, ['install']);
    await type(w, ['uninstall']);
    expect(mine.filter(existsSync)).toEqual(mine);
  });

  test.each([
    ['cut off', '{ "hooks": '],
    ['a comment', '{\n  // mine\n  "model": "opus"\n}\n'],
    ['a list', '[]'],
    ['hooks that are none', '{ "hooks": [] }'],
    ['other bytes', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ] as [string, string | Buffer][])(
    'settings that are broken (%s): exit 1, the file named, bytes untouched',
    async (_, content) => {
      const w = world();
      write(settingsOf(w), content);
      const before = contentsBelow(w.base);
      for (const args of [['install'], ['install', '--dry-run']]) {
        const ran = await type(w, args);
        expect([args, ran.code, ran.stdout]).toEqual([args, 1, '']);
        expect(ran.stderr.replaceAll('\n', ' ')).toContain(settingsOf(w));
        expect(ran.stderr).not.toMatch(trace);
        expect(contentsBelow(w.base)).toEqual(before);
      }
      const json = await type(w, ['install', '--json']);
      expect(json.code).toBe(1);
      expect(jsonOf(json)).toEqual({
        error: {
          code: expect.stringMatching(/^[a-z0-9-]+$/),
          message: expect.stringContaining(settingsOf(w)),
        },
      });
      // Where nothing of ours can be, there is nothing to uninstall; what cannot be read may hold it.
      const removal = await type(w, ['uninstall']);
      if (removal.code !== 0) expect(removal.stderr.replaceAll('\n', ' ')).toContain(settingsOf(w));
      else expect(removal.stdout).toContain('Nothing to do.');
      expect(contentsBelow(w.base)).toEqual(before);
    },
  );

  test('hooks that do not run: exit 1, and which', async () => {
    const w = world();
    const bin = join(w.base, 'bin');
    write(join(bin, 'README'), 'no node here');
    const ran = await type(w, ['install'], { env: { PATH: bin } });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/there is no "node" on the PATH/);
    expect(ran.stdout + ran.stderr).not.toMatch(trace);
    const json = await type(w, ['install', '--json'], { env: { PATH: bin } });
    expect(json.code).toBe(1);
    expect(jsonOf<{ selfTest: { ok: boolean }[] }>(json).selfTest.every(({ ok }) => !ok)).toBe(true);
  });

  test('the self-test leaves no state and joins nobody', async () => {
    const w = world();
    await type(w, ['install']);
    expect(existsSync(w.state)).toBe(false);
    expect(existsSync(join(w.home, '.local'))).toBe(false);
    expect(contentsBelow(w.temporary)).toEqual({});
  });

  test('in a home that is the project: a sentence', async () => {
    const w = world();
    const ran = await type(w, ['install'], { cwd: w.home });
    expect(ran.code).toBe(1);
    expect(ran.stderr.replaceAll('\n', ' ')).toContain('--scope user');
  });
});

describe('doctor', () => {
  test('before install: an error, and the remedy', async () => {
    const w = world();
    const ran = await type(w, ['doctor']);
    expect([ran.code, ran.stderr]).toEqual([2, '']);
    expect(ran.stdout).toMatch(/node \S+\/cli\.mjs install/);
    expect(ran.stdout).not.toMatch(controls);
  });

  test('after install, before a session: a warning that no hook has fired', async () => {
    const w = world();
    await type(w, ['install']);
    const ran = await type(w, ['doctor', '--json']);
    expect(ran.code).toBe(1);
    const { findings } = jsonOf<{ findings: { code: string; severity: string }[] }>(ran);
    expect(findings.filter(({ severity }) => severity === 'warning').map(({ code }) => code)).toEqual([
      'hook-none',
    ]);
  });

  test('after install and a session: content, also without the client on the PATH', async () => {
    const w = world();
    await type(w, ['install']);
    commit(w);
    await used(w);
    const words = await type(w, ['doctor']);
    expect([words.code, words.stderr], words.stdout).toEqual([0, '']);
    const json = await type(w, ['doctor', '--json']);
    expect(json.code).toBe(0);
    expect(jsonOf(json)).toMatchObject({ ok: true, fixed: [] });
  });

  test('changes nothing, and --fix only what is broken', async () => {
    const w = world();
    await type(w, ['install']);
    commit(w);
    await used(w);
    const before = contentsBelow(w.base);
    delete before['shop/.git/index'];
    await type(w, ['doctor']);
    const fixed = await type(w, ['doctor', '--fix', '--json']);
    expect(fixed.code).toBe(0);
    expect(jsonOf(fixed)).toMatchObject({ fixed: [] });
    const after = contentsBelow(w.base);
    delete after['shop/.git/index'];
    expect(after).toEqual(before);
  });

  test('--fix puts a missing script back, and the exit code is that of what is left', async () => {
    const w = world();
    await type(w, ['install']);
    commit(w);
    await used(w);
    const script = join(w.root, '.claude', 'flowloom', 'hooks', 'stop.cjs');
    const was = readFileSync(script);
    rmSync(script);
    expect((await type(w, ['doctor'])).code).toBe(2);
    const ran = await type(w, ['doctor', '--fix']);
    expect(ran.code, ran.stdout).toBe(0);
    expect(readFileSync(script)).toEqual(was);
  });

  test('in broken settings: names file and line, and changes nothing', async () => {
    const w = world();
    write(settingsOf(w), '{\n  // mine\n}\n');
    const before = contentsBelow(w.base);
    const ran = await type(w, ['doctor', '--fix']);
    expect(ran.code).toBe(2);
    expect(ran.stdout.replace(/\s+/g, ' ')).toContain(`${settingsOf(w)}, line 2`);
    const after = contentsBelow(w.base);
    delete before['shop/.git/index'];
    delete after['shop/.git/index'];
    expect(after).toEqual(before);
  });

  test('knows the session it is typed in', async () => {
    const w = world();
    await type(w, ['install']);
    const one = w.session();
    await one.start();
    const { findings } = jsonOf<{ findings: { code: string }[] }>(
      await type(w, ['doctor', '--json'], { env: { CLAUDE_PID: String(one.client.pid) } }),
    );
    expect(findings.map(({ code }) => code)).toContain('session-member');
  });
});
