/** Install and uninstall on disk: what is written, what is restored, what is left alone. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { applyInstall, type InstallRequest, install, prepareInstall } from '../../install/install.ts';
import { type Scope, scopes } from '../../install/target.ts';
import { applyRemoval, prepareRemoval, uninstall } from '../../install/uninstall.ts';
import { wiredHooks } from '../../src/claude/settings.ts';
import { readIfThere, type Scratch, scratch, snapshot, writeHooks } from './scratch.ts';

const samples = new URL('./settings/', import.meta.url);
const sampleNames = readdirSync(samples).filter((name) => name.endsWith('.json'));

function settingsFile({ project, home }: Scratch, scope: Scope): string {
  if (scope === 'user') return join(home, '.claude/settings.json');
  return join(project, scope === 'local' ? '.claude/settings.local.json' : '.claude/settings.json');
}

/** Installs without running the hooks: that is tested on its own. */
function installFiles(request: InstallRequest): void {
  expect(applyInstall(prepareInstall(request))).not.toBeNull();
}

async function refusal(action: () => unknown): Promise<InstallError> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(InstallError);
  return error as InstallError;
}

describe.each(scopes)('scope %s', (scope) => {
  it.each(sampleNames)('restores %s and everything around it', (name) => {
    const place = scratch();
    const file = settingsFile(place, scope);
    mkdirSync(join(file, '..'));
    writeFileSync(file, readFileSync(new URL(name, samples)));
    const before = snapshot(place.base);

    installFiles(place.request(scope));
    const after = snapshot(place.base);
    expect(Object.keys(after).length).toBeGreaterThan(Object.keys(before).length);
    installFiles(place.request(scope));
    expect(snapshot(place.base)).toEqual(after);

    expect(uninstall(place.request(scope))).toMatchObject({ installed: true, changed: true, kept: [] });
    expect(snapshot(place.base)).toEqual(before);
  });

  it('leaves nothing behind where nothing was', async () => {
    const place = scratch();
    const before = snapshot(place.base);
    const report = await install(place.request(scope));
    expect(report).toMatchObject({
      scope,
      changed: true,
      dryRun: false,
      settingsFile: settingsFile(place, scope),
    });
    expect(report.selfTest?.every((check) => check.ok)).toBe(true);
    uninstall(place.request(scope));
    expect(snapshot(place.base)).toEqual(before);
  });

  it('writes nothing in a dry run, and says what it would write', async () => {
    const place = scratch();
    const empty = snapshot(place.base);
    const report = await install(place.request(scope, { dryRun: true }));
    expect(report).toMatchObject({ changed: true, dryRun: true, selfTest: null });
    expect(report.events).toEqual(wiredHooks.map((hook) => hook.event));
    expect(report.files).toContain('hooks/stop.cjs');
    expect(report.diff.join('\n')).toContain('+     "SessionStart": [');
    expect(snapshot(place.base)).toEqual(empty);

    installFiles(place.request(scope));
    const full = snapshot(place.base);
    const removal = uninstall({ ...place.request(scope), dryRun: true });
    expect(removal).toMatchObject({ changed: true, installed: true, dryRun: true });
    expect(snapshot(place.base)).toEqual(full);
  });

  it('names scripts that exist', () => {
    const place = scratch();
    installFiles(place.request(scope));
    const text = readIfThere(settingsFile(place, scope)) ?? '';
    const paths = [...text.matchAll(/"([^" ]+\.(?:cjs|sh))"/g)].map(([, path]) =>
      path!.replace('$' + '{CLAUDE_PROJECT_DIR}', place.project),
    );
    expect(paths).toHaveLength(6);
    for (const path of paths) expect(existsSync(path), path).toBe(true);
    expect(text.includes('CLAUDE_PROJECT_DIR')).toBe(scope === 'project');
  });
});

