/** How far links may lead: what a repository brings along must not make us read, write or remove anything outside of it. */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { InstallError } from './error.ts';

/** The work tree that no link may leave; null where links are the user's own and are followed wherever they lead. */
export type Fence = string | null;

/** A link, and where it leads. */
export interface WayOut {
  readonly link: string;
  readonly target: string;
}

/**
 * The first component of `path` below the fence that is a link which leaves the work tree, or leads into git's own directory; null when
 * there is none. A path that is not below the fence has no business there: it counts as its own way out.
 */
export function wayOut(fence: Fence, path: string): WayOut | null {
  if (fence === null) return null;
  if (!isWithin(fence, path)) return { link: path, target: path };
  let at = fence;
  for (const part of relative(fence, path).split(sep)) {
    at = join(at, part);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (!stat) return null;
    if (!stat.isSymbolicLink()) continue;
    const target = targetOf(at);
    if (!isWithin(fence, target)) return { link: at, target };
  }
  return null;
}

/** Throws InstallError when a link on the way to `path` leaves the fence. */
export function keepWithin(fence: Fence, path: string): void {
  const out = wayOut(fence, path);
  if (out) throw new InstallError({ code: 'link-leaves', file: out.link, at: out.target });
}

/** A link to nothing leads to where its target would be made. */
function targetOf(link: string): string {
  try {
    return realpathSync(link);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return resolve(realpathSync(dirname(link)), readlinkSync(link));
  }
}

function isWithin(fence: string, path: string): boolean {
  const way = relative(fence, path);
  const parts = way.split(sep);
  return !isAbsolute(way) && parts[0] !== '..' && !parts.some((part) => part.toLowerCase() === '.git');
}
