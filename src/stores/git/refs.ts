/**
 * Git's refs as files, by git's own rules, so that git may work on them at the same time: a ref is changed by whoever created
 * `<ref>.lock`, and is looked for first in its own file, then in `packed-refs`.
 */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { discard, makePrivateDirectory, syncDirectoryOf, writeWhole } from '../../io/atomic-write.ts';
import { safeRead, safeReadWithStat, UnreadableError } from '../../io/safe-read.ts';

/** A hook lives two seconds at most and holds a lock for milliseconds: an older one belongs to a process that was killed. */
const abandonedMs = 5000;
const patienceMs = 400;
const gitLimitMs = 1000;
const packedBytes = 64 << 20;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

/** What a ref names, and since when: null for a packed one, which does not say. */
export interface FoundRef {
  readonly oid: string;
  readonly renewedAt: number | null;
}

/** The refs of one bare repository. */
export interface Refs {
  /** Null when there is none. Throws `UnreadableError` for a ref file that names nothing. */
  read(name: string): FoundRef | null;
  /** The names below `prefix`, which ends with a slash, without it. */
  list(prefix: string): string[];
  /** Creates a ref, whose object is made only when nobody has the name; false when somebody has or is about to. */
  create(name: string, make: () => string, durable: boolean): boolean;
  /** Points a ref elsewhere and returns what it named before. With `expected` only if that is what it names; then undefined comes back. */
  set(name: string, make: () => string, how?: SetOptions): string | null | undefined;
  /** Moves the time of a ref without changing it; false when there is none. */
  touch(name: string): boolean;
  /** Removes a ref; returns what it named. */
  remove(name: string): Promise<string | null>;
}

/** How a ref is to be set. */
export interface SetOptions {
  readonly durable?: boolean;
  /** Null: there must be none. */
  readonly expected?: string | null;
}

const lockName = /\.lock(?:$|\.)/;
const oidLine = /^(?:[0-9a-f]{40}|[0-9a-f]{64})\n?$/;

/** The lock was there when we wanted it. */
class LockedError extends Error {
  override name = 'LockedError';
  readonly code = 'ELOCKED';
}

