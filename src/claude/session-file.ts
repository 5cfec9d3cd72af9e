/**
 * The client's own note about a live process, `sessions/<pid>.json` in its directory. Internal to the client (seen: 2.1.330), gone
 * or stale after the process, sometimes torn: a source for the display name, never the only source of anything.
 */
import { safeRead } from '../io/safe-read.ts';
import { within } from '../io/within.ts';

/** The user's directory of the client; null when there is neither a setting nor a home. */
export function claudeDirectory(env: NodeJS.ProcessEnv): string | null {
  if (env.CLAUDE_CONFIG_DIR) return env.CLAUDE_CONFIG_DIR;
  const home = env.HOME ?? env.USERPROFILE;
  return home ? within(home, '.claude') : null;
}

/** The name under which the client's SendMessage tool reaches that process; empty when it does not say. */
export function sessionName(pid: number, env: NodeJS.ProcessEnv): string {
  const directory = claudeDirectory(env);
  if (!directory) return '';
  try {
    const note = JSON.parse(
      safeRead(within(within(directory, 'sessions'), `${pid}.json`), 64 * 1024) ?? 'null',
    );
    return note?.pid === pid && typeof note.name === 'string' ? note.name : '';
  } catch {
    return '';
  }
}
