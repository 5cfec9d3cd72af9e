/** Reads what was appended to a file since the last look, so that the cost does not grow with the file. */
import fs from 'node:fs';

/** More than this is not read at once: the tail says what matters. */
const most = 512 * 1024;

/**
 * The complete lines from `offset` on, at most the last 512 KiB of them, and the offset to go on from. A file that shrank is read
 * from its tail. Nothing, with the same offset, when it cannot be read.
 */
export function readTail(path: string, offset: number): { text: string; offset: number } {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  } catch {
    return { text: '', offset };
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { text: '', offset };
    const from = Math.max(offset <= stat.size ? offset : 0, stat.size - most);
    const buffer = Buffer.alloc(stat.size - from);
    const bytes = fs.readSync(fd, buffer, 0, buffer.length, from);
    // Mostly it ends with a line.
    const end = buffer[bytes - 1] === 10 ? bytes : buffer.lastIndexOf(10, bytes - 1) + 1;
    return { text: buffer.toString('utf8', 0, end), offset: from + end };
  } catch {
    return { text: '', offset };
  } finally {
    fs.closeSync(fd);
  }
}
