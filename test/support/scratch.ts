/** Scratch directories and real repositories. Nothing here touches the real HOME or this repository. */
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

// Real processes on a busy machine: a test says what happens, never how fast.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** When something is to be cleaned up: after the test, or with `afterAll` after the file. */
export type Until = (cleanUp: () => void) => void;

/** A fresh directory, removed after the test. */
export function scratch(name = 'scratch', until: Until = onTestFinished): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `flowloom-${name}-`)));
  until(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

export function write(path: string, content: string | Buffer): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A git that knows nothing of the machine it runs on. */
export function git(directory: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
    },
  });
  if (status !== 0) throw new Error(`git ${args.join(' ')} in ${directory}: ${stderr}`);
  return stdout.trimEnd();
}

/** A repository with one commit on `main`. */
export function repository(path: string): string {
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q', '-b', 'main');
  write(join(path, 'README.md'), 'A shop.\n');
  git(path, 'add', '.');
  git(path, 'commit', '-q', '-m', 'Open the shop');
  return path;
}

/** Every file below a directory, relative, sorted; directories are walked and not listed. */
export function filesBelow(directory: string, prefix = ''): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesBelow(join(directory, entry.name), `${prefix}${entry.name}/`)
        : [`${prefix}${entry.name}`],
    )
    .sort();
}

/** Content of every regular file below a directory, by relative path: for "nothing else was touched". */
export const contentsBelow = (directory: string): Record<string, string> =>
  Object.fromEntries(
    filesBelow(directory)
      .filter((name) => lstatSync(join(directory, name)).isFile())
      .map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
  );
