/**
 * Runs a program that may hang, with children that may hang too. The commands do it with execa; this is for what hooks start, where
 * a tenth of a megabyte in every repository is too much.
 */
import { spawn } from 'node:child_process';
import { groups, killGroup } from './process-group.ts';

/** How it ended. `late`: it was killed at its limit, and whatever it had started. */
export type Limited =
  | { readonly kind: 'missing' }
  | { readonly kind: 'late' }
  | {
      readonly kind: 'ended';
      /** Null when a signal ended it or it could not be started. */
      readonly exitCode: number | null;
      readonly stdout: string;
      readonly stderr: string;
    };

const mostBytes = 8 << 20;

/** How it is run. */
export interface Limits {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
  /** What it reads on stdin. */
  readonly input?: string;
  /** Asked now and then: true ends it as its limit does. */
  readonly isTooMuch?: () => boolean;
}

const askEveryMs = 100;

/** The outcome, at most `limitMs` later. Never throws. */
export function runLimited(
  name: string,
  args: readonly string[],
  { directory, env, limitMs, input, isTooMuch = () => false }: Limits,
): Promise<Limited> {
  return new Promise((resolve) => {
    const child = spawn(name, args, {
      cwd: directory,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group and a session of its own: it can be killed as a whole, and has no terminal to ask.
      detached: groups,
      windowsHide: true,
    });
    // It may end without having read it.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const said = { stdout: '', stderr: '' };
    const end = (outcome: Limited): void => {
      clearTimeout(limit);
      clearInterval(watch);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(outcome);
    };
    const stop = (): void => {
      killGroup(child);
      end({ kind: 'late' });
    };
    const limit = setTimeout(stop, limitMs);
    const watch = setInterval(() => isTooMuch() && stop(), askEveryMs);
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        if (said[stream].length < mostBytes) said[stream] += text;
        else killGroup(child);
      });
    child.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      end(
        code === 'ENOENT'
          ? { kind: 'missing' }
          : { kind: 'ended', exitCode: null, stdout: '', stderr: message },
      ),
    );
    // Its output may be held open by a grandchild: what came until a moment after its end is enough.
    child.on('exit', (exitCode) => {
      const settle = setTimeout(() => end({ kind: 'ended', exitCode, ...said }), 500);
      child.on('close', () => {
        clearTimeout(settle);
        end({ kind: 'ended', exitCode, ...said });
      });
    });
  });
}
