/** The log: one JSON line per failure, for doctor. Small, private, never in the way. */
import fs from 'node:fs';
import { redact } from '../core/redact.ts';
import { object, type Shape, text } from '../core/shape.ts';
import { handOver } from './hand-over.ts';
import { type Place, preparePlace } from './places.ts';
import { safeRead, UnreadableError } from './safe-read.ts';
import { within } from './within.ts';

/** One failure, or one thing that was not as it should be. */
export interface LogEntry {
  /** ISO 8601. */
  readonly at: string;
  readonly event: string;
  readonly code: string;
  readonly message: string;
}

const entry: Shape<LogEntry> = object({ at: text, event: text, code: text, message: text });

const mostBytes = 256 * 1024;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** Appends one line to the log in the first of these places that takes it. Never throws. */
export function appendLog(places: readonly Place[], entry: LogEntry): void {
  const line = `${JSON.stringify({ ...entry, message: redact(entry.message).slice(0, 2000) })}\n`;
  for (const place of places) {
    const path = within(place.path, 'log.jsonl');
    try {
      preparePlace(place);
      const before = fs.lstatSync(path, { throwIfNoEntry: false });
      // Another file's second name, or a link: what is written would be in that one.
      if (before && !before.isDirectory() && (!before.isFile() || before.nlink > 1)) fs.unlinkSync(path);
      const fd = fs.openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
      try {
        if (!before?.isFile()) handOver(fd, path);
        fs.writeSync(fd, line);
        if (fs.fstatSync(fd).size > mostBytes) fs.renameSync(path, `${path}.1`);
      } finally {
        fs.closeSync(fd);
      }
      return;
    } catch {
      // The next place may take it.
    }
  }
}

/** The newest entries of all these logs, newest last. */
export function readLog(directories: readonly string[], most: number): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const directory of directories) {
    for (const name of ['log.jsonl.1', 'log.jsonl']) {
      try {
        for (const line of (safeRead(within(directory, name), 2 * mostBytes) ?? '').split('\n')) {
          try {
            const read = entry(JSON.parse(line));
            if (read) entries.push(read);
          } catch {
            // A torn line.
          }
        }
      } catch (cause) {
        if (!(cause instanceof UnreadableError)) throw cause;
      }
    }
  }
  return entries.sort((a, b) => (a.at < b.at ? -1 : 1)).slice(-most);
}
