/** Root leaves nothing in a user's directory that this user cannot read, replace or remove. */
import fs from 'node:fs';
import { dirname } from 'node:path';

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;

/**
 * What root has just made, and holds open, belongs to whoever owns the directory it lies in. A file system that does not give files
 * away keeps it with root: then that user finds a record that is refused, and not one that is missing.
 */
export function handOver(fd: number, path: string): void {
  if (process.getuid?.() !== 0) return;
  try {
    const { uid, gid } = fs.statSync(dirname(path));
    if (uid !== 0) fs.fchownSync(fd, uid, gid);
  } catch {
    // It stays with root.
  }
}

/** As `handOver`, for a directory. By its open file, so that nothing else is given away that somebody put in its place. */
export function handOverDirectory(path: string): void {
  if (process.getuid?.() !== 0) return;
  try {
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      handOver(fd, path);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // It stays with root.
  }
}
