/** Records in files, whoever else may have been at them. */
import fs from 'node:fs';
import type { MemberId } from '../core/member.ts';
import { RefusedError } from '../core/store.ts';
import { dropAbandoned } from '../io/atomic-write.ts';
import { safeReadWithStat, UnreadableError } from '../io/safe-read.ts';
import { within } from '../io/within.ts';

const recordBytes = 64 * 1024;

/** On file systems without hard links a claim is empty for a moment. */
const joiningMs = 2000;

/** What stands in a record's place: the record, or why it is none, or that the system did not let it be read. */
export type Found<T> =
  | { readonly value: T; readonly stat: fs.Stats }
  | { readonly reason: string; readonly refused?: boolean };

/** Names in a directory; none when it is not there. */
export function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

/** The value of a JSON text; undefined where it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why a file was not read, without its name; throws whatever else went wrong. */
export function reasonOf(cause: unknown, path: string): { reason: string; refused: boolean } {
  if (!(cause instanceof UnreadableError)) throw cause;
  return { reason: cause.message.slice(path.length + 2), refused: cause.refused };
}

/** The record that was found; null when there is none. Throws where it was refused: `of` says what it would have been. */
export function foundOr<F extends { readonly value: unknown }>(
  found: F | { readonly reason: string; readonly refused?: boolean } | null,
  of: number | MemberId,
): F | null {
  if (found && 'value' in found) return found;
  if (found?.refused) throw new RefusedError(of, `the record of ${of} ${found.reason}`);
  return null;
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
    return reasonOf(cause, path);
  }
}

/** A JSON record; null when there is none that can be read. Throws where it is refused. */
export const readRecord = <T>(
  path: string,
  as: (value: unknown) => T | null,
  of: number | MemberId,
): { readonly value: T; readonly stat: fs.Stats } | null => foundOr(inspect(path, as), of);

/** Removes temporary files older than this from these directories, as far as they are there. Returns how many. */
export function sweepTemporaries(directories: readonly string[], olderThanMs: number): number {
  let swept = 0;
  for (const directory of directories) {
    if (!fs.lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const name of list(directory)) {
      if (name.endsWith('.tmp') && dropAbandoned(within(directory, name), olderThanMs)) swept++;
    }
  }
  return swept;
}
