/** Looks at every place that may hold state: can it be used, is it private, what is in it? Changes nothing. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { observerIn, observerOf } from '../compose.ts';
import type { Roster } from '../core/election.ts';
import type { Observer } from '../core/liveness.ts';
import type { Member } from '../core/member.ts';
import { messageOf } from '../core/message-of.ts';
import { blankSight, type Notebook } from '../core/notebook.ts';
import type { Damage } from '../core/store.ts';
import { survey } from '../flows/survey.ts';
import { writeTemporary } from '../io/atomic-write.ts';
import { hasNotebook, notebooksIn } from '../io/notebook-file.ts';
import { linkIn, ownerRefusalOf, type Place } from '../io/places.ts';
import { thisDomain } from '../io/processes.ts';
import { fileStore } from '../stores/file-store.ts';

/** One file or directory below a place. */
export interface PlaceEntry {
  readonly path: string;
  readonly mode: number;
  /** It belongs to another user. */
  readonly foreign: boolean;
  readonly mtimeMs: number;
  readonly kind: 'file' | 'directory' | 'other';
}

export interface PlaceFacts {
  readonly place: Place;
  readonly exists: boolean;
  /** Why a hook could not keep its state there; null when it could. */
  readonly problem: string | null;
  /** Why its parts cannot be used although the place itself can; null when they can. */
  readonly broken: string | null;
  /** Empty when it is not there or belongs to somebody else. */
  readonly entries: readonly PlaceEntry[];
  readonly damaged: readonly Damage[];
  readonly roster: Roster;
  readonly gone: readonly Member[];
  readonly notebooks: readonly Notebook[];
  /** Directories of members whose notebook is there and not whole. */
  readonly badNotebooks: readonly string[];
}

const mostEntries = 50_000;
/** A writer that still lives has renamed its file long before. */
const leftoverMs = 60_000;

/** Never for root, who may use everything, nor where files have no such owner. */
function isForeign({ uid }: fs.Stats): boolean {
  const own = process.getuid?.();
  return own !== undefined && own !== 0 && uid !== own;
}

type Contents = Omit<PlaceFacts, 'place' | 'exists' | 'problem' | 'broken'>;

const nothing: Contents = {
  entries: [],
  damaged: [],
  roster: { members: [], master: null, epoch: 0, whole: true },
  gone: [],
  notebooks: [],
  badNotebooks: [],
};

const parts = ['seq', 'members', 'handoffs', 'seals'];

/** Something else has the name: sessions go on without seals, so no gate ever answers. */
function sealsInTheWay(path: string): Damage[] {
  const seals = join(path, 'seals');
  const stat = fs.statSync(seals, { throwIfNoEntry: false });
  return stat && !stat.isDirectory() ? [{ record: seals, reason: 'is not a directory' }] : [];
}

/** Never throws: what cannot be looked at is told in the facts. */
export async function gatherPlace(place: Place, leaseHours: number): Promise<PlaceFacts> {
  const { path } = place;
  const facts = { place, problem: problemOf(place), broken: null, ...nothing };
  try {
    const exists = fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (!exists || ownerRefusalOf(place)) return { ...facts, exists };
    const link = linkIn(place);
    if (link) return { ...facts, exists, broken: link.message };
    const inTheWay = sealsInTheWay(path);
    const broken = parts
      .filter((part) => part !== 'seals' || inTheWay.length === 0)
      .map((part) => unwritable(join(path, part)))
      .find((problem) => problem !== null);
    return broken
      ? { ...facts, exists: true, broken }
      : { ...facts, exists: true, ...(await contentsOf(place, leaseHours, inTheWay)) };
  } catch (cause) {
    return { ...facts, exists: true, broken: messageOf(cause) };
  }
}

async function contentsOf(place: Place, leaseHours: number, inTheWay: readonly Damage[]): Promise<Contents> {
  const { path } = place;
  const store = fileStore(path);
  const { roster, gone } = await survey(store, observerIn(place, observerHere(leaseHours)), blankSight);
  const damaged = [...(await store.damaged()), ...inTheWay];
  const ids = (await store.memberIds()).filter((id) => hasNotebook(path, id));
  const found = ids.map((id) => ({ id, notebook: notebooksIn(path).read(id) }));
  return {
    entries: walk(path),
    damaged,
    roster,
    gone,
    notebooks: found.flatMap(({ notebook }) => notebook ?? []),
    badNotebooks: found.filter(({ notebook }) => !notebook).map(({ id }) => join(path, 'members', id)),
  };
}

/** This process as an observer of members. */
export const observerHere = (leaseHours: number): Observer => observerOf(thisDomain(), leaseHours);

/** Why hooks pass over a place, or cannot write to it. */
function problemOf(place: Place): string | null {
  try {
    return ownerRefusalOf(place)?.message ?? unwritable(place.path);
  } catch (cause) {
    return messageOf(cause);
  }
}

/** Why this user cannot write to a directory, or create it; asked by writing, without leaving anything behind. */
function unwritable(path: string): string | null {
  try {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) {
      const above = nearest(dirname(path));
      if (!fs.statSync(above).isDirectory()) return `${above} is not a directory`;
      fs.accessSync(above, fs.constants.W_OK | fs.constants.X_OK);
      return null;
    }
    if (!stat.isDirectory()) return `${path} is not a directory`;
    if (isForeign(stat)) return `${path} belongs to another user`;
    // No member, number or handoff has such a name.
    fs.rmSync(writeTemporary(join(path, '+doctor'), 'probe', false), { force: true });
    return null;
  } catch (cause) {
    return messageOf(cause);
  }
}

function nearest(path: string): string {
  return fs.lstatSync(path, { throwIfNoEntry: false }) || dirname(path) === path
    ? path
    : nearest(dirname(path));
}

/** The place itself and all below it, links not followed; at most so many that it ends. */
export function walk(top: string): PlaceEntry[] {
  const entries: PlaceEntry[] = [];
  const pending = [top];
  for (let path = pending.pop(); path !== undefined && entries.length < mostEntries; path = pending.pop()) {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    const kind = stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
    entries.push({ path, mode: stat.mode & 0o777, foreign: isForeign(stat), mtimeMs: stat.mtimeMs, kind });
    if (kind === 'directory') pending.push(...namesIn(path).map((name) => join(path, name)));
  }
  return entries;
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

/** What others could read or change. A link has no permissions of its own. */
export const isExposed = ({ kind, mode }: PlaceEntry): boolean =>
  process.platform !== 'win32' && kind !== 'other' && (mode & 0o077) !== 0;

export const isLeftover = ({ path, kind, mtimeMs }: PlaceEntry, now: number): boolean =>
  kind === 'file' && path.endsWith('.tmp') && now - mtimeMs > leftoverMs;
