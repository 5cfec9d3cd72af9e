/** Writes that are there as a whole or not at all. Directories 0700, files 0600. */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { handOver, handOverDirectory } from './hand-over.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

let written = 0;

/** Removes a temporary file of ours. (`fs.rmSync` would load the code for whole trees.) */
export function discard(temporary: string): void {
  try {
    fs.unlinkSync(temporary);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

/** Writes the content at the start of an open file, in one piece so that a reader sees as little as possible of the writing. */
export function writeWhole(fd: number, path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; ) {
    const written = fs.writeSync(fd, bytes, at, bytes.length - at, at);
    if (written === 0)
      throw Object.assign(new Error(`${path} could not be written whole`), { code: 'ENOSPC' });
    at += written;
  }
}

/**
 * Writes the text to a new file next to `path` and returns its name. Random enough for two containers that share the directory
 * and their pids; exclusive creation does the rest. `durable` waits for the disk.
 */
export function writeTemporary(path: string, text: string | Uint8Array, durable: boolean): string {
  const unique = `${process.pid}-${process.hrtime.bigint().toString(36)}-${Math.random().toString(36).slice(2, 10)}-${written++}`;
  const temporary = `${path}.${unique}.tmp`;
  const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      handOver(fd, temporary);
      writeWhole(fd, temporary, text);
      if (durable) fs.fsyncSync(fd);
    } finally {
      // On network drives this may be where a full disk is told.
      fs.closeSync(fd);
    }
  } catch (cause) {
    discard(temporary);
    throw cause;
  }
  return temporary;
}

/** Windows refuses a rename while a scanner holds the file; such a hold is short. */
const held = new Set(['EPERM', 'EACCES', 'EBUSY']);

function renameOver(from: string, to: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      fs.renameSync(from, to);
      return;
    } catch (cause) {
      const patient =
        process.platform === 'win32' && attempt < 6 && held.has((cause as NodeJS.ErrnoException).code ?? '');
      if (!patient) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 << attempt);
    }
  }
}

/** How a file is written: waiting for the disk, and with its temporary file beside another path of the same file system. */
interface Writing {
  readonly durable?: boolean;
  readonly beside?: string;
}

/** Replaces the file. A reader sees the old text or the new one; a crash leaves the old one or the new one. */
export function replaceFile(
  path: string,
  text: string | Uint8Array,
  { durable = false, beside = path }: Writing = {},
): void {
  const temporary = writeTemporary(beside, text, durable);
  try {
    renameOver(temporary, path);
  } catch (cause) {
    discard(temporary);
    throw cause;
  }
}

/** Whoever holds the other name for so long was killed. */
const heldMs = 10_000;

/**
 * As `replaceFile`, for who writes at every turn: ext4 flushes a file that takes the place of another one, which costs a hundredth of
 * a Node start, and ten milliseconds while the disk is busy. So the new file has a second name, `coming`, while the old one goes
 * before it gets the right one. Whoever finds nothing under the right name looks at the other. After a crash at any step one of them
 * is whole; a power cut may leave neither.
 *
 * Of two writers at the same time the one that finds the second name taken does as `replaceFile`, and so the first one always has it.
 * (One that stood still for ten seconds in the middle has not, and then must not be killed before it is through.)
 */
export function exchangeFile(path: string, coming: string, text: string): void {
  const temporary = writeTemporary(path, text, false);
  let holds = false;
  try {
    holds = process.platform === 'linux' && linkTo(temporary, coming) === true;
    if (holds) discard(path);
    renameOver(temporary, path);
    if (holds) discard(coming);
    else dropAbandoned(coming, heldMs);
  } catch (cause) {
    discard(temporary);
    // The old one could not go, so all stays as it was.
    if (holds && fs.existsSync(path)) discard(coming);
    throw cause;
  }
}

/** Makes an empty file, private to whoever owns the directory it lies in. Throws when something has the name. */
export function createEmpty(path: string): void {
  const fd = fs.openSync(path, 'wx', 0o600);
  handOver(fd, path);
  fs.closeSync(fd);
}

/** Removes a file that nobody has written to for so long; whether there was one. */
export function dropAbandoned(path: string, ms: number): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || Date.now() - stat.mtimeMs < ms) return false;
  discard(path);
  return true;
}

/**
 * Creates the file with this text unless something is there already; false then. Complete or absent after a crash at any step,
 * where the file system has hard links; elsewhere a reader may meet it empty for a moment.
 */
export function createFile(
  path: string,
  text: string,
  { durable = false, beside = path }: Writing = {},
): boolean {
  const temporary = writeTemporary(beside, text, durable);
  try {
    return linkNew(temporary, path, text);
  } finally {
    discard(temporary);
  }
}

/** A second name for a file; null where the file system has none to give, false when somebody has that name. */
function linkTo(file: string, name: string): boolean | null {
  try {
    fs.linkSync(file, name);
    return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(code)) throw cause;
    return null;
  }
}

/** Links a complete temporary file to a name that nobody has; false when somebody has it. */
export function linkNew(temporary: string, path: string, text: string): boolean {
  const linked = linkTo(temporary, path);
  if (linked !== null) return linked;
  try {
    const fd = fs.openSync(path, 'wx', 0o600);
    try {
      handOver(fd, path);
      writeWhole(fd, path, text);
    } finally {
      fs.closeSync(fd);
    }
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/** Makes a new name durable; a system that cannot do that for directories has other means. */
export function syncDirectoryOf(path: string): void {
  try {
    const fd = fs.openSync(dirname(path), 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // Windows and some network file systems.
  }
}

/**
 * Creates the directory and what is missing above it, private. Node's own `recursive` never comes back where a file system
 * answers ENOENT to a directory that could be there (procfs, autofs); here each level is tried once.
 */
export function makePrivateDirectory(path: string): void {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const make = (directory: string): void => {
    try {
      fs.mkdirSync(directory, { mode: 0o700 });
      handOverDirectory(directory);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !fs.statSync(directory).isDirectory())
        throw cause;
    }
  };
  const missing = [path];
  for (let above = dirname(path); !fs.existsSync(above) && above !== dirname(above); above = dirname(above))
    missing.push(above);
  for (const directory of missing.reverse()) make(directory);
}