describe('where', () => {
  it('finds the root from a subdirectory, also of a linked worktree', () => {
    const place = scratch();
    mkdirSync(join(place.project, 'a/b'), { recursive: true });
    expect(
      prepareInstall(place.request('project', { directory: join(place.project, 'a/b') })).target.root,
    ).toBe(place.project);
    place.write('a/.git', 'gitdir: elsewhere\n');
    expect(
      prepareInstall(place.request('project', { directory: join(place.project, 'a/b') })).target.root,
    ).toBe(join(place.project, 'a'));
  });

  it('takes a directory outside git as it is', () => {
    const place = scratch();
    expect(prepareInstall(place.request('local', { directory: place.base })).target.root).toBe(place.base);
  });

  it('follows CLAUDE_CONFIG_DIR', () => {
    const place = scratch();
    const request = place.request('user', { env: { CLAUDE_CONFIG_DIR: join(place.base, 'config') } });
    installFiles(request);
    expect(existsSync(join(place.base, 'config/settings.json'))).toBe(true);
    uninstall(request);
    expect(existsSync(join(place.base, 'config'))).toBe(false);
  });

  it.each<[string, string, Partial<InstallRequest> | ((place: Scratch) => Partial<InstallRequest>)]>([
    ['the home directory', 'home', (place) => ({ directory: place.home })],
    ['a link to it', 'home', (place) => ({ directory: linkTo(place, place.home) })],
    [
      'a project whose .claude is the user’s',
      'home',
      (place) => ({ env: { CLAUDE_CONFIG_DIR: join(place.project, '.claude') } }),
    ],
    ['a directory that is not there', 'no-directory', (place) => ({ directory: join(place.base, 'none') })],
    ['a file', 'no-directory', (place) => ({ directory: place.write('file', '') })],
    ['the inside of .git', 'inside-git', (place) => ({ directory: join(place.project, '.git') })],
  ])('refuses %s', async (_, code, more) => {
    const place = scratch();
    const extra = typeof more === 'function' ? more(place) : more;
    const before = snapshot(place.base);
    for (const scope of ['project', 'local'] as const) {
      expect((await refusal(() => install(place.request(scope, extra)))).code).toBe(code);
      expect((await refusal(() => uninstall(place.request(scope, extra)))).code).toBe(code);
    }
    expect(snapshot(place.base)).toEqual(before);
  });

  function linkTo(place: Scratch, path: string): string {
    symlinkSync(path, join(place.base, 'link'));
    return join(place.base, 'link');
  }
});

