/** One entry of V8's code cache, as the first lines of a hook find and read it. They run uncompiled at every hook: nothing else here. */
import fs from 'node:fs';

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** A hook's compiled body, and where it is kept. */
export interface Compiled {
  readonly script: { createCachedData(): Buffer };
  readonly entry: string;
  /** How long the entry is that it was made from; 0 when there was none that V8 took. */
  readonly size: number;
}

/** Where compiled hooks are kept, by the XDG rule; null where there is no such place. */
export function cacheDirectory({ XDG_CACHE_HOME: named, HOME: home }: NodeJS.ProcessEnv): string | null {
  if (named?.startsWith('/')) return `${named}/flowloom`;
  return home?.startsWith('/') ? `${home}/.cache/flowloom` : null;
}

/**
 * An entry as it was written; undefined when it is not a private file of this user in a directory of its own: it is code. Throws when there is none. V8 itself does
 * not check the content and crashes on a damaged one, so every entry holds it twice, and comparing costs nothing.
 */
export function readEntry(file: string): Uint8Array | undefined {
  const directory = fs.lstatSync(file.slice(0, file.lastIndexOf('/')));
  // Neither a link, nor somebody else's, nor open to others.
  if (directory.uid !== process.getuid?.() || (directory.mode & 0o170022) !== 0o040000) return undefined;
  const fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const { uid, mode, size } = fs.fstatSync(fd);
    if (uid !== process.getuid?.() || (mode & 0o170077) !== 0o100000 || size === 0 || size % 2)
      return undefined;
    const once = new Uint8Array(size / 2);
    const again = new Uint8Array(size / 2);
    for (const half of [once, again]) if (fs.readSync(fd, half) < half.length) return undefined;
    return Buffer.compare(once, again) === 0 ? once : undefined;
  } finally {
    fs.closeSync(fd);
  }
}
