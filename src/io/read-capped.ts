/**
 * Reads files that the client reads too: links are followed and the owner does not matter, since settings may be a link of a
 * dotfiles manager or belong to the administrator. Never waits on a FIFO, never reads more than the cap.
 */
import fs from 'node:fs';

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants;

export type FileText =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly text: string };

/** Never throws. */
export function readCapped(path: string, most: number): FileText {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { kind: 'unreadable', reason: 'it is not a regular file' };
    if (stat.size > most) return { kind: 'unreadable', reason: `it is larger than ${most} bytes` };
    const bytes = fs.readFileSync(fd);
    return { kind: 'read', bytes, text: bytes.toString('utf8').replace(/^\ufeff/, '') };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    return { kind: 'unreadable', reason: code === 'EACCES' ? 'you have no permission' : code };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The JSON object in the file; null when there is none that can be read. */
export function readJsonObject(path: string, most: number): Record<string, unknown> | null {
  const found = readCapped(path, most);
  if (found.kind !== 'read') return null;
  try {
    return asObject(JSON.parse(found.text));
  } catch {
    return null;
  }
}

/** The value if it is an object, else null. */
export const asObject = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
