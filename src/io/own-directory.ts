/** What another user of the machine could have made or could change is not believed. */
import fs from 'node:fs';
import { dirname } from 'node:path';

/** The bits by which anybody but the owner may write. */
const writableByOthers = 0o022;

/**
 * What was found at this path is this user's own, where files have owners. Root's own is also what belongs to whoever owns the
 * directory it lies in: that one could put anything there.
 */
export function isOwn(path: string, { uid }: Pick<fs.Stats, 'uid'>): boolean {
  const own = process.getuid?.();
  if (own === undefined || uid === own) return true;
  return own === 0 && fs.statSync(dirname(path)).uid === uid;
}

/** It is there and leads elsewhere; false where it could not be looked at, and what is done next will say so. */
export function isLink(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    return false;
  }
}

/**
 * Whether a directory is this user's own and nobody else can change what is in it; also when there is none yet. One of its own that
 * others may write in gets the mode `closed` first, and so does any other where that is more than the usual one. False, too, where it cannot be looked at.
 */
export function secured(path: string, closed = 0o700): boolean {
  try {
    return isSecured(path, closed);
  } catch {
    return false;
  }
}

function isSecured(path: string, closed: number): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return true;
  if (process.platform === 'win32') return stat.isDirectory();
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
  const isClosed = (stat.mode & writableByOthers) === 0 && (stat.mode & closed) === closed;
  if (!isClosed) fs.chmodSync(path, closed);
  return true;
}

/** A directory, not a link to one, that belongs to this user and that nobody else may write in; false when there is none. */
export function isOwnDirectory(path: string): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  if (process.platform === 'win32') return true;
  return stat.uid === process.getuid?.() && (stat.mode & writableByOthers) === 0;
}