describe('what keeps Claude Code from running the hooks is reported', () => {
  const guard = '{"hooks": {"PreToolUse": [{"type": "command", "command": "x"}]}}';

  it.each([
    ['a flat entry of PreToolUse', guard, 'hooks.PreToolUse.0.hooks'],
    ['a list where an object is expected', '{"env": []}', 'env'],
    ['rules that are a string', '{"permissions": {"allow": "Bash"}}', 'permissions.allow'],
  ])('%s in the same file, which is edited all the same', async (_, text, path) => {
    const place = scratch();
    const file = place.write('.claude/settings.json', text);
    const { obstacles } = await install(place.request('project'));
    expect(obstacles).toMatchObject([{ code: 'file-skipped', file, dislikes: [{ path }] }]);
    expect(place.read('.claude/settings.json')).toContain('session-start.cjs');
    uninstall(place.request('project'));
    expect(place.read('.claude/settings.json')).toBe(text);
  });

  it('nothing of it, when what looks odd is taken or passed over', async () => {
    const place = scratch();
    place.write(
      '.claude/settings.json',
      '{"hooks": {"SessionStart": null, "Stop": [{"type": "command", "command": "x"}], "Foo": 3}, "theme": 3}',
    );
    mkdirSync(join(place.home, '.claude'));
    writeFileSync(join(place.home, '.claude/settings.json'), guard);
    expect((await install(place.request('project'))).obstacles).toEqual([]);
  });

  it.each<[string, string, string]>([
    ['user', 'home/.claude/settings.json', '{"disableAllHooks": true}'],
    ['local', 'project/.claude/settings.local.json', '{"disableAllHooks": true}'],
    ['user, by a variable', 'home/.claude/settings.json', '{"env": {"CLAUDE_CODE_SIMPLE": "1"}}'],
    ['managed', 'managed/managed-settings.json', '{"strictPluginOnlyCustomization": ["hooks"]}'],
    ['managed, in a part', 'managed/managed-settings.d/1.json', '{"allowManagedHooksOnly": true}'],
  ])('%s settings that silence hooks', async (_, path, text) => {
    const place = scratch();
    const file = join(place.base, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    const managedRoot = join(place.base, 'managed');
    const { obstacles } = await install(place.request('project', { managedRoot }));
    expect(obstacles).toMatchObject([
      { code: 'silenced', silence: { file }, managed: path.startsWith('managed') },
    ]);
  });

  it('disabled by the user, and not by the project', async () => {
    const place = scratch();
    mkdirSync(join(place.home, '.claude'));
    writeFileSync(join(place.home, '.claude/settings.json'), '{"disableAllHooks": true}');
    place.write('.claude/settings.json', '{"disableAllHooks": false}');
    expect((await install(place.request('project'))).obstacles).toEqual([]);
    expect((await install(place.request('user'))).obstacles).toHaveLength(1);
  });

  it('disabled in the local settings of the main checkout, for a worktree', async () => {
    const place = scratch();
    place.write('.claude/settings.local.json', '{"disableAllHooks": true}');
    const directory = join(place.base, 'side');
    const gitDir = join(place.project, '.git', 'worktrees', 'side');
    mkdirSync(directory);
    mkdirSync(gitDir, { recursive: true });
    writeFileSync(join(directory, '.git'), `gitdir: ${gitDir}\n`);
    writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/side\n');
    writeFileSync(join(gitDir, 'commondir'), '../..\n');
    const { obstacles } = await install(place.request('project', { directory }));
    expect(obstacles).toMatchObject([
      { code: 'silenced', silence: { file: join(place.project, '.claude', 'settings.local.json') } },
    ]);
  });

  it('a managed file with which Claude Code does not start', async () => {
    const place = scratch();
    const managedRoot = join(place.base, 'managed');
    mkdirSync(managedRoot);
    writeFileSync(join(managedRoot, 'managed-settings.json'), '{');
    const { obstacles } = await install(place.request('user', { managedRoot }));
    expect(obstacles).toMatchObject([{ code: 'client-refuses' }]);
  });

  it('a file that is too large for it', async () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', JSON.stringify({ x: 'y'.repeat(2 << 20) }));
    expect((await install(place.request('project'))).obstacles).toEqual([{ code: 'file-too-large', file }]);
  });
});

