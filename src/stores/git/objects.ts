/**
 * Git's objects as files: read and written without a git process, which every prompt would wait for. What is not a file of its own
 * any more, because somebody packed the repository, git is asked for once, and then it is a file again.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { discard, makePrivateDirectory, writeWhole } from '../../io/atomic-write.ts';
import { safeReadBytes, UnreadableError } from '../../io/safe-read.ts';

const mostBytes = 1 << 20;
const gitLimitMs = 1000;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

type Algorithm = 'sha1' | 'sha256';

/** The objects of one bare repository. */
export interface Objects {
  /** The bytes of an object, which mostly is a commit; null when it is not there. Throws `UnreadableError` when it is there and damaged. */
  read(oid: string): Promise<Buffer | null>;
  /** Keeps an object and returns its name. `durable` waits for the disk. */
  write(type: 'commit' | 'tree', body: Buffer, algorithm: Algorithm, durable: boolean): string;
  /** Removes an object that is a file of its own. */
  remove(oid: string): void;
}

/** A name for a temporary file as git gives them, so that git, too, knows it for garbage. */
const temporaryName = (): string =>
  `tmp_obj_${process.pid}${process.hrtime.bigint().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

/** The objects in a bare repository, which need not exist yet. */
export function objectsIn(repository: string): Objects {
  const directory = join(repository, 'objects');
  const pathOf = (oid: string): string => join(directory, oid.slice(0, 2), oid.slice(2));

  const readLoose = (oid: string): Buffer | null => {
    const path = pathOf(oid);
    const found = safeReadBytes(path, mostBytes);
    if (!found) return null;
    let raw: Buffer;
    try {
      raw = zlib.inflateSync(found.bytes, { maxOutputLength: mostBytes });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        throw new UnreadableError(path, 'EFBIG', `is larger than ${mostBytes} bytes`);
      throw new UnreadableError(path, 'EDAMAGED', 'is not a git object');
    }
    const end = raw.indexOf(0);
    const [type, size] = raw.subarray(0, Math.max(0, end)).toString('latin1').split(' ');
    const body = raw.subarray(end + 1);
    if (!type || Number(size) !== body.length)
      throw new UnreadableError(path, 'EDAMAGED', 'is not a whole git object');
    return body;
  };

  const hasPacks = (): boolean => {
    const packs = join(directory, 'pack');
    return fs.existsSync(packs) && fs.readdirSync(packs).some((name) => name.endsWith('.idx'));
  };

  const write: Objects['write'] = (type, body, algorithm, durable) => {
    const raw = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
    const oid = crypto.createHash(algorithm).update(raw).digest('hex');
    const path = pathOf(oid);
    const folder = join(directory, oid.slice(0, 2));
    makePrivateDirectory(folder);
    const temporary = join(folder, temporaryName());
    const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeWhole(fd, temporary, zlib.deflateSync(raw));
      if (durable) fs.fsyncSync(fd);
    } catch (cause) {
      discard(temporary);
      throw cause;
    } finally {
      fs.closeSync(fd);
    }
    // The content is the name: whatever is there already is the same, or damaged and better replaced.
    fs.renameSync(temporary, path);
    return oid;
  };

  return {
    async read(oid) {
      const loose = readLoose(oid);
      if (loose || !hasPacks()) return loose;
      const { git } = await import('../../io/git.ts');
      const answer = git(repository, ['--git-dir=.', 'cat-file', 'commit', oid], gitLimitMs);
      if (!answer.ok) return readLoose(oid);
      const body = Buffer.from(answer.output);
      try {
        const unpacked = write('commit', body, oid.length === 64 ? 'sha256' : 'sha1', false);
        if (unpacked !== oid) discard(pathOf(unpacked));
      } catch {
        // It can be read all the same, by git again next time.
      }
      return body;
    },
    write,
    remove: (oid) => discard(pathOf(oid)),
  };
}
