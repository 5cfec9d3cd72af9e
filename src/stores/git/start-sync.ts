/** Starts a sync in a process of its own, which outlives the hook that asked for it. Loaded only when one is due. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Site } from '../open.ts';

/** The program that syncs: beside this part of a hook, or below the command that this is. Null where neither is, as in a script. */
function program(): string | null {
  const command = process.argv[1] ?? '';
  const found =
    typeof __dirname === 'string'
      ? join(__dirname, 'git-sync.cjs')
      : join(
          dirname(fs.existsSync(command) ? fs.realpathSync(command) : command),
          'hooks',
          'lazy',
          'git-sync.cjs',
        );
  return fs.existsSync(found) ? found : null;
}

/** Starts it and does not wait. False where there is no program to start. */
export function startSync({ place, scope, config, env }: Site): boolean {
  const found = program();
  if (!found) return false;
  const order = JSON.stringify({ place, directory: scope.worktree, git: config.git });
  const child = spawn(process.execPath, [found, order], {
    cwd: place,
    env,
    stdio: 'ignore',
    detached: true,
    windowsHide: true,
  });
  // It could not be started; the next hook tries again.
  child.on('error', () => {});
  child.unref();
  return true;
}
