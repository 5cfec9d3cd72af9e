/**
 * A sync is a three-way merge of refs by name: `base` is what the remote had at the last sync, `local` and `theirs` are what both
 * sides have now. Each record has one writer, the clone it was born in, so nothing but a join number can be wanted by two; there
 * the remote decides, since it gave the number to one of them. Pure: it says what is to be done.
 */

import { sameDomain } from '../../core/liveness.ts';
import {
  asBirth,
  asPresence,
  type Birth,
  type Domain,
  type MemberId,
  type Presence,
} from '../../core/member.ts';
import { birthFacts, presenceFacts } from './facts.ts';
import { handoffRefs, memberRefs, seqOf, seqRefs } from './names.ts';
import { footholds } from './numbers.ts';
import type { RecordCommit } from './record.ts';

/** A ref and the record that it names; null for one that cannot be read. */
export interface Entry {
  readonly oid: string;
  readonly record: RecordCommit | null;
  /** When its owner renewed it, milliseconds since 1970. */
  readonly renewedAt: number;
}

/** Refs by their names. */
export type View = ReadonlyMap<string, Entry>;

/** Who merges, and what it can tell of processes. */
export interface Merger {
  readonly clone: string;
  readonly domain: Domain;
  readonly share: 'facts' | 'handoffs';
  /** Start time of the process with that pid in this domain; null when there is none. */
  startOf(pid: number): string | null;
}

/** The number is taken by what is no record: what stands for it is made here. */
export const lost = 'lost';
/** What a local ref is to name. */
export type Oid = string | typeof lost;

/** A change of a local ref. */
export type Step =
  /** It becomes what the remote has. */
  | { readonly kind: 'adopt'; readonly ref: string; readonly oid: Oid; readonly expected: string | null }
  /** The number is not the member's any more: it is whose `oid` it is, or nobody's; `again`: the member needs another one. */
  | {
      readonly kind: 'give-way';
      readonly ref: string;
      readonly seq: number;
      readonly oid: Oid | null;
      readonly expected: string;
      readonly birth: Birth;
      readonly again: boolean;
    };

/** A change of a ref of the remote, which must still be what was expected there; null: it is not there. */
export interface RemoteChange {
  readonly ref: string;
  readonly expected: string | null;
  readonly oid: string | null;
}

/** The same before its object is made. */
export interface Wanted {
  readonly ref: string;
  readonly expected: string | null;
  /** A record to be made, an object that is there, or null: the ref goes. */
  readonly content: RecordCommit | { readonly oid: string } | null;
}

/** Beats alone are sent so often at most: leases are measured in hours. */
const beatEverySeconds = 600;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
const birthIn = (entry: Entry | undefined): Birth | null =>
  entry?.record ? asBirth(parse(entry.record.text)) : null;
const presenceIn = (entry: Entry | undefined): Presence | null =>
  entry?.record ? asPresence(parse(entry.record.text)) : null;

const nameIn = (ref: string, prefix: string): string | null =>
  ref.startsWith(prefix) ? ref.slice(prefix.length) : null;
const numberOf = (ref: string): number | null => {
  const name = nameIn(ref, seqRefs);
  return name === null ? null : seqOf(name);
};
/** The numbers that nobody forgets: see `footholds`. */
const kept = (view: View): ReadonlySet<number> =>
  new Set(footholds([...view.keys()].map((ref) => numberOf(ref) ?? 0).filter(Boolean)));

/** The latest number of each member. */
function latest(view: View): Map<MemberId, number> {
  const numbers = new Map<MemberId, number>();
  for (const [ref, entry] of view) {
    const birth = birthIn(entry);
    const seq = numberOf(ref);
    if (birth && seq !== null) numbers.set(birth.id, Math.max(seq, numbers.get(birth.id) ?? 0));
  }
  return numbers;
}

const isDead = ({ process }: Birth, { domain, startOf }: Merger): boolean => {
  if (!sameDomain(process.domain, domain)) return false;
  const found = startOf(process.pid);
  return found === null || (found !== '' && found !== process.start);
};

/** Nobody needs this join any more: the member joined again, left, or its process ended here. */
function isOver(
  birth: Birth,
  seq: number,
  view: View,
  numbers: Map<MemberId, number>,
  merger: Merger,
): boolean {
  const left = presenceIn(view.get(memberRefs + birth.id))?.left;
  return (numbers.get(birth.id) ?? 0) > seq || (left?.seq ?? 0) >= seq || isDead(birth, merger);
}

