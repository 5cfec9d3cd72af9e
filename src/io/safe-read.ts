/** Reads files that anybody may have put there. */
import fs from 'node:fs';
import { askTwice, isRefusal, mayPass } from './passing.ts';

/** Why a file that is there was not read. */
export class UnreadableError extends Error {
  override name = 'UnreadableError';
  readonly code: string;
  /** The system did not let it be read: that says nothing of what is in it. Else it is something that is not read. */
  readonly refused: boolean;
  constructor(path: string, code: string, reason: string, refused = false) {
    super(`${path}: ${reason}`);
    this.code = code;
    this.refused = refused;
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
  return askTwice(() => readOnce(path, most));
}

/** What went wrong, as a reason why this file was not read; throws it as it is where there is nothing wrong with the file. */
function unreadable(path: string, cause: unknown, verb: string): UnreadableError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
  if (cause instanceof UnreadableError || ['EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) throw cause;
  if (code === 'ELOOP') return new UnreadableError(path, code, 'is a symbolic link');
  return new UnreadableError(path, code, `cannot be ${verb} (${code})`, mayPass(cause) || isRefusal(cause));
}

function readOnce(path: string, most: number): { bytes: Buffer; stat: fs.Stats } | null {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, cause, 'opened');
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new UnreadableError(path, 'ENOTFILE', 'is not a regular file');
    if (stat.size > most) throw new UnreadableError(path, 'EFBIG', `is larger than ${most} bytes`);
    const uid = process.getuid?.();
    if (uid !== undefined && uid !== 0 && stat.uid !== uid)
      throw new UnreadableError(path, 'EOWNER', 'belongs to another user');
    return { bytes: fs.readFileSync(fd), stat };
  } catch (cause) {
    throw unreadable(path, cause, 'read');
  } finally {
    fs.closeSync(fd);
  }
}
