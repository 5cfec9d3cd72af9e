/** Promotion is nothing but a new join of a member that is there; standing back is a new join that declines. There is no second mechanism. */
import type { Member } from '../core/member.ts';
import type { Store } from '../core/store.ts';

/** Gives the member a fresh number: the highest, so that it is master if it stands. Returns the number. */
export const promote = (store: Store, member: Member, now: Date): Promise<number> =>
  rejoin(store, member, 'promote', 'eligible', now);

/** The member stands no longer for master until it is promoted. Returns its new number. */
export const yieldMastership = (store: Store, member: Member, now: Date): Promise<number> =>
  rejoin(store, member, 'yield', 'declined', now);

function rejoin(
  store: Store,
  { birth, seq }: Member,
  cause: 'promote' | 'yield',
  candidacy: 'eligible' | 'declined',
  now: Date,
): Promise<number> {
  const { place: _, ...rest } = birth;
  return store.join({ ...rest, cause, candidacy, joinedAt: now.toISOString() }, seq);
}
