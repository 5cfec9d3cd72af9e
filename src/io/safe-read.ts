/** Reads files that anybody may have put there. */
import fs from 'node:fs';
import { isOwn } from './own-directory.ts';
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

/** What somebody puts in the file's place after it was looked at is not followed, and not waited for. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const flag = (O_RDONLY | O_NOFOLLOW | O_NONBLOCK) as unknown as string;

/**
 * The text of a regular file of at most `most` bytes that belongs to this user; null when there is none.
 * Never follows a symlink in the last place and never waits on a FIFO. Throws `UnreadableError` for anything else in its place.
 */
export function safeRead(path: string, most: number): string | null {
  return safeReadWithStat(path, most)?.text ?? null;
}

/** As `safeRead`, with what the system said of the file just before. */
export function safeReadWithStat(path: string, most: number): { text: string; stat: fs.Stats } | null {
  return askTwice(() => {
    const stat = look(path, most);
    // By path and as text Node reads in one step, which takes a quarter of the time of opening, reading and closing.
    const text = stat && unlessGone(path, () => fs.readFileSync(path, { encoding: 'utf8', flag }));
    return stat && text !== null ? { text, stat } : null;
  });
}

/** As `safeReadWithStat`, for what is no text. */
export function safeReadBytes(path: string, most: number): { bytes: Buffer; stat: fs.Stats } | null {
  return askTwice(() => {
    const stat = look(path, most);
    const bytes = stat && unlessGone(path, () => fs.readFileSync(path, { flag }));
    return stat && bytes ? { bytes, stat } : null;
  });
}

/** Null when there is nothing; throws for what is not to be read. */
function look(path: string, most: number): fs.Stats | null {
  const stat = unlessGone(path, () => fs.lstatSync(path, { throwIfNoEntry: false }) ?? null);
  if (!stat) return null;
  if (stat.isSymbolicLink()) throw new UnreadableError(path, 'ELOOP', 'is a symbolic link');
  if (!stat.isFile()) throw new UnreadableError(path, 'ENOTFILE', 'is not a regular file');
  if (stat.size > most) throw new UnreadableError(path, 'EFBIG', `is larger than ${most} bytes`);
  if (!isOwn(path, stat))
    throw new UnreadableError(path, 'EOWNER', 'belongs to another user', stat.uid === 0);
  return stat;
}

/** What was read; null when it is gone. Throws what went wrong as it is where there is nothing wrong with the file. */
function unlessGone<T>(path: string, read: () => T): T | null {
  try {
    return read();
  } catch (cause) {
    const { code = 'EUNKNOWN', syscall = 'open' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) throw cause;
    if (code === 'ELOOP') throw new UnreadableError(path, code, 'is a symbolic link');
    const verb = syscall === 'read' ? 'read' : 'opened';
    throw new UnreadableError(path, code, `cannot be ${verb} (${code})`, mayPass(cause) || isRefusal(cause));
  }
}
