/** Reading and replacing the user's files: whole or not at all, through symlinks as far as the fence allows, with the old mode. */
import { isUtf8 } from 'node:buffer';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nanoid } from 'nanoid';
import { InstallError, onDisk } from './error.ts';
import { type Fence, keepWithin } from './fence.ts';

export interface FileWrite {
  file: string;
  content: string | Buffer;
}

/** New content that lies ready next to a file. */
export interface Staged {
  file: string;
  /** Puts the content in place in one step. */
  commit(): void;
  /** Removes what was prepared and not committed. */
  discard(): void;
}

/** A file's bytes; null when there is none. Throws InstallError when it cannot be read. */
export function readBytes(file: string, fence: Fence): Buffer | null {
  return onDisk('cannot-read', file, () => {
    keepWithin(fence, file);
    refuseDanglingLink(dirname(file));
    refuseDanglingLink(file);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat) return null;
    // A pipe would never end, and a device is nobody's settings.
    if (!stat.isFile() && !stat.isDirectory()) throw new InstallError({ code: 'no-file', file });
    return fs.readFileSync(file);
  });
}

/** A file's text, byte order mark included; null when there is none. Refuses what is not UTF-8. */
export function readText(file: string, fence: Fence): string | null {
  const bytes = readBytes(file, fence);
  if (bytes && !isUtf8(bytes)) throw new InstallError({ code: 'not-utf8', file });
  return bytes?.toString('utf8') ?? null;
}

/** Stages every write, or none: when one cannot be prepared (no permission, disk full) all are discarded. */
export function stageAll(writes: readonly FileWrite[], fence: Fence): Staged[] {
  const staged: Staged[] = [];
  try {
    for (const write of writes) staged.push(stage(write, fence));
  } catch (error) {
    discardAll(staged);
    throw error;
  }
  return staged;
}

/** Discards in reverse order, so that folders made for the first are empty when their turn comes. */
export function discardAll(staged: readonly Staged[]): void {
  for (const one of staged.toReversed()) one.discard();
}

export function removeFile(file: string, fence: Fence): void {
  onDisk('cannot-write', file, () => {
    keepWithin(fence, file);
    fs.rmSync(file, { force: true });
  });
}

/** Removes a directory if nothing is in it and it lies within the fence; a symlink to one stays. */
export function removeIfEmpty(dir: string, fence: Fence): void {
  onlyTry(() => {
    keepWithin(fence, dir);
    fs.rmdirSync(dir);
  });
}

export function isSymlink(path: string): boolean {
  return Boolean(fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink());
}

/** Paths of all files below a directory, relative and with `/`; none when it does not exist. Links below it are not followed. */
export function listFiles(dir: string, fence: Fence): string[] {
  const entries = onDisk('cannot-read', dir, () => {
    keepWithin(fence, dir);
    return fs.existsSync(dir) ? fs.readdirSync(dir, { withFileTypes: true }) : [];
  });
  return entries.flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return listFiles(join(dir, entry.name), fence).map((below) => `${entry.name}/${below}`);
  });
}

function stage({ file, content }: FileWrite, fence: Fence): Staged {
  return onDisk('cannot-write', file, () => {
    keepWithin(fence, file);
    refuseDanglingLink(dirname(file));
    refuseDanglingLink(file);
    const old = fs.statSync(file, { throwIfNoEntry: false });
    // A rename would replace a read-only file without asking.
    if (old && (old.mode & 0o222) === 0) throw new InstallError({ code: 'read-only', file });
    const real = old ? fs.realpathSync(file) : file;
    const dir = dirname(real);
    const madeFrom = fs.mkdirSync(dir, { recursive: true });
    const temporary = join(dir, `.${basename(real)}.${nanoid()}.tmp`);
    const discard = () => {
      fs.rmSync(temporary, { force: true });
      if (madeFrom) removeEmptyUpTo(dir, madeFrom);
    };
    try {
      writeDurably(temporary, content, old);
    } catch (error) {
      discard();
      throw error;
    }
    const commit = (): void =>
      onDisk('cannot-write', file, () => {
        // Somebody may have put a link there meanwhile.
        keepWithin(fence, real);
        fs.renameSync(temporary, real);
      });
    return { file, commit, discard };
  });
}

function writeDurably(file: string, content: string | Buffer, like: fs.Stats | undefined): void {
  const descriptor = fs.openSync(file, 'wx', like ? like.mode & 0o777 : 0o666);
  try {
    fs.writeFileSync(descriptor, content);
    if (like) keepMode(descriptor, like);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function keepMode(descriptor: number, { uid, gid, mode }: fs.Stats): void {
  const created = fs.fstatSync(descriptor);
  // With sudo the file must not change hands; a group that we may not give away is no reason to give up.
  if (created.uid !== uid) fs.fchownSync(descriptor, uid, gid);
  else if (created.gid !== gid) onlyTry(() => fs.fchownSync(descriptor, uid, gid));
  fs.fchmodSync(descriptor, mode & 0o777);
}

function removeEmptyUpTo(dir: string, top: string): void {
  for (let current = dir; current.startsWith(top); current = dirname(current)) removeIfEmpty(current, null);
}

function refuseDanglingLink(path: string): void {
  if (isSymlink(path) && !fs.existsSync(path)) throw new InstallError({ code: 'dangling-link', file: path });
}

function onlyTry(action: () => void): void {
  try {
    action();
  } catch {
    // Whoever calls this can do without.
  }
}