const wait = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** The refs in a bare repository, which need not exist yet. */
export function refsIn(repository: string): Refs {
  const pathOf = (name: string): string => join(repository, name);
  const packedPath = join(repository, 'packed-refs');
  let packed: { stamp: string; refs: ReadonlyMap<string, string> } = { stamp: '', refs: new Map() };

  /** Read anew only when somebody packed again. */
  const packedRefs = (): ReadonlyMap<string, string> => {
    const stat = fs.lstatSync(packedPath, { throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
    if (stamp !== packed.stamp) {
      const text = safeRead(packedPath, packedBytes) ?? '';
      const refs = new Map<string, string>();
      for (const [, oid, name] of text.matchAll(/^([0-9a-f]{40,64}) (refs\/\S+)$/gm)) refs.set(name!, oid!);
      packed = { stamp, refs };
    }
    return packed.refs;
  };

  const readLoose = (name: string): FoundRef | null => {
    const path = pathOf(name);
    const found = safeReadWithStat(path, 256);
    if (!found) return null;
    if (!oidLine.test(found.text))
      throw new UnreadableError(path, 'EDAMAGED', found.text === '' ? 'is empty' : 'is not a ref');
    return { oid: found.text.trim(), renewedAt: found.stat.mtimeMs };
  };
  const read = (name: string): FoundRef | null => {
    const loose = readLoose(name);
    if (loose) return loose;
    const oid = packedRefs().get(name);
    // Git packs first and removes the file then; a ref that was created in between is a file again.
    return oid ? { oid, renewedAt: null } : readLoose(name);
  };
  /** What the ref names, and null when nobody can say, for writers: they replace what is damaged. */
  const tolerant = (name: string): string | null => {
    try {
      return read(name)?.oid ?? null;
    } catch (cause) {
      if (cause instanceof UnreadableError) return null;
      throw cause;
    }
  };
  const exists = (name: string): boolean =>
    fs.lstatSync(pathOf(name), { throwIfNoEntry: false }) !== undefined || packedRefs().has(name);

  /** Takes the lock; git removes directories that it emptied, perhaps this very moment. */
  const lock = (name: string): number => {
    for (let attempt = 0; ; attempt++) {
      try {
        return fs.openSync(`${pathOf(name)}.lock`, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        if (code === 'EEXIST') throw new LockedError(`${pathOf(name)} is locked`, { cause });
        if (code !== 'ENOENT' || attempt > 2) throw cause;
        makePrivateDirectory(dirname(pathOf(name)));
      }
    }
  };
  /** Removes the lock of a process that was killed. Moved aside first, so that of several that try one removes it. */
  const breakAbandoned = (path: string): void => {
    const seen = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!seen || Date.now() - seen.mtimeMs < abandonedMs) return;
    const aside = `${path}.${process.pid}.tmp`;
    try {
      fs.renameSync(path, aside);
      // Somebody else was faster, and this is a lock in use: back with it.
      if (fs.lstatSync(aside).ino !== seen.ino) fs.linkSync(aside, path);
    } catch {
      // It is gone, or taken again.
    }
    fs.rmSync(aside, { force: true });
  };
  const lockPatiently = (name: string): number => {
    const path = `${pathOf(name)}.lock`;
    const begin = Date.now();
    let watched: number | undefined;
    for (let tries = 0; ; tries++) {
      try {
        return lock(name);
      } catch (cause) {
        if (!(cause instanceof LockedError) || Date.now() - begin > patienceMs || tries > patienceMs / 5)
          throw cause;
        // Watched for a while besides, since a file server's clock may be another one.
        const seen = fs.lstatSync(path, { throwIfNoEntry: false })?.ino;
        if (seen === watched && tries > 20) breakAbandoned(path);
        if (seen !== watched) tries = 0;
        watched = seen;
        wait(5);
      }
    }
  };

  /** Works while the lock is held: `act` returns what the ref is to name, or null to leave it. */
  const whileLocked = (name: string, fd: number, durable: boolean, act: () => string | null): void => {
    const path = pathOf(name);
    const held = `${path}.lock`;
    let open = true;
    let mine = true;
    try {
      const oid = act();
      if (oid === null) return;
      writeWhole(fd, held, `${oid}\n`);
      if (durable) fs.fsyncSync(fd);
      // A process that stood still for long, say in a laptop that slept, may have lost its lock.
      mine = fs.fstatSync(fd).ino === fs.lstatSync(held, { throwIfNoEntry: false })?.ino;
      if (!mine) throw new LockedError(`${path} was locked for too long`);
      fs.closeSync(fd);
      open = false;
      fs.renameSync(held, path);
      mine = false;
      if (durable) syncDirectoryOf(path);
    } finally {
      if (open) fs.closeSync(fd);
      if (mine) discard(held);
    }
  };

  return {
    read,

    list(prefix) {
      const names = new Set<string>();
      try {
        for (const name of fs.readdirSync(pathOf(prefix))) if (!lockName.test(name)) names.add(name);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      }
      for (const name of packedRefs().keys())
        if (name.startsWith(prefix)) names.add(name.slice(prefix.length));
      return [...names];
    },

    create(name, make, durable) {
      let fd: number;
      try {
        fd = lock(name);
      } catch (cause) {
        if (cause instanceof LockedError) return false;
        throw cause;
      }
      let created = false;
      whileLocked(name, fd, durable, () => {
        if (exists(name)) return null;
        const oid = make();
        created = true;
        return oid;
      });
      return created;
    },

    set(name, make, { durable = false, expected } = {}) {
      let before: string | null | undefined;
      whileLocked(name, lockPatiently(name), durable, () => {
        const now = tolerant(name);
        if (expected !== undefined && (now !== expected || (expected === null && exists(name)))) return null;
        const oid = make();
        before = now;
        return oid;
      });
      return before;
    },

    touch(name) {
      const now = new Date();
      try {
        fs.utimesSync(pathOf(name), now, now);
        return true;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        // Somebody packed it: as a file of its own it has a time again.
        const oid = packedRefs().get(name);
        if (oid) whileLocked(name, lockPatiently(name), false, () => tolerant(name));
        return Boolean(oid);
      }
    },

    async remove(name) {
      const before = tolerant(name);
      if (packedRefs().has(name)) {
        const { git } = await import('../../io/git.ts');
        const answer = git(repository, ['--git-dir=.', 'update-ref', '-d', name], gitLimitMs);
        if (!answer.ok) throw new Error(`${name} in ${repository} cannot be removed: ${answer.message}`);
        return before;
      }
      if (!exists(name)) return null;
      whileLocked(name, lockPatiently(name), false, () => {
        fs.rmSync(pathOf(name), { force: true, recursive: true });
        return null;
      });
      return before;
    },
  };
}
