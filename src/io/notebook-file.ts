/**
 * Keeps a member's notebook beside its records, and lets only one of two parallel hooks do a thing.
 *
 * The notebook is written at every hook, so it is written in place: replacing a file makes ext4 flush it, which costs ten
 * milliseconds and more while the disk is busy. Two slots are written in turn and a reader takes the newer whole one, so that a
 * writer killed half way leaves the notebook of the hook before.
 */
import fs from 'node:fs';
import type { MemberId } from '../core/member.ts';
import { asNotebook, mergeNotebooks, type Notebook, seenBy } from '../core/notebook.ts';
import type { Notebooks } from '../flows/session.ts';
import { createEmpty, discard, makePrivateDirectory, writeWhole } from './atomic-write.ts';
import { fingerprint } from './fingerprint.ts';
import { handOver } from './hand-over.ts';
import { isLink } from './own-directory.ts';
import { safeReadWithStat } from './safe-read.ts';
import { within } from './within.ts';

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
const lookAt = (path: string): fs.Stats | undefined => fs.lstatSync(path, { throwIfNoEntry: false });

/** A slot as it was found. */
interface Found {
  readonly stamp: string;
  /** Its first line, since what a shorter text did not overwrite comes after it; empty when there is none. */
  readonly line: string;
}

function readSlot(path: string): Found {
  try {
    const { text, stat } = safeReadWithStat(path, notebookBytes) ?? { text: '', stat: undefined };
    return { stamp: stampOf(stat), line: text.slice(0, text.indexOf('\n') + 1) };
  } catch {
    return { stamp: '', line: '' };
  }
}

/** The turn comes first in a line of ours. */
const turnIn = ({ line }: Found): number => Number.parseInt(line.slice('{"turn":'.length), 10) || 0;

/** What a slot holds, unchecked; null when it is not whole. */
interface Held {
  readonly turn: number;
  readonly written: unknown;
}

function heldBy({ line }: Found): Held | null {
  try {
    const { turn, notebook } = JSON.parse(line) as { turn: unknown; notebook: unknown };
    return typeof turn === 'number' ? { turn, written: notebook } : null;
  } catch {
    return null;
  }
}

/** What the newer whole one of two slots holds. The other one is mostly not looked into. */
function newerOf(a: Found, b: Found): Held | null {
  const [first, second] = turnIn(a) > turnIn(b) ? [a, b] : [b, a];
  return heldBy(first) ?? heldBy(second);
}

const { O_WRONLY, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const inPlace = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** Writes a slot. A link, a FIFO, an empty directory or another file's second name that somebody put in its place gives way. */
function writeSlot(path: string, stat: fs.Stats | undefined, slot: Slot): void {
  if (stat?.isDirectory()) fs.rmdirSync(path);
  else if (stat && (!stat.isFile() || stat.nlink > 1)) fs.unlinkSync(path);
  const fd = fs.openSync(path, inPlace, 0o600);
  try {
    if (!stat?.isFile()) handOver(fd, path);
    writeWhole(fd, path, `${JSON.stringify(slot)}\n`);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Creates what lies in a directory of ours; the directory too, which is missing only the first time. A link in its place gives way:
 * what is written in there, or swept out, would be somebody else's.
 */
function inDirectory<T>(directory: string, create: () => T): T {
  if (isLink(directory)) fs.unlinkSync(directory);
  try {
    return create();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    makePrivateDirectory(directory);
    return create();
  }
}

const homeIn = (place: string, id: MemberId): string => within(within(place, 'members'), id);

/** A member has a notebook here, whatever is in it. */
export const hasNotebook = (place: string, id: MemberId): boolean =>
  !isLink(homeIn(place, id)) && slots.some((name) => isThere(within(homeIn(place, id), name)));

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
  const home = (id: MemberId): string => homeIn(place, id);
  const pathsOf = (id: MemberId): string[] => slots.map((name) => within(home(id), name));
  /** The newer whole slot, and how both looked. */
  const newer = (id: MemberId): { held: Held | null; stamps: string } => {
    const read = isLink(home(id)) ? (): Found => ({ stamp: '', line: '' }) : readSlot;
    const [first, second] = pathsOf(id).map(read) as [Found, Found];
    return { held: newerOf(first, second), stamps: `${first.stamp},${second.stamp}` };
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
      const stats = pathsOf(id).map(lookAt);
      const changed = !before || before.stamps !== stats.map(stampOf).join();
      const now = changed ? look(id).slot : before.slot;
      const base = before?.slot;
      // Another hook of this member wrote meanwhile: what both learnt is kept.
      const parallel = base && now && now.turn > base.turn;
      const kept = parallel ? mergeNotebooks(base.notebook, notebook, now.notebook) : notebook;
      const slot = { turn: (now?.turn ?? 0) + 1, notebook: kept };
      const which = (slot.turn + 1) % 2;
      inDirectory(home(id), () => writeSlot(pathsOf(id)[which]!, stats[which], slot));
      // Looked at again should this process write once more, which few do.
      known.set(id, { slot, stamps: '' });
    },

    forget(id) {
      if (/^\w[\w.-]{0,99}$/.test(id)) fs.rmSync(home(id), { recursive: true, force: true });
    },

    claim(id, key) {
      const claims = within(home(id), 'claims');
      const name = `${key.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 40)}.${fingerprint(key)}`;
      const path = within(claims, name);
      // Every twelfth lets go of those that are over.
      if ('0iz'.includes(name.slice(-1))) sweep(claims);
      const create = (): void => inDirectory(claims, () => createEmpty(path));
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

const claimName = /^[\w-]{0,40}\.[0-9a-z]{11}$/;

function sweep(claims: string): void {
  try {
    for (const name of fs.existsSync(claims) && !isLink(claims) ? fs.readdirSync(claims) : []) {
      if (!claimName.test(name)) continue;
      const path = within(claims, name);
      const stat = fs.lstatSync(path, { throwIfNoEntry: false });
      if (stat && Date.now() - stat.mtimeMs > 2 * claimMs) discard(path);
    }
  } catch {
    // What cannot be removed now is in nobody's way.
  }
}
