/** Keeps V8's code cache of the hooks in the user's cache directory, and lets go of it. Read in `code-entry.ts`. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { dropAbandoned, makePrivateDirectory } from './atomic-write.ts';
import type { Compiled } from './code-entry.ts';
import { secured } from './own-directory.ts';

/** An entry of one hook, one body and one Node, or what a writer left of it. */
const entryName = /^[a-z]+(?:-[a-z]+)*(?:-[\d.]+){4}-v\d[\w.+-]*-\w+\.bin(?:\.\d+\.tmp)?$/;
const staleMs = 30 * 24 * 3_600_000;

/**
 * Keeps what was compiled, with every function that was used, and lets go of entries that nobody has written for a month. The
 * first run may have been a short one, so now and then a run looks whether more is known by now. Never throws: the next run
 * compiles again.
 */
export function keepCompiled({ script, entry, size }: Compiled): void {
  if (size > 0 && process.pid % 16 !== 0) return;
  const content = script.createCachedData();
  if (content.length <= size) return;
  try {
    const directory = dirname(entry);
    // A home that is gone is not made again.
    if (!fs.existsSync(dirname(dirname(directory)))) return;
    makePrivateDirectory(directory);
    if (!secured(directory)) return;
    const temporary = `${entry}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, Buffer.concat([content, content]), { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, entry);
    removeEntries(directory, staleMs);
  } catch {
    // No room, no permission, or another hook was faster.
  }
}

/** Removes our entries that are older than this, and the directory when nothing else is in it. */
export function removeEntries(directory: string, olderThanMs: number): void {
  const names = fs.existsSync(directory) && secured(directory) ? fs.readdirSync(directory) : [];
  for (const name of names.filter((name) => entryName.test(name)))
    dropAbandoned(join(directory, name), olderThanMs);
  if (names.length && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}
