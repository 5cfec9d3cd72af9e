/** V8's code cache of the hooks, in the user's cache directory. */
import fs from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { makePrivateDirectory } from './atomic-write.ts';

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** An entry of one hook, one body and one Node, or what a writer left of it. */
const entryName = /^[a-z]+(?:-[a-z]+)*-[0-9a-z]{11}\.bin(?:\.\d+\.tmp)?$/;
const staleMs = 30 * 24 * 3_600_000;

/** Where compiled hooks are kept, by the XDG rule; null where there is no such place. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string | null {
  const { XDG_CACHE_HOME: named, HOME: home } = env;
  if (named && isAbsolute(named)) return join(named, 'flowloom');
  return home && isAbsolute(home) ? join(home, '.cache', 'flowloom') : null;
}

/**
 * An entry as it was written; undefined when there is none, or it is not a private file of this user: it is code. V8 itself does
 * not check the content and crashes on a damaged one, so every entry holds it twice, and comparing costs nothing.
 */
export function readEntry(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const { uid, mode } = fs.fstatSync(fd);
    if (uid !== process.getuid?.() || (mode & 0o170077) !== 0o100000) return undefined;
    const twice = fs.readFileSync(fd);
    const half = twice.length / 2;
    const once = twice.subarray(0, half);
    return half > 0 && Number.isInteger(half) && once.equals(twice.subarray(half)) ? once : undefined;
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

/** Keeps an entry, and lets go of those that nobody has written for a month. Never throws: the next run compiles again. */
export function writeEntry(file: string, content: Buffer): void {
  try {
    const directory = dirname(file);
    // A home that is gone is not made again.
    if (!fs.existsSync(dirname(dirname(directory)))) return;
    makePrivateDirectory(directory);
    const temporary = `${file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, Buffer.concat([content, content]), { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, file);
    removeEntries(directory, staleMs);
  } catch {
    // No room, no permission, or another hook was faster.
  }
}

/** Removes our entries that are older than this, and the directory when nothing else is in it. */
export function removeEntries(directory: string, olderThanMs: number): void {
  const names = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  for (const name of names.filter((name) => entryName.test(name))) {
    const path = join(directory, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && Date.now() - stat.mtimeMs >= olderThanMs) fs.unlinkSync(path);
  }
  if (names.length && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}
