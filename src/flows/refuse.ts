/** Roles are not guessed around a record that could not be read. Loaded only when there is one. */
import type { Observer } from '../core/liveness.ts';
import type { MemberId } from '../core/member.ts';
import { type Store, unlessRefused } from '../core/store.ts';
import type { Survey } from './survey.ts';

/**
 * Throws the refusal when what it hides may change what somebody is told: a presence may say that its owner left, and behind a
 * birth may stand a session that lives. That there is none can be told without it: a member has its directory before it has a number,
 * and the directory is called after the process. Of a member in another domain that cannot be asked, so it is not seen meanwhile.
 *
 * What `self` wrote itself it knows without reading it.
 */
export async function refuseToGuess(
  store: Store,
  observer: Observer,
  self: MemberId | null,
  { roster, refused }: Pick<Survey, 'roster' | 'refused'>,
): Promise<void> {
  const [presence] = refused.filter(({ of }) => typeof of === 'string' && of !== self);
  if (presence) throw presence;
  const [birth] = refused.filter(({ of }) => typeof of === 'number');
  if (!birth) return;
  const known = new Set([self, ...roster.members.map((member) => member.birth.id)]);
  for (const id of await store.memberIds()) {
    if (known.has(id) || !observer.lives(id)) continue;
    const seen = await unlessRefused(store.presence(id));
    if (!seen?.presence.left) throw birth;
  }
}