describe('settings that cannot be edited', () => {
  it.each<[string, string | Buffer, string]>([
    ['a comment', '{ // mine\n}', 'relaxed-json'],
    ['a trailing comma', '{"a": 1,}', 'relaxed-json'],
    ['broken JSON', '{"a"', 'not-json'],
    ['an array', '[]\n', 'root-not-object'],
    ['hooks that are no object', '{"hooks": "none"}', 'hooks-not-object'],
    ['Latin-1', Buffer.from('{"a": "\xe9"}', 'latin1'), 'not-utf8'],
    ['UTF-16', Buffer.from('\uFEFF{}', 'utf16le'), 'not-utf8'],
  ])('%s: refuses, and changes not a byte', async (_, content, code) => {
    const place = scratch();
    const file = place.write('.claude/settings.json', content);
    const before = snapshot(place.base);
    const error = await refusal(() => install(place.request('project')));
    expect(error).toMatchObject({ code, file });
    expect(error.message.startsWith(file)).toBe(true);
    expect(snapshot(place.base)).toEqual(before);
  });

  it('a read-only file stays read-only and as it is', async () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{}');
    chmodSync(file, 0o444);
    const before = snapshot(place.base);
    expect(await refusal(() => install(place.request('project')))).toMatchObject({ code: 'read-only', file });
    expect(snapshot(place.base)).toEqual(before);
  });

  it('a file in the place of .claude', async () => {
    const place = scratch();
    place.write('.claude', 'a file');
    const before = snapshot(place.base);
    expect((await refusal(() => install(place.request('project')))).message).toContain(
      'is a file, not a directory',
    );
    expect(snapshot(place.base)).toEqual(before);
  });

  it('a directory in the place of the settings file', async () => {
    const place = scratch();
    mkdirSync(join(place.project, '.claude/settings.json'), { recursive: true });
    expect((await refusal(() => install(place.request('project')))).code).toBe('cannot-read');
  });

  it.skipIf(process.platform === 'win32')('no permission to write', async () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{}');
    place.write('.claude/other', '');
    for (const dir of [place.base, place.project]) chmodSync(dir, 0o755);
    chmodSync(join(place.project, '.claude'), 0o555);
    const before = snapshot(place.base);
    await asNobody(async () => {
      const error = await refusal(() => install(place.request('project')));
      expect(error.code).toBe('cannot-write');
      expect(error.message).toContain('you have no permission');
    });
    expect(snapshot(place.base)).toEqual(before);
    expect(readIfThere(file)).toBe('{}');
  });
});

describe.skipIf(process.platform === 'win32')('a failure half way', () => {
  it('takes back what was prepared: the settings cannot be written after the scripts could', async () => {
    const place = scratch();
    place.write('.claude/settings.json', '{}');
    mkdirSync(join(place.project, '.claude/flowloom'));
    for (const dir of [place.base, place.project]) chmodSync(dir, 0o755);
    chmodSync(join(place.project, '.claude/flowloom'), 0o777);
    chmodSync(join(place.project, '.claude'), 0o555);
    const before = snapshot(place.base);
    await asNobody(async () => {
      const error = await refusal(() => install(place.request('project')));
      expect(error).toMatchObject({
        code: 'cannot-write',
        file: join(place.project, '.claude/settings.json'),
      });
    });
    expect(snapshot(place.base)).toEqual(before);
  });

  it.runIf(process.geteuid?.() === 0)('as root, a file keeps its owner', () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{}');
    chownSync(file, 65534, 65534);
    installFiles(place.request('project'));
    expect(statSync(file)).toMatchObject({ uid: 65534, gid: 65534 });
  });
});

