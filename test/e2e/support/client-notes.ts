import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The note that the client keeps about each live process of its own. */
export type ClientNote = {
  readonly pid: number;
  readonly sessionId: string;
  readonly name?: string;
  readonly kind?: string;
  /** A job in the background, and the job that the conversation of a terminal moved to. */
  readonly jobId?: string;
  readonly parkedJobId?: string;
  /** It waits for a task. */
  readonly spare?: boolean;
};

const directory = (home: string): string => join(home, '.claude', 'sessions');

export function clientNote(home: string, pid: number): ClientNote | null {
  try {
    return JSON.parse(readFileSync(join(directory(home), `${pid}.json`), 'utf8')) as ClientNote;
  } catch {
    // Not there yet, gone already, or being written: the caller asks again.
    return null;
  }
}

/** All that can be read at this moment. */
export function clientNotes(home: string): ClientNote[] {
  const pids = readdirSync(directory(home)).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []);
  return pids.map((pid) => clientNote(home, Number(pid))).filter((note) => note !== null);
}
