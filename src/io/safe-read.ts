/** Reads files that anybody may have put there. */
import fs from 'node:fs';

/** Why a file that is there was not read. */
export class UnreadableError extends Error {
  override name = 'UnreadableError';
  readonly code: string;
  constructor(path: string, code: string, reason: string) {
    super(`${path}: ${reason}`);
    this.code = code;
  }
}

/** What somebody puts in the file's place after it was looked at is not followed, and not waited for. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const flag = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * The text of a regular file of at most `most` bytes that belongs to this user; null when there is none.
 * Never follows a symlink in the last place and never waits on a FIFO. Throws `UnreadableError` for anything else in its place.
 */
export function safeRead(path: string, most: number): string | null {
  return safeReadWithStat(path, most)?.text ?? null;
}

/** As `safeRead`, with what the system said of the file just before. */
export function safeReadWithStat(path: string, most: number): { text: string; stat: fs.Stats } | null {
  // By path and as text Node reads in one step, which takes a quarter of the time of opening, reading and closing.
  const found = checked(path, most, () => fs.readFileSync(path, { encoding: 'utf8', flag: flag as never }));
  return found && { text: found.content, stat: found.stat };
}

/** As `safeReadWithStat`, for what is no text. */
export function safeReadBytes(path: string, most: number): { bytes: Buffer; stat: fs.Stats } | null {
  const found = checked(path, most, () => fs.readFileSync(path, { flag: flag as never }));
  return found && { bytes: found.content, stat: found.stat };
}

interface Found<T> {
  readonly content: T;
  readonly stat: fs.Stats;
}

function checked<T>(path: string, most: number, read: () => T): Found<T> | null {
  try {
    return checkedOnce(path, most, read);
  } catch (cause) {
    // A network drive that stumbled, or a file that was replaced there; what fails twice is damaged.
    if (!['EIO', 'ESTALE'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    return checkedOnce(path, most, read);
  }
}

function checkedOnce<T>(path: string, most: number, read: () => T): Found<T> | null {
  try {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return null;
    if (stat.isSymbolicLink()) throw new UnreadableError(path, 'ELOOP', 'is a symbolic link');
    if (!stat.isFile()) throw new UnreadableError(path, 'ENOTFILE', 'is not a regular file');
    if (stat.size > most) throw new UnreadableError(path, 'EFBIG', `is larger than ${most} bytes`);
    const uid = process.getuid?.();
    if (uid !== undefined && uid !== 0 && stat.uid !== uid)
      throw new UnreadableError(path, 'EOWNER', 'belongs to another user');
    return { content: read(), stat };
  } catch (cause) {
    const { code = 'EUNKNOWN', syscall } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    // Without memory or descriptors there is nothing wrong with this file.
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) throw cause;
    if (cause instanceof UnreadableError || syscall === 'read') throw cause;
    throw new UnreadableError(path, code, `cannot be opened (${code})`);
  }
}
