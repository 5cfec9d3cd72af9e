/**
 * What the records of a memory graph amount to. Pure: everything follows from the lines and their order, so all who read the
 * same file see the same members, whoever wrote or dropped what.
 *
 * The first line that claims a number owns it. Appending is atomic and the server keeps the order of entities when it rewrites
 * the file, so a claim that was read as the first stays the first until it is dropped.
 */
import type { Birth, MemberId, SeenPresence } from '../../core/member.ts';
import type { Found, HandoffRecord, SessionRecord } from './records.ts';

/** One reader's view of one state of the file. */
export interface View {
  /** The highest number that any line claims, whether or not it is forgotten: numbers go on above it. */
  readonly top: number;
  readonly births: ReadonlyMap<number, Birth>;
  /** Of each member the last it said. */
  readonly said: ReadonlyMap<MemberId, SessionRecord>;
  readonly notes: ReadonlyMap<string, HandoffRecord>;
  readonly prints: ReadonlySet<string>;
}

/** What this reader does not look at any more; a part of a record, since a member may be forgotten and its number kept. */
export type Part = 'number' | 'member' | 'handoff';

/** The name of one part of one record among those that are forgotten. */
export const forgettingOf = (part: Part, { print }: Found): string => `${part} ${print}`;

/** The view of these records, in the order of their lines. What is forgotten counts only for the highest number. */
export function viewOf(found: readonly Found[], forgotten: ReadonlySet<string>): View {
  let top = 0;
  const births = new Map<number, Birth>();
  const said = new Map<MemberId, SessionRecord>();
  const notes = new Map<string, HandoffRecord>();
  const kept = (part: Part, one: Found): boolean =>
    forgotten.size === 0 || !forgotten.has(forgettingOf(part, one));
  for (const one of found) {
    const { record } = one;
    if (record.kind === 'handoff') {
      if (kept('handoff', one) && !notes.get(record.id)?.first) notes.set(record.id, record);
      continue;
    }
    const { seq, birth } = record;
    top = Math.max(top, seq);
    if (kept('number', one) && !births.has(seq)) births.set(seq, birth);
    if (kept('member', one)) said.set(birth.id, record);
  }
  return { top, births, said, notes, prints: new Set(found.map(({ print }) => print)) };
}

/** The highest number that is this member's; null when it has none. */
export function latestOf(view: View, id: MemberId): { seq: number; birth: Birth } | null {
  let latest: { seq: number; birth: Birth } | null = null;
  for (const [seq, birth] of view.births)
    if (birth.id === id && seq > (latest?.seq ?? 0)) latest = { seq, birth };
  return latest;
}

/** The presence as the graph tells it; null when the member told none there. */
export function presenceIn(view: View, id: MemberId): SeenPresence | null {
  const record = view.said.get(id);
  if (!record?.presence) return null;
  return { presence: record.presence, beat: `${record.seen} ${record.at}`, seenAt: record.seen };
}

/** Whether what a member said in the graph is no longer what others have to know. What it does now is no reason: that changes at every prompt. */
export function isStale(record: SessionRecord | undefined, now: SeenPresence, beatMs: number): boolean {
  const before = record?.presence;
  if (!record || !before || now.seenAt - record.seen > beatMs) return true;
  const { sessionId, name, worktree, branch, left } = now.presence;
  return (
    before.sessionId !== sessionId ||
    before.name !== name ||
    before.worktree !== worktree ||
    before.branch !== branch ||
    JSON.stringify(before.left) !== JSON.stringify(left)
  );
}
