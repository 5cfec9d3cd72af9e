/**
 * Leadership is a query over the members that are there, so there is no lock to steal and nothing to hand over.
 *
 * Guaranteed: all observers that see the same members name the same master, whatever the order they see them in.
 * Not promised: mutual exclusion. A master learns of its demotion at its next hook; until then two sessions may believe in
 * themselves. The epoch, the master's seq, tells their traces apart.
 */
import { sameDomain } from './liveness.ts';
import type { Member, MemberId } from './member.ts';

export type Role = 'master' | 'worker';

/** Who is there, as one observer sees it at one moment. */
export interface Roster {
  /** Members that are neither gone nor parked, highest seq first, each once. */
  readonly members: readonly Member[];
  readonly master: Member | null;
  /** The master's seq; 0 while there is no master. */
  readonly epoch: number;
  /** False when nobody looked at those that joined before all of these: there may be more members, and none of them is master. */
  readonly whole: boolean;
}

/** What one member is in a roster. */
export interface Standing {
  readonly role: Role;
  readonly epoch: number;
}

/** It said that it leaves, after its latest join. */
export const hasLeft = (member: Member): boolean => (member.presence?.left?.seq ?? 0) >= member.seq;

/** It left on its own, or its process is gone. */
export const isGone = (member: Member): boolean => member.liveness === 'dead' || hasLeft(member);

/**
 * Where a member stands in the order of joins: at its own number, unless its birth names an earlier one. Nobody can name a later one,
 * so a record that was forged cannot outrank its own number.
 */
export const placeOf = ({ seq, birth }: Pick<Member, 'seq' | 'birth'>): number =>
  Math.min(seq, birth.place ?? seq);

const isBefore = (a: Member, b: Member): boolean =>
  placeOf(a) === placeOf(b) ? a.seq < b.seq : placeOf(a) < placeOf(b);

/**
 * Of these live members those whose conversation goes on in a process that joined after them and lives. Only within one domain: no
 * record of another machine parks anybody here.
 */
export function parkedAmong(members: readonly Member[]): Member[] {
  const parking = members.filter(({ birth }) => birth.parks !== undefined);
  if (parking.length === 0) return [];
  return members.filter((member) =>
    parking.some(
      (other) =>
        other.birth.parks === member.birth.id &&
        other.seq > member.seq &&
        sameDomain(other.birth.process.domain, member.birth.process.domain),
    ),
  );
}

/** The live eligible member with the highest place; without one, the live fallback member with the highest place. */
export function elect(members: readonly Member[]): Member | null {
  const best = (candidacy: string): Member | null =>
    members.reduce<Member | null>(
      (top, member) =>
        member.birth.candidacy === candidacy && !isGone(member) && (top === null || isBefore(top, member))
          ? member
          : top,
      null,
    );
  return best('eligible') ?? best('fallback');
}

/** Keeps the latest join of every member: a promotion is nothing but a later join of the same process. */
export function latestJoins<T extends { seq: number; birth: { id: MemberId } }>(joins: readonly T[]): T[] {
  const latest = new Map<MemberId, T>();
  for (const join of joins) {
    const known = latest.get(join.birth.id);
    if (!known || known.seq < join.seq) latest.set(join.birth.id, join);
  }
  return [...latest.values()].sort((a, b) => b.seq - a.seq);
}

/** The roster of any set of joins, in any order, with repetitions. */
export function rosterOf(joins: readonly Member[], whole = true): Roster {
  const live = latestJoins(joins).filter((member) => !isGone(member));
  const parked = parkedAmong(live);
  const members = live.filter((member) => !parked.includes(member));
  const master = elect(members);
  return { members, master, epoch: master?.seq ?? 0, whole };
}

/** The role that this roster gives a member; worker for one that is not in it. */
export const roleOf = (roster: Roster, id: MemberId): Role =>
  roster.master?.birth.id === id ? 'master' : 'worker';

/** The same with the epoch it belongs to. */
export const standingIn = (roster: Roster, id: MemberId): Standing => ({
  role: roleOf(roster, id),
  epoch: roster.epoch,
});
