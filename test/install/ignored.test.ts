/** Rules of git that keep an installation out of commits, the lines that take them back, older versions, and paths of others. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { applyInstall, type InstallRequest, install, prepareInstall } from '../../install/install.ts';
import { renderInstall } from '../../src/messages/install.ts';
import { type Scratch, scratch } from './scratch.ts';

function repository(): Scratch & { git(...args: string[]): string } {
  const place = scratch();
  rmSync(join(place.project, '.git'), { recursive: true });
  for (const [name, value] of Object.entries({
    HOME: place.home,
    XDG_CONFIG_HOME: undefined,
    GIT_CONFIG_NOSYSTEM: '1',
  }))
    vi.stubEnv(name, value);
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: place.project, encoding: 'utf8' });
  git('init', '--quiet');
  return { ...place, git };
}

const ignoredIn = async (request: InstallRequest) => {
  const report = await install(request);
  return { report, note: report.notes.find((note) => note.code === 'ignored') };
};

describe('git ignores what has to be committed', () => {
  it.each([
    ['.gitignore', '.claude/'],
    ['.gitignore', '.claude'],
    ['.gitignore', '/.claude/*'],
    ['.gitignore', '**/.claude/**'],
    ['.gitignore', '.claude/settings.json'],
    ['.gitignore', '*.cjs'],
    ['.gitignore', 'lazy/'],
    ['.gitignore', '*.sh\n*.mjs\n.mcp.json'],
    ['.gitignore', '.*'],
    ['.claude/.gitignore', '*'],
    ['.git/info/exclude', '.claude/'],
  ])('%s says %j: install says so, and the lines that it names are enough', async (file, rules) => {
    const place = repository();
    place.write(file, `${rules}\n`);
    place.write('.claude/mine.txt', '');
    const before = place.git('status', '--porcelain', '--ignored', '--', '.claude/mine.txt');
    const { report, note } = await ignoredIn(place.request('project', { mcp: true }));
    expect(report.selfTest?.every(({ ok }) => ok)).toBe(true);
    expect(report.notes.map(({ code }) => code)).not.toContain('commit');
    const text = renderInstall(report);
    for (const line of note!.lines) expect(text).toContain(`\n  ${line}\n`);
    expect(text).toContain(`add to the end of ${note!.into}`.slice(0, 20));

    appendFileSync(join(place.project, note!.into), `${note!.lines.join('\n')}\n`);
    const again = await ignoredIn(place.request('project', { mcp: true }));
    expect(again.note).toBeUndefined();
    place.git('add', '--all');
    const staged = place.git('ls-files').split('\n');
    for (const name of ['.claude/settings.json', '.claude/flowloom/hooks/stop.cjs', '.mcp.json'])
      expect(staged).toContain(name);
    for (const name of [
      'hooks/gate.sh',
      'hooks/lazy/git-store.cjs',
      'manifest.json',
      'cli.mjs',
      'command.mjs',
      'mcp.mjs',
      '.gitattributes',
    ])
      expect(staged).toContain(`.claude/flowloom/${name}`);
    // What else was ignored in there still is.
    if (before.startsWith('!!')) expect(staged).not.toContain('.claude/mine.txt');
  });

  it('a dry run says it, too', async () => {
    const place = repository();
    place.write('.gitignore', '.claude/\n');
    const { note } = await ignoredIn(place.request('project', { dryRun: true }));
    expect(note?.lines).toContain('!/.claude/settings.json');
    expect(existsSync(join(place.project, '.claude'))).toBe(false);
  });

  it('says nothing where git takes everything, where it is committed by force, and outside of git', async () => {
    const place = repository();
    expect((await ignoredIn(place.request('project'))).note).toBeUndefined();
    place.write('.gitignore', '.claude/\n');
    place.git('add', '--force', '.claude');
    expect((await ignoredIn(place.request('project'))).note).toBeUndefined();
    rmSync(join(place.project, '.git'), { recursive: true });
    expect((await ignoredIn(place.request('project'))).note).toBeUndefined();
  });

  it('is nothing to somebody who installs for themselves', async () => {
    const place = repository();
    place.write('.gitignore', '.claude/\n');
    for (const scope of ['local', 'user'] as const)
      expect((await ignoredIn(place.request(scope))).note).toBeUndefined();
  });
});

describe('an older version over a newer one', () => {
  it.each(['project', 'local', 'user'] as const)('is refused in scope %s unless it is wanted', (scope) => {
    const place = scratch();
    applyInstall(prepareInstall(place.request(scope, { version: '0.2.0' })));
    const older = place.request(scope, { version: '0.1.9' });
    expect(() => prepareInstall(older)).toThrow(/holds version 0\.2\.0, and this is 0\.1\.9.*--downgrade/);
    expect(() => prepareInstall({ ...older, dryRun: true })).toThrow(/--downgrade/);
    expect(applyInstall(prepareInstall({ ...older, downgrade: true }))).not.toBeNull();
    expect(applyInstall(prepareInstall(older))).not.toBeNull();
  });
});

describe('entries that name another folder', () => {
  it('are replaced, and that is said', async () => {
    const place = scratch();
    applyInstall(prepareInstall(place.request('user')));
    const file = join(place.home, '.claude/settings.json');
    const other = join(place.base, 'container');
    mkdirSync(other);
    const shared = join(other, '.claude');
    mkdirSync(shared);
    writeFileSync(join(shared, 'settings.json'), execFileSync('cat', [file]));
    const report = await install({ ...place.request('user'), home: other });
    expect(report.notes).toContainEqual({
      code: 'path-replaced',
      file: join(shared, 'settings.json'),
      folder: join(place.home, '.claude/flowloom'),
    });
    expect(renderInstall(report)).toContain('replaced');
    const again = await install({ ...place.request('user'), home: other });
    expect(again.notes.map(({ code }) => code)).not.toContain('path-replaced');
  });
});
