/**
 * What the records of a memory graph amount to. Pure: everything follows from the lines and their order, so all who read the
 * same file see the same members, whoever wrote or dropped what.
 *
 * The first line that claims a number owns it. Appending is atomic and the server keeps the order of entities when it rewrites
 * the file, so a claim that was read as the first stays the first until it is dropped.
 */
import type { Birth, MemberId, SeenPresence } from '../../core/member.ts';
import type { Found, HandoffRecord, SessionRecord } from './records.ts';

/** One reader's view of one state of the file: every record under what it is about, in the order of the lines. */
export interface View {
  /** The highest number that any line claims, whether or not it is forgotten: numbers go on above it. */
  readonly top: number;
  readonly claims: ReadonlyMap<number, readonly Found[]>;
  readonly said: ReadonlyMap<MemberId, readonly Found[]>;
  readonly notes: ReadonlyMap<string, readonly Found[]>;
}

/** What this reader does not look at any more; a part of a record, since a member may be forgotten and its number kept. */
export type Part = 'number' | 'member' | 'handoff';

/** The name of one part of one record among those that are forgotten. */
export const forgettingOf = (part: Part, { key }: Found): string => `${part} of ${key}`;

/** The view of these records, in the order of their lines. What is forgotten counts only for the highest number. */
export function viewOf(found: readonly Found[], forgotten: ReadonlySet<string>): View {
  let top = 0;
  const claims = new Map<number, Found[]>();
  const said = new Map<MemberId, Found[]>();
  const notes = new Map<string, Found[]>();
  const put = <K>(map: Map<K, Found[]>, key: K, part: Part, one: Found): void => {
    if (forgotten.size > 0 && forgotten.has(forgettingOf(part, one))) return;
    const list = map.get(key);
    if (list) list.push(one);
    else map.set(key, [one]);
  };
  for (const one of found) {
    if (one.kind === 'handoff') put(notes, one.id, 'handoff', one);
    else {
      top = Math.max(top, one.seq);
      put(claims, one.seq, 'number', one);
      put(said, one.id, 'member', one);
    }
  }
  return { top, claims, said, notes };
}

/** The first of them that can be read. */
function firstOf(list: readonly Found[] | undefined): Found | null {
  return list?.find((one) => one.read() !== null) ?? null;
}
const lastOf = (list: readonly Found[] | undefined): Found | null =>
  list?.findLast((one) => one.read() !== null) ?? null;

/** The birth that owns the number: of the first line that claims it. */
export const birthIn = (view: View, seq: number): Birth | null =>
  (firstOf(view.claims.get(seq))?.read() as SessionRecord | undefined)?.birth ?? null;

/** What the member said last. */
export const lastSaid = (view: View, id: MemberId): SessionRecord | null =>
  (lastOf(view.said.get(id))?.read() as SessionRecord | undefined) ?? null;

/** The highest number that is this member's; null when it has none. */
export function latestOf(view: View, id: MemberId): { seq: number; birth: Birth } | null {
  const numbers = new Set(view.said.get(id)?.map(({ seq }) => seq));
  for (const seq of [...numbers].sort((a, b) => b - a)) {
    const birth = birthIn(view, seq);
    if (birth?.id === id) return { seq, birth };
  }
  return null;
}

/** The presence as the graph tells it; null when the member told none there. */
export function presenceIn(view: View, id: MemberId): SeenPresence | null {
  const record = lastSaid(view, id);
  if (!record?.presence) return null;
  return { presence: record.presence, beat: `${record.seen} ${record.at}`, seenAt: record.seen };
}

/** The note under this id: the last one, unless one was to be the first. */
export function noteIn(view: View, id: string): string | null {
  const list = view.notes.get(id);
  const found = firstOf(list?.filter(({ first }) => first)) ?? lastOf(list);
  return (found?.read() as HandoffRecord | undefined)?.note ?? null;
}

/**
 * Whether what a member said in the graph is no longer what others have to know. What it does now is no reason: that changes at
 * every prompt.
 */
export function isStale(record: SessionRecord | null, now: SeenPresence, beatMs: number): boolean {
  const before = record?.presence;
  if (!before || now.seenAt - record.seen > beatMs) return true;
  const { sessionId, name, worktree, branch, left } = now.presence;
  return (
    before.sessionId !== sessionId ||
    before.name !== name ||
    before.worktree !== worktree ||
    before.branch !== branch ||
    JSON.stringify(before.left) !== JSON.stringify(left)
  );
}
