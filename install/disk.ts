/** Reading and replacing the user's files: whole or not at all, through symlinks, with the old mode. */
import { isUtf8 } from 'node:buffer';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nanoid } from 'nanoid';
import { InstallError, onDisk } from './error.ts';

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
export function readBytes(file: string): Buffer | null {
  return onDisk('cannot-read', file, () => {
    refuseDanglingLink(dirname(file));
    refuseDanglingLink(file);
    return fs.statSync(file, { throwIfNoEntry: false }) ? fs.readFileSync(file) : null;
  });
}

/** A file's text, byte order mark included; null when there is none. Refuses what is not UTF-8. */
export function readText(file: string): string | null {
  const bytes = readBytes(file);
  if (bytes && !isUtf8(bytes)) throw new InstallError({ code: 'not-utf8', file });
  return bytes?.toString('utf8') ?? null;
}

/** Stages every write, or none: when one cannot be prepared (no permission, disk full) all are discarded. */
export function stageAll(writes: readonly FileWrite[]): Staged[] {
  const staged: Staged[] = [];
  try {
    for (const write of writes) staged.push(stage(write));
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

export function rename(from: string, to: string): void {
  onDisk('cannot-write', from, () => fs.renameSync(from, to));
}

export function removeFile(file: string): void {
  onDisk('cannot-write', file, () => fs.rmSync(file, { force: true }));
}

/** Removes a directory if nothing is in it; a symlink to one stays. */
export function removeIfEmpty(dir: string): void {
  onlyTry(() => fs.rmdirSync(dir));
}

export function isSymlink(path: string): boolean {
  return Boolean(fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink());
}

/** Paths of all files below a directory, relative and with `/`; none when it does not exist. */
export function listFiles(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  const entries = onDisk('cannot-read', dir, () => fs.readdirSync(dir, { withFileTypes: true }));
  return entries.flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return listFiles(join(dir, entry.name)).map((below) => `${entry.name}/${below}`);
  });
}

function stage({ file, content }: FileWrite): Staged {
  return onDisk('cannot-write', file, () => {
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
    return { file, commit: () => rename(temporary, real), discard };
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
  for (let current = dir; current.startsWith(top); current = dirname(current)) removeIfEmpty(current);
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
