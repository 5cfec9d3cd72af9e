/** What another user of the machine could have made or could change is not believed. */
import fs from 'node:fs';

/** The bits by which anybody but the owner may write. */
const writableByOthers = 0o022;

/** A directory, not a link to one, that belongs to this user and that nobody else may write in; false when there is none. */
export function isOwnDirectory(path: string): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  if (process.platform === 'win32') return true;
  return stat.uid === process.getuid?.() && (stat.mode & writableByOthers) === 0;
}
