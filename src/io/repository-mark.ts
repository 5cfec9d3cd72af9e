/**
 * Of which repository the state in a git directory is: a copied repository brings along the records of sessions that run in the
 * original. Written when a session settles:
 *
 *     repository.json   {"path":"/home/ada/shop/.git","dev":2049,"ino":131079,"seen":"1scl0qwiou1"}
 *
 * A repository that was moved has another path and the same inode; one that was restored, or that lies on a drive where inodes
 * change, has the same path. Containers and other machines may see other numbers and other paths, so `seen` says where they mean
 * something.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { number, object, text } from '../core/shape.ts';
import { replaceFile } from './atomic-write.ts';
import { fingerprint } from './fingerprint.ts';
import type { Place } from './places.ts';
import { thisDomain } from './processes.ts';
import { safeRead } from './safe-read.ts';
import { within } from './within.ts';

interface Mark {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly seen: string;
}

const markShape = object<Mark>({ path: text, dev: number, ino: number, seen: text });

/** Inodes are not to be relied on there, and records lie beside the repository in every other place. */
const isMarked = ({ what }: Place): boolean => what === 'git directory' && process.platform !== 'win32';

const pathOf = (place: Place): string => within(place.path, 'repository.json');

function read(place: Place): Mark | null {
  try {
    return markShape(JSON.parse(safeRead(pathOf(place), 16_384) ?? 'null')) ?? null;
  } catch {
    return null;
  }
}

function present(place: Place): Mark {
  const path = dirname(place.path);
  const { dev, ino } = fs.statSync(path);
  const { host, boot, namespace } = thisDomain();
  return { path, dev, ino, seen: fingerprint([host, boot, namespace].join(' ')) };
}

/**
 * The state in this place was copied with its repository, as far as can be proved: it was seen from here at another path, as another
 * directory, or the original is there still. Never throws.
 */
export function isCopied(place: Place): boolean {
  if (!isMarked(place)) return false;
  const mark = read(place);
  if (!mark || mark.path === dirname(place.path)) return false;
  try {
    const now = present(place);
    if (mark.dev === now.dev && mark.ino === now.ino) return false;
    if (mark.seen === now.seen) return true;
    const original = fs.statSync(mark.path, { throwIfNoEntry: false });
    return original !== undefined && (original.dev !== now.dev || original.ino !== now.ino);
  } catch {
    return false;
  }
}

/** Says of which repository this state is from now on. Never throws: without it a copy is only not told from the original. */
export function markRepository(place: Place): void {
  if (!isMarked(place)) return;
  try {
    const now = JSON.stringify(present(place));
    if (JSON.stringify(read(place)) !== now) replaceFile(pathOf(place), now);
  } catch {
    // No room; the next session that settles tries again.
  }
}
