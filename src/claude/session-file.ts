/**
 * The client's own note about a live process, `sessions/<pid>.json` in its directory. Internal to the client (seen: 2.1.330), gone
 * or stale after the process, sometimes torn. It is there before the first hook of the process.
 */
import { isRecord } from '../core/shape.ts';
import { safeRead } from '../io/safe-read.ts';
import { within } from '../io/within.ts';

/** The user's directory of the client; null when there is neither a setting nor a home. */
export function claudeDirectory(env: NodeJS.ProcessEnv): string | null {
  if (env.CLAUDE_CONFIG_DIR) return env.CLAUDE_CONFIG_DIR;
  const home = env.HOME ?? env.USERPROFILE;
  return home ? within(home, '.claude') : null;
}

interface SessionNote {
  readonly pid?: unknown;
  readonly name?: unknown;
  /** When the process began, as the system tells it: a FILETIME on Windows, where it was called `procStartFt` for a while. */
  readonly procStart?: unknown;
  readonly procStartFt?: unknown;
  readonly [field: string]: unknown;
}

/** Where that note is; null when there is neither a setting nor a home. */
export function notePath(pid: number, env: NodeJS.ProcessEnv): string | null {
  const directory = claudeDirectory(env);
  return directory && within(within(directory, 'sessions'), `${pid}.json`);
}

/** The note about that process; null when there is none. Throws when it could not be read, or is being written. */
function readNote(pid: number, env: NodeJS.ProcessEnv): SessionNote | null {
  const path = notePath(pid, env);
  if (!path) return null;
  const note: unknown = JSON.parse(safeRead(path, 64 * 1024) ?? 'null');
  return isRecord(note) && note.pid === pid ? note : null;
}

/** The client's note about that process; null when there is none that can be read. Any field may be missing. */
export function noteOf(pid: number, env: NodeJS.ProcessEnv): SessionNote | null {
  try {
    return readNote(pid, env);
  } catch {
    return null;
  }
}

/**
 * The name under which the client's SendMessage tool reaches that process; empty when it does not say. With the start time of the
 * process, also when the note is of an earlier process with that number.
 */
export function sessionName(pid: number, env: NodeJS.ProcessEnv, start = ''): string {
  const { name, procStart } = noteOf(pid, env) ?? {};
  const isOfAnother = process.platform === 'linux' && start !== '' && procStart && procStart !== start;
  return typeof name === 'string' && !isOfAnother ? name : '';
}

/** When that process began by the client's note, in the words of the system; null when no note says it. Throws as it is read. */
export function notedStart(pid: number, env: NodeJS.ProcessEnv): string | null {
  const note = readNote(pid, env);
  const said = note?.procStart ?? note?.procStartFt;
  const start = typeof said === 'string' || typeof said === 'number' ? String(said) : '';
  return start.trim().replace(/\s+/g, ' ').slice(0, 100) || null;
}
