/** What a stranger's repository brings along as links must not make install or uninstall touch anything outside of its work tree. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { applyInstall, prepareInstall } from '../../install/install.ts';
import { sha256 } from '../../install/manifest.ts';
import type { Scope } from '../../install/target.ts';
import { uninstall } from '../../install/uninstall.ts';
import { type Scratch, scratch, snapshot } from './scratch.ts';

const theirs = 'export PATH=/mine\n';

/** A project beside files of the user that nothing may touch. */
function stranger() {
  const place = scratch();
  const outside = join(place.base, 'home', 'private');
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, '.bashrc'), theirs);
  writeFileSync(join(outside, 'settings.json'), '{"model": "mine"}\n');
  mkdirSync(join(outside, '.ssh'));
  writeFileSync(join(outside, '.ssh', 'id'), 'key\n');
  /** Replaces what is at a path of the project by a link. */
  const link = (path: string, target: string): void => {
    const file = join(place.project, path);
    rmSync(file, { recursive: true, force: true });
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file);
  };
  return { ...place, outside, link, before: () => snapshot(join(place.base, 'home')) };
}

function refused(action: () => unknown): InstallError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(InstallError);
    return error as InstallError;
  }
  return expect.unreachable('it was not refused');
}

const installFiles = (place: Scratch, scope: Scope = 'project', more = {}): void => {
  expect(applyInstall(prepareInstall(place.request(scope, more)))).not.toBeNull();
};

/** Every component below the work tree, and what of the user's it might lead to. */
const ways: [path: string, to: string, more?: object][] = [
  ['.claude', '.'],
  ['.claude/settings.json', 'settings.json'],
  ['.claude/flowloom', '.ssh'],
  ['.claude/flowloom/hooks', '.ssh'],
  ['.claude/flowloom/hooks/lazy', '.ssh'],
  ['.claude/flowloom/hooks/stop.cjs', '.bashrc'],
  ['.claude/flowloom/hooks/gate.sh', '.bashrc'],
  ['.claude/flowloom/hooks/lazy/git-store.cjs', '.bashrc'],
  ['.claude/flowloom/manifest.json', '.bashrc'],
  ['.claude/flowloom/.gitattributes', '.bashrc'],
  ['.mcp.json', 'settings.json', { mcp: true }],
  ['.claude/flowloom/mcp.mjs', '.bashrc', { mcp: true }],
];

describe.each(ways)('%s is a link that leaves the project', (path, to, more = {}) => {
  it.each(['as it was cloned', 'after an install'])('install refuses and names it, %s', (when) => {
    const place = stranger();
    if (when === 'after an install') installFiles(place, 'project', more);
    place.link(path, join(place.outside, to));
    const before = place.before();
    for (const dryRun of [true, false]) {
      const error = refused(() => {
        applyInstall(prepareInstall(place.request('project', { ...more, dryRun })));
      });
      expect(error.code).toBe('link-leaves');
      expect(error.message).toContain(join(place.project, path));
      expect(error.message).toContain(join(place.outside, to));
    }
    expect(place.before()).toEqual(before);
    expect(lstatSync(join(place.project, path)).isSymbolicLink()).toBe(true);
  });

  it('uninstall touches nothing outside', () => {
    const place = stranger();
    installFiles(place, 'project', more);
    const manifest = readFileSync(join(place.project, '.claude/flowloom/manifest.json'), 'utf8');
    place.link(path, join(place.outside, to));
    // The author of the repository knows what stands in the file, too.
    const forged = JSON.parse(manifest);
    for (const name of Object.keys(forged.files)) forged.files[name] = sha256(theirs);
    if (existsSync(join(place.project, '.claude/flowloom')) && !path.endsWith('flowloom'))
      place.write('.claude/flowloom/manifest.json', JSON.stringify(forged));
    if (path.endsWith('manifest.json')) place.link(path, join(place.outside, to));
    const before = place.before();
    try {
      uninstall(place.request('project'));
    } catch (error) {
      expect((error as InstallError).code).toBe('link-leaves');
    }
    expect(place.before()).toEqual(before);
    expect(lstatSync(join(place.project, path)).isSymbolicLink()).toBe(true);
  });
});

