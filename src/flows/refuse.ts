/** Roles are not guessed around a record that could not be read. Loaded only when there is one. */
import { placeOf } from '../core/election.ts';
import type { Observer } from '../core/liveness.ts';
import type { MemberId } from '../core/member.ts';
import { type Store, unlessRefused } from '../core/store.ts';
import type { Survey } from './survey.ts';

/**
 * Throws the refusal when the birth it hides may be that of the master: its number is higher, or the master is one only for want of
 * another. That nobody stands behind it can be told without reading it: a member has its directory before it has a number, and the
 * directory is called after the process. Of a member in another domain that cannot be asked, so it is not seen meanwhile.
 *
 * Whatever else is hidden changes no role: who is counted, or a presence that may say that a process that lives has left.
 */
export async function refuseToGuess(
  store: Store,
  observer: Observer,
  self: MemberId | null,
  { roster, refused }: Pick<Survey, 'roster' | 'refused'>,
): Promise<void> {
  const unbeaten = roster.master?.birth.candidacy === 'eligible' ? placeOf(roster.master) : 0;
  const birth = refused.find(({ of }) => typeof of === 'number' && of > unbeaten);
  if (!birth) return;
  const known = new Set([self, ...roster.members.map((member) => member.birth.id)]);
  for (const id of await store.memberIds()) {
    if (known.has(id) || !observer.lives(id)) continue;
    const seen = await unlessRefused(store.presence(id));
    if (!seen?.presence.left) throw birth;
  }
}
