/**
 * Keeps a member's notebook beside its records, and lets only one of two parallel hooks do a thing.
 *
 * The notebook is written at every hook, so it is written in place: replacing a file makes ext4 flush it, which costs ten
 * milliseconds and more while the disk is busy. Two slots are written in turn and a reader takes the newer whole one, so that a
 * writer killed half way leaves the notebook of the hook before.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { MemberId } from '../core/member.ts';
import { asNotebook, mergeNotebooks, type Notebook } from '../core/notebook.ts';
import type { Notebooks } from '../flows/session.ts';
import { discard, makePrivateDirectory } from './atomic-write.ts';
import { fingerprint } from './fingerprint.ts';
import { safeRead } from './safe-read.ts';

const notebookBytes = 1 << 20;
/** Two hooks of one event start within a second of each other; later it is another event. */
const claimMs = 10_000;

const slots = ['notebook.0.json', 'notebook.1.json'] as const;

interface Slot {
  readonly turn: number;
  readonly notebook: Notebook;
}

/** What a slot holds: its first line, since what a shorter text did not overwrite comes after it. Null when it is not whole. */
function readSlot(path: string): { turn: number; written: unknown } | null {
  try {
    const text = safeRead(path, notebookBytes) ?? '';
    const end = text.indexOf('\n');
    const { turn, notebook } = JSON.parse(text.slice(0, Math.max(0, end))) as {
      turn: unknown;
      notebook: unknown;
    };
    return typeof turn === 'number' ? { turn, written: notebook } : null;
  } catch {
    return null;
  }
}

/** Changes when somebody writes the slot. */
function stampOf(path: string): string {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size}` : '';
}

const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

function writeSlot(path: string, slot: Slot): void {
  const fd = openSlot(path);
  try {
    const bytes = Buffer.from(`${JSON.stringify(slot)}\n`);
    const written = fs.writeSync(fd, bytes, 0, bytes.length, 0);
    if (written < bytes.length)
      throw Object.assign(new Error(`${path} could not be written whole`), { code: 'ENOSPC' });
  } finally {
    fs.closeSync(fd);
  }
}

/** The slot as a regular file; a link, a FIFO or an empty directory that somebody put in its place gives way. */
function openSlot(path: string): number {
  const open = (): number => fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const fd = open();
    if (fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
  } catch (cause) {
    if (!['ELOOP', 'ENXIO', 'EISDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
  }
  if (fs.lstatSync(path).isDirectory()) fs.rmdirSync(path);
  else fs.unlinkSync(path);
  return open();
}

/** Creates what lies in a directory of ours; the directory too, which is missing only the first time. */
function inDirectory<T>(directory: string, create: () => T): T {
  try {
    return create();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    makePrivateDirectory(directory);
    return create();
  }
}

/** A member has a notebook here, whatever is in it. */
export const hasNotebook = (place: string, id: MemberId): boolean =>
  slots.some((name) => isThere(join(place, 'members', id, name)));

/** Also when it is a link to nowhere. */
function isThere(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The notebooks below this place. Remembers what it read, so that a write can tell whether another hook wrote meanwhile. */
export function notebooksIn(place: string): Notebooks {
  const home = (id: MemberId): string => join(place, 'members', id);
  const pathsOf = (id: MemberId): string[] => slots.map((name) => join(home(id), name));
  const newest = (id: MemberId): Slot | null => {
    const found = pathsOf(id)
      .map(readSlot)
      .reduce((best, slot) => (slot && (!best || slot.turn > best.turn) ? slot : best), null);
    // Only what is used is checked.
    return found && { turn: found.turn, notebook: asNotebook(found.written) };
  };
  /** What was read last, and how the slots looked then. */
  const known = new Map<MemberId, { slot: Slot | null; stamps: string }>();
  const stampsOf = (id: MemberId): string => pathsOf(id).map(stampOf).join();

  return {
    read(id) {
      const stamps = stampsOf(id);
      const slot = newest(id);
      known.set(id, { slot, stamps });
      return slot?.notebook ?? null;
    },

    write(id, notebook) {
      const before = known.get(id);
      const changed = !before || before.stamps !== stampsOf(id);
      const now = changed ? newest(id) : before.slot;
      const base = before?.slot;
      // Another hook of this member wrote meanwhile: what both learnt is kept.
      const parallel = base && now && now.turn > base.turn;
      const kept = parallel ? mergeNotebooks(base.notebook, notebook, now.notebook) : notebook;
      const slot = { turn: (now?.turn ?? 0) + 1, notebook: kept };
      inDirectory(home(id), () => writeSlot(join(home(id), slots[(slot.turn + 1) % 2]!), slot));
      known.set(id, { slot, stamps: stampsOf(id) });
    },

    claim(id, key) {
      const claims = join(home(id), 'claims');
      const path = join(claims, `${key.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 40)}.${fingerprint(key)}`);
      const create = (): void => inDirectory(claims, () => fs.closeSync(fs.openSync(path, 'wx', 0o600)));
      try {
        create();
        return true;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        if (Date.now() - fs.lstatSync(path).mtimeMs < claimMs) return false;
        discard(path);
        create();
        return true;
      }
    },

    sweepClaims(id) {
      const claims = join(home(id), 'claims');
      for (const name of fs.existsSync(claims) ? fs.readdirSync(claims) : []) {
        const path = join(claims, name);
        const stat = fs.lstatSync(path, { throwIfNoEntry: false });
        if (stat && Date.now() - stat.mtimeMs > 2 * claimMs) discard(path);
      }
    },
  };
}
