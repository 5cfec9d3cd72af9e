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

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/**
 * The text of a regular file of at most `most` bytes that belongs to this user; null when there is none.
 * Never follows a symlink in the last place and never waits on a FIFO. Throws `UnreadableError` for anything else in its place.
 */
export function safeRead(path: string, most: number): string | null {
  return safeReadWithStat(path, most)?.text ?? null;
}

/** As `safeRead`, with what the system says of the file. */
export function safeReadWithStat(path: string, most: number): { text: string; stat: fs.Stats } | null {
  const found = safeReadBytes(path, most);
  return found && { text: found.bytes.toString('utf8'), stat: found.stat };
}

/** As `safeReadWithStat`, for what is no text. */
export function safeReadBytes(path: string, most: number): { bytes: Buffer; stat: fs.Stats } | null {
  try {
    return readOnce(path, most);
  } catch (cause) {
    // A network drive that stumbled, or a file that was replaced there; what fails twice is damaged.
    if (!['EIO', 'ESTALE'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    return readOnce(path, most);
  }
}

function readOnce(path: string, most: number): { bytes: Buffer; stat: fs.Stats } | null {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
    if (code === 'ENOENT') return null;
    // Without memory or descriptors there is nothing wrong with this file.
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) throw cause;
    throw new UnreadableError(
      path,
      code,
      code === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${code})`,
    );
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new UnreadableError(path, 'ENOTFILE', 'is not a regular file');
    if (stat.size > most) throw new UnreadableError(path, 'EFBIG', `is larger than ${most} bytes`);
    const uid = process.getuid?.();
    if (uid !== undefined && uid !== 0 && stat.uid !== uid)
      throw new UnreadableError(path, 'EOWNER', 'belongs to another user');
    return { bytes: fs.readFileSync(fd), stat };
  } finally {
    fs.closeSync(fd);
  }
}
