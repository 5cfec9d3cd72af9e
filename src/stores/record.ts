/** Records in files, whoever else may have been at them. */
import fs from 'node:fs';
import { join } from 'node:path';
import { safeReadWithStat, UnreadableError } from '../io/safe-read.ts';

const recordBytes = 64 * 1024;

/** On file systems without hard links a claim is empty for a moment. */
const joiningMs = 2000;

/** What stands in a record's place: the record, or why it is none. */
export type Found<T> = { readonly value: T; readonly stat: fs.Stats } | { readonly reason: string };

/** Names in a directory; none when it is not there. */
export function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why a file was not read, without its name; throws whatever else went wrong. */
export function reasonOf(cause: unknown, path: string): string {
  if (cause instanceof UnreadableError) return cause.message.slice(path.length + 2);
  throw cause;
}

/** A JSON record, or what is wrong with it; null when it is absent. */
export function inspect<T>(path: string, as: (value: unknown) => T | null): Found<T> | null {
  try {
    const found = safeReadWithStat(path, recordBytes);
    if (!found) return null;
    if (found.text === '' && Date.now() - found.stat.mtimeMs < joiningMs) return null;
    const value = as(parse(found.text));
    return value
      ? { value, stat: found.stat }
      : { reason: found.text === '' ? 'is empty' : 'is not a record of this kind' };
  } catch (cause) {
    return { reason: reasonOf(cause, path) };
  }
}

/** A JSON record; null when there is none that can be read. */
export function readRecord<T>(
  path: string,
  as: (value: unknown) => T | null,
): { readonly value: T; readonly stat: fs.Stats } | null {
  const found = inspect(path, as);
  return found && 'value' in found ? found : null;
}

/** Removes temporary files older than this from these directories, as far as they are there. Returns how many. */
export function sweepTemporaries(directories: readonly string[], olderThanMs: number): number {
  let swept = 0;
  for (const directory of directories) {
    if (!fs.lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const name of list(directory)) {
      const path = join(directory, name);
      const stat = name.endsWith('.tmp') ? fs.lstatSync(path, { throwIfNoEntry: false }) : undefined;
      if (!stat?.isFile() || Date.now() - stat.mtimeMs < olderThanMs) continue;
      fs.rmSync(path, { force: true });
      swept++;
    }
  }
  return swept;
}