it.each([
  'a relative link',
  'a link to a link',
  'a link below a link',
  'a link to nothing',
  "a link into git's own directory",
])('%s is no way out either', (kind) => {
  const place = stranger();
  const { project, outside } = place;
  const settings = '.claude/settings.json';
  if (kind === 'a relative link') place.link(settings, '../../home/private/settings.json');
  if (kind === 'a link to a link') {
    place.link(settings, '../step');
    symlinkSync(join(outside, 'settings.json'), join(project, 'step'));
  }
  if (kind === 'a link below a link') {
    mkdirSync(join(project, 'config'));
    place.link('.claude', 'config');
    symlinkSync(join(outside, 'settings.json'), join(project, 'config/settings.json'));
  }
  if (kind === 'a link to nothing') place.link(settings, join(outside, 'not-yet.json'));
  if (kind.startsWith('a link into')) place.link('.claude/flowloom', '../.git/hooks');
  const [before, git] = [place.before(), snapshot(join(project, '.git'))];
  expect(refused(() => installFiles(place)).code).toBe('link-leaves');
  expect(place.before()).toEqual(before);
  expect(snapshot(join(project, '.git'))).toEqual(git);
});

it('the settings for one person alone are held within the project too', () => {
  const place = stranger();
  place.link('.claude/settings.local.json', join(place.outside, 'settings.json'));
  expect(refused(() => installFiles(place, 'local')).code).toBe('link-leaves');
  place.link('.claude/settings.local.json', 'settings.json');
  place.link('.claude/flowloom.local', place.outside);
  expect(refused(() => installFiles(place, 'local')).code).toBe('link-leaves');
});

it('a project whose .claude is a link to the folder of the user is refused as a link', () => {
  const place = stranger();
  mkdirSync(join(place.home, '.claude'));
  place.link('.claude', join(place.home, '.claude'));
  expect(refused(() => installFiles(place)).code).toBe('link-leaves');
});

it('links within the project go on working, and come back as they were', () => {
  const place = stranger();
  mkdirSync(join(place.project, 'config/claude'), { recursive: true });
  place.link('.claude', 'config/claude');
  const before = snapshot(place.base);
  installFiles(place);
  expect(existsSync(join(place.project, 'config/claude/flowloom/hooks/stop.cjs'))).toBe(true);
  uninstall(place.request('project'));
  expect(snapshot(place.base)).toEqual(before);
});

it('links of the user lead anywhere in the scope of the user', () => {
  const place = stranger();
  mkdirSync(join(place.base, 'dotfiles/claude'), { recursive: true });
  symlinkSync(join(place.base, 'dotfiles/claude'), join(place.home, '.claude'));
  installFiles(place, 'user');
  expect(existsSync(join(place.base, 'dotfiles/claude/settings.json'))).toBe(true);
  uninstall(place.request('user'));
  expect(readdirSync(join(place.base, 'dotfiles/claude'))).toEqual([]);
});

it('a script that is a second name of a file elsewhere is replaced, and the file stays', () => {
  const place = stranger();
  installFiles(place);
  const script = join(place.project, '.claude/flowloom/hooks/stop.cjs');
  rmSync(script);
  linkSync(join(place.outside, '.bashrc'), script);
  installFiles(place);
  expect(readFileSync(script, 'utf8')).not.toBe(theirs);
  expect(readFileSync(join(place.outside, '.bashrc'), 'utf8')).toBe(theirs);
});

it('what the manifest says about other folders is not believed', () => {
  const place = stranger();
  installFiles(place);
  const file = join(place.project, '.claude/flowloom/manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const victim = place.write('src/index.js', theirs);
  for (const name of [
    '../../src/index.js',
    'hooks/../../../src/index.js',
    victim,
    'hooks/./../../../src/index.js',
    '..\\..\\src\\index.js',
    '/',
    '',
    '.../x',
  ])
    manifest.files[name] = sha256(theirs);
  writeFileSync(file, JSON.stringify(manifest));
  installFiles(place, 'project', { version: '2.0.0' });
  writeFileSync(file, JSON.stringify(manifest));
  uninstall(place.request('project'));
  expect(readFileSync(victim, 'utf8')).toBe(theirs);
});

it.each(['.claude/settings.json', '.claude/flowloom/manifest.json', '.claude/flowloom/hooks/stop.cjs'])(
  'a pipe as %s is refused, not waited for',
  (path) => {
    const place = stranger();
    const file = join(place.project, path);
    mkdirSync(dirname(file), { recursive: true });
    execFileSync('mkfifo', [file]);
    const error = refused(() => installFiles(place));
    expect([error.code, error.file]).toEqual(['no-file', file]);
  },
);
