/** Looks at the store and says who is there. */
import { isGone, latestJoins, type Roster, rosterOf } from '../core/election.ts';
import { judge, type Lease, type Observer } from '../core/liveness.ts';
import type { Birth, Member, MemberId } from '../core/member.ts';
import { blankSight, type Sight } from '../core/notebook.ts';
import { type RefusedError, type Store, unlessRefused } from '../core/store.ts';

/** The result of one look at the store. */
export interface Survey {
  readonly roster: Roster;
  /** Members that were looked at and are gone: all of them at the first look, later only those that went since. */
  readonly gone: readonly Member[];
  /** Records that the system did not let be read, of members that may live: see `refuseToGuess`. */
  readonly refused: readonly RefusedError[];
  /** For the next look. */
  readonly sight: Sight;
}

/**
 * Reads the births that are new since the last look and those that may still matter, and judges each member.
 *
 * Dead is final: a process that ended never lives again under the same key. So what was found dead is never read again, and a
 * look costs what is alive, not what has ever been. A member that a lease declared dead may come back and stays watched; so
 * does a number whose record could not be read, since it may be on its way. Only when a member arrives with a low number that
 * it had in another store or on another machine, everything is looked at again.
 */
export async function survey(store: Store, observer: Observer, before: Sight): Promise<Survey> {
  const taken = await store.numbers(before.top);
  if (before.top > 0 && taken.total - taken.above.length > before.known)
    return survey(store, observer, { ...blankSight, leases: before.leases });
  const joins: { seq: number; birth: Birth }[] = [];
  const unread: number[] = [];
  const refused: RefusedError[] = [];
  for (const seq of [...before.watched, ...taken.above]) {
    const birth = await unlessRefused(store.birth(seq), (refusal) => refused.push(refusal));
    if (birth) joins.push({ seq, birth });
    else unread.push(seq);
  }
  const members: Member[] = [];
  const leases: Record<MemberId, Lease> = {};
  for (const { seq, birth } of latestJoins(joins)) {
    let refusal: RefusedError | undefined;
    const seen = await unlessRefused(store.presence(birth.id), (it) => {
      refusal = it;
    });
    const known = before.leases[birth.id];
    // A beat that could not be seen is not a new one: nobody comes back from the dead for it.
    const beat = refusal && known ? { beat: known.beat, seenAt: Date.parse(birth.joinedAt) } : seen;
    const { liveness, lease } = judge(birth, beat, known, observer);
    if (lease) leases[birth.id] = lease;
    if (refusal && liveness !== 'dead') refused.push(refusal);
    members.push({ seq, birth, presence: seen?.presence ?? null, seenAt: seen?.seenAt ?? null, liveness });
  }
  const roster = rosterOf(members);
  const leased = members.filter((member) => leases[member.birth.id] && !roster.members.includes(member));
  return {
    roster,
    gone: members.filter(isGone),
    refused,
    sight: {
      top: taken.above.at(-1) ?? before.top,
      known: taken.total,
      watched: [...new Set([...[...roster.members, ...leased].map((member) => member.seq), ...unread])],
      leases,
    },
  };
}
