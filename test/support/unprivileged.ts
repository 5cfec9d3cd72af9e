/** Permissions mean nothing to root, so tests about them run their hooks as somebody else. */
import { execFileSync, spawnSync } from 'node:child_process';

const nobody = 65534;
const isRoot = process.getuid?.() === 0;

/** What to put before a command to run it without privileges; null where that is not possible. */
export const asNobody: readonly string[] | null = !isRoot
  ? []
  : spawnSync('setpriv', ['--version']).status === 0
    ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
    : null;

/** Gives everything below the directory to the user that `asNobody` runs as. */
export function give(directory: string): void {
  if (isRoot) execFileSync('chown', ['-R', `${nobody}:${nobody}`, directory]);
}
