/** Runs a program that may be missing, hang, or leave children behind that hold its output open. */
import { execa } from 'execa';
import { messageOf } from '../core/message-of.ts';
import { groups, killGroup } from './process-group.ts';

export type Outcome =
  | { readonly kind: 'missing' }
  | { readonly kind: 'late' }
  | {
      readonly kind: 'ended';
      /** Null when a signal ended it or it could not be started. */
      readonly exitCode: number | null;
      readonly stdout: string;
      readonly stderr: string;
      /** How it ended when there is no exit code: a signal's name or the system's error code. */
      readonly how: string;
      readonly ms: number;
    };

/** How to run it. */
export interface Run {
  readonly directory: string;
  /** All of it: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
  readonly input?: string;
}

const mostBytes = 1_000_000;

/** How the program ended, at most `limitMs` later; then it and its children are killed. Never throws. */
export async function runProgram(name: string, args: readonly string[], run: Run): Promise<Outcome> {
  const begin = performance.now();
  // A limit of our own: execa's waits for whoever still holds the output, and that may be a grandchild.
  const child = execa(name, args, {
    cwd: run.directory,
    env: run.env,
    extendEnv: false,
    ...(run.input === undefined ? { stdin: 'ignore' } : { input: run.input }),
    detached: groups,
    windowsHide: true,
    maxBuffer: mostBytes,
    reject: false,
  });
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    killGroup(child);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, run.limitMs);
  try {
    const { code, exitCode, signal, stdout, stderr } = await child;
    if (late) return { kind: 'late' };
    if (code === 'ENOENT') return { kind: 'missing' };
    const how = signal ?? code ?? '';
    const ms = Math.round(performance.now() - begin);
    return {
      kind: 'ended',
      exitCode: exitCode ?? null,
      stdout: String(stdout),
      stderr: String(stderr),
      how,
      ms,
    };
  } catch (cause) {
    const how = messageOf(cause);
    return {
      kind: 'ended',
      exitCode: null,
      stdout: '',
      stderr: '',
      how,
      ms: Math.round(performance.now() - begin),
    };
  } finally {
    clearTimeout(limit);
  }
}
