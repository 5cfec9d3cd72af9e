/**
 * The memory server's file, which is the user's: read tolerantly, appended to, never rewritten.
 *
 * An append is one write(2) of "\n" + line + "\n" to a file opened with O_APPEND. The newline before it ends the server's last
 * line, which has none; the empty lines that this makes are skipped by the server. An append that did not fit is taken back:
 * half a line would stop the server for good.
 */
import fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { safeReadWithStat, UnreadableError } from '../../io/safe-read.ts';
import { looksLikeGraph } from './records.ts';

const mostBytes = 64 << 20;
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

/** The text of the file, and a stamp that changes with it. An absent file is empty. */
export interface GraphText {
  readonly text: string;
  readonly stamp: string;
}

const stampOf = (stat: fs.Stats): string => `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;

/** What the file looks like now, without reading it; empty when there is none. */
export function graphStamp(path: string): string {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat ? stampOf(stat) : '';
}

const nameAnother = 'Name another file in memoryGraph.file, or in MEMORY_FILE_PATH of the memory server.';

/** Reads the file. Throws a sentence for what is no file of this user. */
export function readGraph(path: string): GraphText {
  try {
    const found = safeReadWithStat(path, mostBytes);
    return found ? { text: found.text, stamp: stampOf(found.stat) } : { text: '', stamp: '' };
  } catch (cause) {
    if (!(cause instanceof UnreadableError)) throw cause;
    throw new Error(`The memory graph cannot be used: ${cause.message}. ${nameAnother}`, { cause });
  }
}

/**
 * Throws a sentence when lines cannot be added here. A configuration in a repository may name any file of the user's, so one
 * that is there has to look like a memory graph, and one that is not has to have the name of one.
 */
export function expectGraph(path: string, text: string): void {
  if (!looksLikeGraph(text))
    throw new Error(
      `${path} is not a memory graph: no line of it is an entity or a relation. ${nameAnother}`,
    );
  if (text.trim() === '' && !/\.(?:jsonl?|ndjson)$/.test(basename(path)))
    throw new Error(`${path} holds no memory graph yet, and its name does not end in .jsonl. ${nameAnother}`);
  if (!fs.statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory())
    throw new Error(
      `The memory graph ${path} cannot be made: there is no directory ${dirname(path)}. Make it, or name another file.`,
    );
}

/** Throws when the file, or the directory it would be made in, cannot be written to by this user. */
export function expectWritable(path: string): void {
  const target = fs.existsSync(path) ? path : dirname(path);
  try {
    fs.accessSync(target, fs.constants.R_OK | fs.constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(
      `The memory graph cannot be used: ${target} is not writable (${code}). Make it so, or name another file.`,
      { cause },
    );
  }
}

function open(path: string): number {
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
  try {
    return fs.openSync(path, flags);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return fs.openSync(path, flags | O_CREAT, 0o600);
  }
}

/** Takes the beginning of a line off the end again, if it is still the end. */
function takeBack(fd: number, bytes: Buffer): boolean {
  const { size } = fs.fstatSync(fd);
  const end = Buffer.alloc(bytes.length);
  fs.readSync(fd, end, 0, end.length, size - end.length);
  if (!end.equals(bytes)) return false;
  fs.ftruncateSync(fd, size - end.length);
  return true;
}

/** Appends one line, all of it or nothing, and waits for the disk. The server may replace the file meanwhile: look again. */
export function appendLine(path: string, line: string): void {
  const bytes = Buffer.from(`\n${line}\n`);
  const fd = open(path);
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error(`${path} is not a regular file. ${nameAnother}`);
    const written = fs.writeSync(fd, bytes);
    if (written < bytes.length) {
      const clean = takeBack(fd, bytes.subarray(0, written));
      const left = clean
        ? 'nothing of it was left'
        : 'half a line was left, at which the memory server fails';
      throw Object.assign(new Error(`${path} could not take a whole line (is the disk full?); ${left}.`), {
        code: 'ENOSPC',
      });
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
