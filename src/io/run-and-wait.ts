/**
 * Runs a program and waits for its end, as `spawnSync` does. Loading `child_process` for that takes a hook as long as git takes to
 * answer, since it brings the network stack along. So the binding below it is called; where that is missing or refuses,
 * `child_process` does the same; it is loaded then, and not before.
 */
import module from 'node:module';
import os from 'node:os';
import { bindingOf } from './binding.ts';

/** How it ended. */
export interface Ended {
  /** `ENOENT` when there is no such program, `ETIMEDOUT` when it was killed at its limit, another system's word, or empty. */
  readonly failure: string;
  /** Null when it did not start or a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where it runs, and for how long at most before it is killed. */
export interface Limits {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
}

const mostBytes = 4 << 20;
const sigkill = 9;

/** What Node's `spawnSync` is made of. */
interface SpawnSync {
  spawn(options: object): {
    /** A negative number of the system's. */
    error?: number;
    status: number | null;
    output: (Buffer | null)[] | null;
  };
}

function spawner(): SpawnSync | null {
  // There arguments are one text, to be quoted.
  if (process.platform === 'win32') return null;
  try {
    const found = bindingOf<SpawnSync>('spawn_sync');
    return typeof found.spawn === 'function' ? found : null;
  } catch {
    return null;
  }
}

/** What went wrong is in the outcome. Nothing is written to the program. */
export function runAndWait(file: string, args: readonly string[], limits: Limits): Ended {
  const spawnSync = spawner();
  return spawnSync ? below(spawnSync, file, args, limits) : above(file, args, limits);
}

function below(
  { spawn }: SpawnSync,
  file: string,
  args: readonly string[],
  { directory, env, limitMs }: Limits,
): Ended {
  const pipe = { type: 'pipe', readable: false, writable: true };
  const pairs = Object.entries(env).filter(([, value]) => value !== undefined);
  const { error, status, output } = spawn({
    file,
    args: [file, ...args],
    cwd: directory,
    envPairs: pairs.map(([name, value]) => `${name}=${value}`),
    stdio: [{ type: 'ignore' }, pipe, pipe],
    timeout: limitMs,
    maxBuffer: mostBytes,
    killSignal: sigkill,
  });
  return {
    failure: error ? nameOf(-error) : '',
    exitCode: error ? null : status,
    stdout: String(output?.[1] ?? ''),
    stderr: String(output?.[2] ?? ''),
  };
}

const nameOf = (errno: number): string =>
  Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? 'EUNKNOWN';

function above(file: string, args: readonly string[], { directory, env, limitMs }: Limits): Ended {
  const load = module.createRequire(process.execPath);
  const { spawnSync } = load('node:child_process') as typeof import('node:child_process');
  const { error, status, stdout, stderr } = spawnSync(file, args, {
    cwd: directory,
    env,
    encoding: 'utf8',
    timeout: limitMs,
    killSignal: 'SIGKILL',
    maxBuffer: mostBytes,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const failure = error ? ((error as NodeJS.ErrnoException).code ?? 'EUNKNOWN') : '';
  return { failure, exitCode: error ? null : status, stdout: stdout ?? '', stderr: stderr ?? '' };
}
