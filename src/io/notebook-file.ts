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
import { asNotebook, mergeNotebooks, type Notebook, seenBy } from '../core/notebook.ts';
import type { Notebooks } from '../flows/session.ts';
import { discard, makePrivateDirectory, writeWhole } from './atomic-write.ts';
import { fingerprint } from './fingerprint.ts';
import { safeReadWithStat } from './safe-read.ts';

const notebookBytes = 1 << 20;
/** Two hooks of one event start within a second of each other; later it is another event. */
const claimMs = 10_000;

const slots = ['notebook.0.json', 'notebook.1.json'] as const;

interface Slot {
  readonly turn: number;
  readonly notebook: Notebook;
}

/** Changes when somebody writes the slot. */
const stampOf = (stat: fs.Stats | undefined): string => (stat ? `${stat.mtimeMs} ${stat.size}` : '');
const stampAt = (path: string): string => stampOf(fs.lstatSync(path, { throwIfNoEntry: false }));

interface Found {
  readonly stamp: string;
  /** Null when the slot is not whole. */
  readonly held: { readonly turn: number; readonly written: unknown } | null;
}

/** What a slot holds: its first line, since what a shorter text did not overwrite comes after it. */
function readSlot(path: string): Found {
  let stamp = '';
  try {
    const found = safeReadWithStat(path, notebookBytes);
    stamp = stampOf(found?.stat);
    const text = found?.text ?? '';
    const end = text.indexOf('\n');
    if (end < 0) return { stamp, held: null };
    const { turn, notebook } = JSON.parse(text.slice(0, end)) as { turn: unknown; notebook: unknown };
    return { stamp, held: typeof turn === 'number' ? { turn, written: notebook } : null };
  } catch {
    return { stamp, held: null };
  }
}

const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

function writeSlot(path: string, slot: Slot): void {
  const fd = openSlot(path);
  try {
    writeWhole(fd, path, `${JSON.stringify(slot)}\n`);
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
  /** The newer whole slot, unchecked, and how both looked. */
  const newer = (id: MemberId): { held: Found['held']; stamps: string } => {
    const found = pathsOf(id).map(readSlot);
    const held = found.reduce<Found['held']>(
      (best, { held }) => (held && (!best || held.turn > best.turn) ? held : best),
      null,
    );
    return { held, stamps: found.map(({ stamp }) => stamp).join() };
  };
  const look = (id: MemberId): { slot: Slot | null; stamps: string } => {
    const { held, stamps } = newer(id);
    return { slot: held && { turn: held.turn, notebook: asNotebook(held.written) }, stamps };
  };
  /** What was seen last. */
  const known = new Map<MemberId, { slot: Slot | null; stamps: string }>();

  return {
    read(id) {
      const seen = look(id);
      known.set(id, seen);
      return seen.slot?.notebook ?? null;
    },

    seenBy(id) {
      return seenBy(newer(id).held?.written ?? null);
    },

    write(id, notebook) {
      const before = known.get(id);
      const changed = !before || before.stamps !== pathsOf(id).map(stampAt).join();
      const now = changed ? look(id).slot : before.slot;
      const base = before?.slot;
      // Another hook of this member wrote meanwhile: what both learnt is kept.
      const parallel = base && now && now.turn > base.turn;
      const kept = parallel ? mergeNotebooks(base.notebook, notebook, now.notebook) : notebook;
      const slot = { turn: (now?.turn ?? 0) + 1, notebook: kept };
      inDirectory(home(id), () => writeSlot(join(home(id), slots[(slot.turn + 1) % 2]!), slot));
      // Looked at again should this process write once more, which few do.
      known.set(id, { slot, stamps: '' });
    },

    claim(id, key) {
      const claims = join(home(id), 'claims');
      const name = `${key.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 40)}.${fingerprint(key)}`;
      const path = join(claims, name);
      // Every twelfth lets go of those that are over.
      if ('0iz'.includes(name.slice(-1))) sweep(claims);
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
  };
}

function sweep(claims: string): void {
  try {
    for (const name of fs.existsSync(claims) ? fs.readdirSync(claims) : []) {
      const path = join(claims, name);
      const stat = fs.lstatSync(path, { throwIfNoEntry: false });
      if (stat && Date.now() - stat.mtimeMs > 2 * claimMs) discard(path);
    }
  } catch {
    // What cannot be removed now is in nobody's way.
  }
}