/** Root may write everywhere; give that up for a moment. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    await action();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('other writers', () => {
  it('a change between reading and writing wins; the next try includes it', async () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{"a":1}');
    const prepared = prepareInstall(place.request('project'));
    writeFileSync(file, '{"a":2}');
    expect(applyInstall(prepared)).toBeNull();
    expect(readIfThere(file)).toBe('{"a":2}');

    installFiles(place.request('project'));
    const removal = prepareRemoval(place.request('project'));
    const edited = (readIfThere(file) ?? '').replace('"a":2', '"a":3');
    writeFileSync(file, edited);
    expect(applyRemoval(removal)).toBe(false);
    expect(readIfThere(file)).toBe(edited);
    uninstall(place.request('project'));
    expect(readIfThere(file)).toBe('{"a":3}');
  });

  it('keeps what the user did between install and uninstall', () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{\n  "hooks": {\n    "Stop": []\n  }\n}\n');
    installFiles(place.request('project'));
    const settings = JSON.parse(readIfThere(file) ?? '');
    settings.model = 'opus';
    settings.hooks.Stop.unshift({ hooks: [{ type: 'command', command: 'true' }] });
    writeFileSync(file, JSON.stringify(settings));
    uninstall(place.request('project'));
    expect(JSON.parse(readIfThere(file) ?? '')).toEqual({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: 'true' }] }] },
      model: 'opus',
    });
  });
});

describe.skipIf(process.platform === 'win32')('links and modes', () => {
  it('writes through links, keeps the mode, and restores both', () => {
    const place = scratch();
    mkdirSync(join(place.base, 'dotfiles/claude'), { recursive: true });
    const real = join(place.base, 'dotfiles/settings.json');
    writeFileSync(real, '{"a":1}', { mode: 0o640 });
    symlinkSync(join(place.base, 'dotfiles/claude'), join(place.home, '.claude'));
    symlinkSync('../settings.json', join(place.base, 'dotfiles/claude/settings.json'));
    const before = snapshot(place.base);

    installFiles(place.request('user'));
    expect(readIfThere(real)).toContain('flowloom/hooks/gate.sh');
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(lstatSync(join(place.base, 'dotfiles/claude/settings.json')).isSymbolicLink()).toBe(true);
    expect(realpathSync(join(place.home, '.claude/flowloom'))).toBe(
      join(place.base, 'dotfiles/claude/flowloom'),
    );

    uninstall(place.request('user'));
    expect(snapshot(place.base)).toEqual(before);
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  it.each(['.claude', '.claude/settings.json'])('refuses when %s is a link to nowhere', async (path) => {
    const place = scratch();
    if (path !== '.claude') mkdirSync(join(place.project, '.claude'));
    symlinkSync(join(place.project, 'nowhere'), join(place.project, path));
    const before = snapshot(place.base);
    const error = await refusal(() => install(place.request('project')));
    expect(error).toMatchObject({ code: 'dangling-link', file: join(place.project, path) });
    expect((await refusal(() => install(place.request('project', { dryRun: true })))).code).toBe(
      'dangling-link',
    );
    expect(snapshot(place.base)).toEqual(before);
  });
});

describe('the folder with the scripts', () => {
  const folder = '.claude/flowloom';

  it('is described by its manifest', () => {
    const place = scratch();
    installFiles(place.request('project'));
    const manifest = JSON.parse(place.read(`${folder}/manifest.json`) ?? '');
    expect(manifest).toMatchObject({
      name: 'flowloom-hooks',
      version: '1.0.0',
      scope: 'project',
      before: { file: null },
    });
    expect(Object.keys(manifest.files).sort()).toEqual(
      [
        '.gitattributes',
        '.prettierrc',
        'biome.json',
        'cli.mjs',
        'command.mjs',
        'hooks/gate.sh',
        'hooks/lazy/git-store.cjs',
        ...wiredHooks.map(({ file }) => `hooks/${file}`),
      ].sort(),
    );
    expect(place.read(`${folder}/.gitattributes`)).toBe('* -text\n');
  });

  it('ignores itself in the local scope', () => {
    const place = scratch();
    installFiles(place.request('local'));
    expect(place.read('.claude/flowloom.local/.gitignore')).toBe('*\n');
  });

  it('follows an upgrade: new files come, unmodified old ones go, edited ones are moved aside', async () => {
    const place = scratch();
    installFiles(place.request('project'));
    place.write(`${folder}/hooks/stop.cjs`, '// edited by hand');
    rmSync(join(place.hooksSource, 'lazy'), { recursive: true });
    writeHooks(place.hooksSource, { 'stop.cjs': '// version 2', 'lazy/git-store.cjs': '' });
    rmSync(join(place.hooksSource, 'lazy/git-store.cjs'));
    writeFileSync(join(place.hooksSource, 'lazy/file-store.cjs'), '// new');
    const report = await install(place.request('project', { version: '2.0.0' }));

    expect(report.files.sort()).toEqual(['hooks/lazy/file-store.cjs', 'hooks/stop.cjs', 'manifest.json']);
    expect(report.events).toEqual([]);
    expect(place.read(`${folder}/hooks/stop.cjs`)).toBe('// version 2');
    expect(place.read(`${folder}/hooks/lazy/git-store.cjs`)).toBeNull();
    const backup = report.notes.find((note) => note.code === 'set-aside');
    const directory = join(place.project, '.git/flowloom/set-aside');
    expect(backup).toEqual({ code: 'set-aside', files: ['hooks/stop.cjs'], directory });
    const [copy, ...others] = readdirSync(directory);
    expect(others).toEqual([]);
    expect(copy).toMatch(/^[0-9a-f]{12}-stop\.cjs$/);
    expect(readIfThere(join(directory, copy ?? ''))).toBe('// edited by hand');
    expect(uninstall(place.request('project')).kept).toEqual([]);
  });

  it('an installed command does not take what was edited in its own folder for what was released', async () => {
    const place = scratch();
    installFiles(place.request('project'));
    const hooksSource = join(place.project, folder, 'hooks');
    installFiles(place.request('user', { hooksSource }));
    const edited = place.write(`${folder}/hooks/stop.cjs`, '// edited by hand');
    const before = snapshot(place.base);
    for (const scope of ['project', 'user'] as const)
      expect(await refusal(() => install(place.request(scope, { hooksSource })))).toMatchObject({
        code: 'edited-source',
        file: edited,
      });
    expect(snapshot(place.base)).toEqual(before);
  });

  it('remembers across an upgrade that install made the file and the directory', () => {
    const place = scratch();
    const before = snapshot(place.base);
    installFiles(place.request('project'));
    installFiles(place.request('project', { version: '2.0.0' }));
    uninstall(place.request('project'));
    expect(snapshot(place.base)).toEqual(before);
  });

  it.each([
    ['a script of somebody else', `${folder}/hooks/stop.cjs`, 'console.log("mine")'],
    ['a manifest of something else', `${folder}/manifest.json`, '{"name":"other"}'],
    ['a damaged manifest', `${folder}/manifest.json`, '<<<<<<< HEAD\n'],
  ])('refuses %s, and leaves it', async (_, path, content) => {
    const place = scratch();
    const file = place.write(path, content);
    const before = snapshot(place.base);
    expect(await refusal(() => install(place.request('project')))).toMatchObject({
      code: 'foreign-file',
      file,
    });
    expect(snapshot(place.base)).toEqual(before);
  });

  it('takes over the same scripts without a manifest, as an interrupted install leaves them', () => {
    const place = scratch();
    const stop = readIfThere(join(place.hooksSource, 'stop.cjs')) ?? '';
    place.write(`${folder}/hooks/stop.cjs`, stop);
    installFiles(place.request('project'));
    expect(uninstall(place.request('project')).kept).toEqual([]);
  });

  it('keeps other files there, and scripts that were edited, when it is uninstalled', () => {
    const place = scratch();
    installFiles(place.request('project'));
    place.write(`${folder}/notes.md`, 'mine');
    place.write(`${folder}/hooks/stop.cjs`, '// edited');
    const report = uninstall(place.request('project'));
    expect(report.kept.sort()).toEqual(['hooks/stop.cjs', 'notes.md']);
    expect(Object.keys(snapshot(join(place.project, folder)))).toEqual([
      'hooks/',
      'hooks/stop.cjs',
      'notes.md',
    ]);
    expect(place.read('.claude/settings.json')).toBeNull();
  });

  it('does not trust the paths of a manifest', () => {
    const place = scratch();
    installFiles(place.request('project'));
    const victim = place.write('precious.txt', '// a part\n');
    const manifest = JSON.parse(place.read(`${folder}/manifest.json`) ?? '');
    const hash = manifest.files['hooks/lazy/git-store.cjs'];
    Object.assign(manifest.files, {
      '../../precious.txt': hash,
      [victim]: hash,
      'hooks/../../../precious.txt': hash,
    });
    manifest.before = { file: '{"evil": 1}', hooks: '"evil": 1', events: { Stop: 'x' } };
    place.write(`${folder}/manifest.json`, JSON.stringify(manifest));
    uninstall(place.request('project'));
    expect(readIfThere(victim)).toBe('// a part\n');
    expect(place.read('.claude/settings.json')).toBe('{}\n');
  });

  it('may be gone at uninstall', () => {
    const place = scratch();
    place.write('.claude/settings.json', '{"model":"opus"}');
    installFiles(place.request('project'));
    rmSync(join(place.project, folder), { recursive: true });
    expect(uninstall(place.request('project'))).toMatchObject({
      installed: true,
      changed: true,
      files: [],
      kept: [],
    });
    expect(place.read('.claude/settings.json')).toBe('{"model":"opus"}');
  });

  it.skipIf(process.platform === 'win32')(
    'may be impossible to remove: then the settings are clean already',
    async () => {
      const place = scratch();
      const file = place.write('.claude/settings.json', '{}');
      installFiles(place.request('project'));
      for (const dir of [place.base, place.project]) chmodSync(dir, 0o755);
      chmodSync(join(place.project, '.claude'), 0o777);
      if (process.geteuid?.() === 0) chownSync(file, 65534, 65534);
      for (const dir of ['', '/hooks', '/hooks/lazy']) chmodSync(join(place.project, folder + dir), 0o555);
      await asNobody(async () => {
        expect((await refusal(() => uninstall(place.request('project')))).code).toBe('cannot-write');
      });
      expect(readIfThere(file)).toBe('{}');
      for (const dir of ['', '/hooks', '/hooks/lazy']) chmodSync(join(place.project, folder + dir), 0o755);
      expect(uninstall(place.request('project'))).toMatchObject({ installed: true, kept: [] });
      expect(existsSync(join(place.project, folder))).toBe(false);
    },
  );

  it('is refused when the package lacks a hook', async () => {
    const place = scratch();
    rmSync(join(place.hooksSource, 'stop.cjs'));
    const before = snapshot(place.base);
    expect((await refusal(() => install(place.request('project')))).code).toBe('incomplete-package');
    expect(snapshot(place.base)).toEqual(before);
  });
});

describe('reports', () => {
  it('a second install changes nothing', async () => {
    const place = scratch();
    await install(place.request('project'));
    const report = await install(place.request('project'));
    expect(report).toMatchObject({ changed: false, events: [], files: [], diff: [] });
    expect(report.selfTest).toHaveLength(6);
  });

  it('uninstall where nothing is installed says so', () => {
    const place = scratch();
    const file = place.write('.claude/settings.json', '{ "model": "opus" }');
    const before = snapshot(place.base);
    expect(uninstall(place.request('project'))).toMatchObject({
      installed: false,
      changed: false,
      events: [],
      kept: [],
    });
    expect(snapshot(place.base)).toEqual(before);
    expect(readIfThere(file)).toBe('{ "model": "opus" }');
  });

  it('warn when another scope is installed too', async () => {
    const place = scratch();
    installFiles(place.request('user'));
    const { notes } = await install(place.request('project', { dryRun: true }));
    expect(notes).toContainEqual({ code: 'other-scope', scope: 'user', file: settingsFile(place, 'user') });
  });

  it('do not mind what is wrong with the files of other scopes', async () => {
    const place = scratch();
    mkdirSync(join(place.home, '.claude'));
    writeFileSync(join(place.home, '.claude/settings.json'), '{"hooks": [[], 1, {"hooks": {}}, null]}');
    place.write('.claude/settings.local.json', '{ broken');
    const { notes } = await install(place.request('project', { dryRun: true }));
    expect(notes.map((note) => note.code)).toEqual(['commit', 'root-only']);
  });
});

describe('how prompts are answered', () => {
  const hot = ['UserPromptSubmit', 'PostToolBatch'] as const;
  const commandsIn = (file: string) => {
    const { hooks } = JSON.parse(readIfThere(file) ?? '{}');
    // A shell that starts one of them starts all: it keeps away what is not for hooks.
    const all = wiredHooks.map(({ event }) => hooks[event][0].hooks[0].command);
    expect(new Set(all).size).toBe(1);
    return hot.map((event) => hooks[event][0].hooks[0].command);
  };
  const wired = (scope: Scope, more: Partial<InstallRequest> = {}) => {
    const place = scratch();
    const request = place.request(scope, more);
    installFiles(request);
    return { place, request, commands: () => commandsIn(settingsFile(place, scope)) };
  };

  it.each([
    ['project', {}, 'node'],
    ['project', { posix: true }, 'sh'],
    ['local', {}, 'sh'],
    ['local', { platform: 'win32' }, 'node'],
    ['local', { posix: false }, 'node'],
    ['user', {}, 'sh'],
    ['user', { platform: 'win32' }, 'node'],
  ] as const)('in scope %s, with %j: by %s', (scope, more, command) => {
    expect(wired(scope, more).commands()).toEqual([command, command]);
  });

  it.each([
    ['project', true],
    ['local', false],
  ] as const)('an upgrade keeps what is installed in scope %s', (scope, posix) => {
    const { request, commands } = wired(scope, { posix });
    const before = commands();
    installFiles({ ...request, posix: undefined, version: '1.0.1' });
    expect(commands()).toEqual(before);
  });

  /** What the first version wrote: only hot hooks through the gate, and scripts that are started whether they are there or not. */
  const asFirstWritten = (file: string): void => {
    const settings = JSON.parse(readIfThere(file) ?? '{}');
    for (const [event, [group]] of Object.entries<{ hooks: { command: string; args: string[] }[] }[]>(
      settings.hooks,
    )) {
      const [handler] = group!.hooks;
      const [, , gate, name] = handler!.args;
      if (handler!.command === 'node') handler!.args = handler!.args.slice(-1);
      else if (hot.includes(event as (typeof hot)[number]))
        handler!.args[1] = `trap 'exec node "$` + `{0%/*}/$1.cjs"' EXIT; . "$0"`;
      else Object.assign(handler!, { command: 'node', args: [gate!.replace('gate.sh', `${name}.cjs`)] });
    }
    writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`);
  };

  it.each([
    ['project', false],
    ['project', true],
    ['local', true],
  ] as const)('entries of the first version are renewed in scope %s, posix: %s', (scope, posix) => {
    const { place, request } = wired(scope, { posix });
    const file = settingsFile(place, scope);
    const now = readIfThere(file);
    asFirstWritten(file);
    expect(readIfThere(file)).not.toBe(now);
    installFiles({ ...request, posix: undefined });
    expect(readIfThere(file)).toBe(now);
  });

  it.each([false, true])('entries of the first version are taken out, posix: %s', (posix) => {
    const { place } = wired('project', { posix });
    const file = settingsFile(place, 'project');
    expect(prepareRemoval(place.request('project')).settings.loud).toBe(false);
    asFirstWritten(file);
    const prepared = prepareRemoval(place.request('project'));
    expect(prepared.settings.loud).toBe(true);
    expect(uninstall(place.request('project'))).toMatchObject({ installed: true, kept: [] });
    expect(existsSync(join(place.project, '.claude'))).toBe(false);
  });

  it('can be changed, and uninstall takes out either form', () => {
    const { place, request, commands } = wired('local');
    installFiles({ ...request, posix: false });
    expect(commands()).toEqual(['node', 'node']);
    installFiles({ ...request, posix: true });
    expect(commands()).toEqual(['sh', 'sh']);
    expect(uninstall(place.request('local'))).toMatchObject({ installed: true, kept: [] });
    expect(readIfThere(settingsFile(place, 'local'))).toBeNull();
  });
});
