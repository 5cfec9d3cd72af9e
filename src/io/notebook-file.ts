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
import { asNotebook, type Notebook } from '../core/notebook.ts';
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
function readSlot(path: string): Slot | null {
  try {
    const text = safeRead(path, notebookBytes) ?? '';
    const end = text.indexOf('\n');
    const { turn, notebook } = JSON.parse(text.slice(0, Math.max(0, end))) as {
      turn: unknown;
      notebook: unknown;
    };
    return typeof turn === 'number' ? { turn, notebook: asNotebook(notebook) } : null;
  } catch {
    return null;
  }
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

/** The slot as a regular file; whatever else somebody put in its place is removed, since the place is ours. */
function openSlot(path: string): number {
  const open = (): number => fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const fd = open();
    if (fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
  } catch (cause) {
    if (!['ELOOP', 'ENXIO', 'EISDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
  }
  fs.rmSync(path, { recursive: true, force: true });
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
    fs.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

export function notebooksIn(place: string): Notebooks {
  const home = (id: MemberId): string => join(place, 'members', id);
  const turns = new Map<MemberId, number>();
  const newest = (id: MemberId): Slot | null =>
    slots
      .map((name) => readSlot(join(home(id), name)))
      .reduce((best, slot) => (slot && (!best || slot.turn > best.turn) ? slot : best), null);

  return {
    read(id) {
      const slot = newest(id);
      turns.set(id, slot?.turn ?? 0);
      return slot?.notebook ?? null;
    },

    write(id, notebook) {
      const turn = (turns.get(id) ?? newest(id)?.turn ?? 0) + 1;
      const path = join(home(id), slots[(turn + 1) % 2]!);
      inDirectory(home(id), () => writeSlot(path, { turn, notebook }));
      turns.set(id, turn);
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