/** What of the remote is to be taken over, and who needs another number, in the order in which they are to get it. */
export function planMerge(local: View, base: View, theirs: View, merger: Merger): Step[] {
  const numbers = latest(local);
  const steps: Step[] = [];
  const unforgettable = kept(theirs);
  for (const [ref, entry] of [...theirs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const here = local.get(ref);
    const seq = numberOf(ref);
    // What is not believed takes a number and nothing else.
    if (!entry.record && seq === null) continue;
    if (nameIn(ref, handoffRefs) !== null && merger.share !== 'handoffs') continue;
    const oid: Oid = entry.record ? entry.oid : lost;
    if (!here) {
      // It was taken over once and is not here any more: it was forgotten here.
      const forgotten = base.get(ref)?.oid === oid && !unforgettable.has(seq ?? 0);
      if (!forgotten) steps.push({ kind: 'adopt', ref, oid, expected: null });
      continue;
    }
    const birth = birthIn(here);
    if (here.oid === oid || (oid === lost && !birth)) continue;
    const mine = here.record?.clone === merger.clone;
    if (seq === null) {
      if (!mine) steps.push({ kind: 'adopt', ref, oid, expected: here.oid });
    } else if (!birth) steps.push({ kind: 'adopt', ref, oid, expected: here.oid });
    else if (birthIn(entry)?.id !== birth.id) {
      const again = mine && !isOver(birth, seq, local, numbers, merger);
      steps.push({ kind: 'give-way', ref, seq, oid, expected: here.oid, birth, again });
    } else if (!mine) steps.push({ kind: 'adopt', ref, oid, expected: here.oid });
  }
  const all = [...steps, ...followers(steps, local, theirs, merger)];
  const moves = all.filter((step) => step.kind === 'give-way').sort((a, b) => a.seq - b.seq);
  return [...all.filter((step) => step.kind === 'adopt'), ...moves];
}

/** Who joined here after one that needs another number needs one, too, or it would come before. */
function followers(steps: readonly Step[], local: View, theirs: View, merger: Merger): Step[] {
  const moving = steps.filter((step) => step.kind === 'give-way' && step.again) as { seq: number }[];
  const first = Math.min(...moving.map(({ seq }) => seq));
  const planned = new Set(steps.map(({ ref }) => ref));
  const numbers = latest(local);
  const found: Extract<Step, { kind: 'give-way' }>[] = [];
  for (const [ref, entry] of local) {
    const seq = numberOf(ref);
    const birth = birthIn(entry);
    if (seq === null || seq <= first || planned.has(ref) || !birth || entry.record?.clone !== merger.clone)
      continue;
    if (isOver(birth, seq, local, numbers, merger)) continue;
    const there = theirs.get(ref);
    const oid = there ? (there.record ? there.oid : lost) : null;
    found.push({ kind: 'give-way', ref, seq, oid, expected: entry.oid, birth, again: true });
  }
  return found;
}

/** What is to be changed on the remote so that it knows what this clone knows. */
export function planPush(local: View, base: View, theirs: View, merger: Merger): Wanted[] {
  const numbers = latest(local);
  const wanted: Wanted[] = [];
  const isMine = (entry: Entry | undefined): boolean => entry?.record?.clone === merger.clone;
  const send = (ref: string, content: RecordCommit): void => {
    wanted.push({ ref, expected: theirs.get(ref)?.oid ?? null, content });
  };
  const known = new Set<MemberId>();
  for (const [ref, entry] of theirs) if (numberOf(ref) !== null) known.add(birthIn(entry)?.id ?? '');

  const unforgettable = kept(local);
  for (const [ref, entry] of local) {
    const seq = numberOf(ref);
    if (seq === null || theirs.has(ref)) continue;
    const birth = birthIn(entry);
    const mine = isMine(entry);
    // The highest number goes there whoever has it: a remote that lost its refs must not give numbers a second time. So do those
    // without which others would not believe the highest.
    if (!unforgettable.has(seq) && !(mine && birth && !isOver(birth, seq, local, numbers, merger))) continue;
    if (mine && birth) {
      send(ref, { ...entry.record!, text: JSON.stringify(birthFacts(birth)) });
      known.add(birth.id);
    } else wanted.push({ ref, expected: null, content: { oid: entry.oid } });
  }

  for (const [ref, entry] of local) {
    const id = nameIn(ref, memberRefs);
    const presence = presenceIn(entry);
    if (id === null || !presence || !isMine(entry) || !known.has(id)) continue;
    const text = JSON.stringify(presenceFacts(presence, leftOf(id, presence, entry, local, numbers, merger)));
    const at = Math.floor(entry.renewedAt / 1000);
    const there = theirs.get(ref);
    const steady = there?.record?.text === text && isMine(there);
    if (steady && Math.abs(there.record!.at - at) < beatEverySeconds) continue;
    send(ref, { subject: `presence of ${id}`, text, clone: merger.clone, at });
  }

  for (const [ref, entry] of local) {
    if (nameIn(ref, handoffRefs) === null || !entry.record || !isMine(entry)) continue;
    if (merger.share !== 'handoffs' || theirs.get(ref)?.record?.text === entry.record.text) continue;
    send(ref, entry.record);
  }

  // What was forgotten here goes there too; a handoff only when it is ours, and then also when it is not to be shared any more.
  const needed = kept(theirs);
  for (const [ref, entry] of theirs) {
    if (needed.has(numberOf(ref) ?? 0)) continue;
    const forgotten = !local.has(ref) && base.get(ref)?.oid === entry.oid;
    const handoff = nameIn(ref, handoffRefs) !== null;
    const private_ = handoff && isMine(entry) && merger.share !== 'handoffs';
    if (private_ || (forgotten && (!handoff || isMine(entry))))
      wanted.push({ ref, expected: entry.oid, content: null });
  }
  return wanted;
}

/** Other machines cannot see that a process ended: here it is known, so it is told as a leaving. */
function leftOf(
  id: MemberId,
  presence: Presence,
  entry: Entry,
  local: View,
  numbers: Map<MemberId, number>,
  merger: Merger,
): Presence['left'] {
  const seq = numbers.get(id) ?? 0;
  const birth = birthIn(local.get(seqRefs + String(seq).padStart(12, '0')));
  if (!birth || (presence.left?.seq ?? 0) >= seq || !isDead(birth, merger)) return presence.left;
  return { seq, at: new Date(entry.renewedAt).toISOString(), reason: 'died' };
}
