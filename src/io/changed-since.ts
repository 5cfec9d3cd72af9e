/**
 * Which files of a list changed. The list is in a note, and a note may be anybody's: so no more than a few are looked at, and only
 * what lies in a work tree of the user's, on a way without links. Else a note could make a session start look at thousands of paths
 * of its author's choice, say of a disk that sleeps.
 */
import fs from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';

const mostFiles = 60;
/** File systems keep times as coarse as this. */
const coarseMs = 1000;

/** What was found of a list of files. */
export interface Changed {
  /** So many were written to after that time, or are gone. */
  readonly files: number;
  /** So many were looked at. */
  readonly of: number;
}

/** Looks at the first files of the list that lie below one of these directories. A relative path counts from the first. */
export function changedSince(files: readonly string[], time: number, roots: readonly string[]): Changed {
  let changed = 0;
  let of = 0;
  const linked = new Map<string, boolean>();
  for (const file of new Set(files.slice(0, mostFiles))) {
    const path = resolve(roots[0] ?? '/', file);
    const root = roots.find((one) => isBelow(one, path));
    if (root === undefined || isLinked(root, path, linked)) continue;
    of++;
    if (wasWritten(path, time)) changed++;
  }
  return { files: changed, of };
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Whether something on the way from the root to the path is a link, the path itself included. */
function isLinked(root: string, path: string, known: Map<string, boolean>): boolean {
  let at = root;
  for (const name of relative(root, path).split(sep)) {
    at = join(at, name);
    const linked = known.get(at) ?? isLink(at);
    known.set(at, linked);
    if (linked) return true;
  }
  return false;
}

function isLink(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    // What cannot be looked at is passed over.
    return true;
  }
}

function wasWritten(path: string, time: number): boolean {
  try {
    return fs.lstatSync(path).mtimeMs > time + coarseMs;
  } catch {
    return true;
  }
}
