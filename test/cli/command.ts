/** The command as it ships: a copy of `dist/`, so that a build in the middle of a run does no harm, run as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { hookNames } from '../support/built.ts';
import { git } from '../support/scratch.ts';
import type { SessionUnderTest, World } from '../support/world.ts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');

const pause = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** `dist/meta.json` is written last, so a build is complete when it is the same before and after. */
function copyOfDist(): string {
  const home = mkdtempSync(join(tmpdir(), 'flowloom-cli-'));
  // Some tests run it as another user.
  chmodSync(home, 0o755);
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const copy = join(home, 'dist');
  for (let attempt = 0; ; attempt++) {
    try {
      const before = readFileSync(join(dist, 'meta.json'), 'utf8');
      rmSync(copy, { recursive: true, force: true });
      cpSync(dist, copy, { recursive: true });
      const files = ['cli.mjs', 'command.mjs', ...hookNames.map((name) => `hooks/${name}.cjs`)];
      if (
        files.every((file) => existsSync(join(copy, file))) &&
        readFileSync(join(dist, 'meta.json'), 'utf8') === before
      )
        return copy;
    } catch (cause) {
      if (attempt >= 100) throw new Error('dist/ is not built: run node scripts/build.mjs', { cause });
    }
    pause(100);
  }
}

const folder = copyOfDist();

export const commandPath: string = join(folder, 'cli.mjs');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout without the last line break. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** Added to the clean environment; undefined removes one. */
  readonly env?: Record<string, string | undefined>;
  /** Where it is typed; the repository unless told. */
  readonly cwd?: string;
  /** What runs it; node unless told. The command and its arguments come after it. */
  readonly through?: readonly string[];
}

/** The environment of a terminal in which no session runs. */
export const cleanEnv = (
  world: Pick<World, 'home' | 'temporary'>,
  more: RunOptions['env'] = {},
): NodeJS.ProcessEnv => {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: world.home,
    TMPDIR: world.temporary,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    ...more,
  };
  for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
  return env;
};

/** Runs a program to its end with nothing on stdin. */
export async function runProcess(
  [program, ...args]: readonly [string, ...string[]],
  options: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
): Promise<Ran> {
  const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr, lines: stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n') };
}

/** Types `flowloom-hooks <args>` in that world. */
export function type(world: World, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program, ...rest] = [...(options.through ?? []), process.execPath, commandPath, ...args];
  return runProcess([program!, ...rest], {
    cwd: options.cwd ?? world.root,
    env: cleanEnv(world, options.env),
  });
}

/** Types it inside that session, as with "!" in front. */
export const typeIn = (session: SessionUnderTest, args: readonly string[]): Promise<Ran> =>
  type(session.world, args, {
    cwd: session.cwd,
    through: session.world.ground.within(session.cwd),
    env: { CLAUDE_PID: String(session.client.pid), CLAUDECODE: '1' },
  });

/** The one JSON value on stdout; anything else there fails the test. */
export const jsonOf = <T = Record<string, unknown>>({ stdout }: Ran): T => JSON.parse(stdout) as T;

/** What git sees that is not committed. */
export const dirt = (directory: string): string => git(directory, 'status', '--porcelain', '--ignored');

/** What a terminal obeys and a person does not see. */
export const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

/** Nobody is asked to read a stack trace. */
export const trace = /\n\s+at .*:\d+:\d+|Unhandled|did not foresee/;

export const packageVersion: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
