/** Programs that are started in a group of their own, so that they end with everything they have started. */
import type { ChildProcess } from 'node:child_process';

/** To be given to `spawn` as `detached`. Windows has no such groups. */
export const groups = process.platform !== 'win32';

/** Ends it and its group at once. */
export function killGroup(child: Pick<ChildProcess, 'pid' | 'kill'>): void {
  try {
    if (groups && child.pid) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    // It ended just now.
  }
}
