/** A repository was copied, with its state: the copy begins anew. Loaded only then. */

import { latestJoins } from './core/election.ts';
import { isoTime } from './core/iso-time.ts';
import type { Birth, Presence } from './core/member.ts';
import { unlessRefused } from './core/store.ts';
import type { Place } from './io/places.ts';
import { isCopied, markRepository } from './io/repository-mark.ts';
import { fileStore } from './stores/file-store.ts';

const unknown: Presence = {
  version: 1,
  sessionId: '',
  name: '',
  cwd: '',
  worktree: '',
  branch: '',
  doing: '',
  transcript: '',
  left: null,
};

/**
 * Whoever joined in the original has left the copy. Handoffs stay, and numbers go on, so that what is written here from now on comes
 * after them.
 */
export async function partFromOriginal(place: Place): Promise<void> {
  const store = fileStore(place.path);
  const joins: { seq: number; birth: Birth }[] = [];
  for (const seq of (await store.numbers()).above) {
    const birth = await unlessRefused(store.birth(seq));
    if (birth) joins.push({ seq, birth });
  }
  // Another hook may have done it meanwhile, and its session may be among them.
  if (!isCopied(place)) return;
  for (const { seq, birth } of latestJoins(joins)) {
    const presence = (await unlessRefused(store.presence(birth.id)))?.presence ?? unknown;
    const left = { seq, at: isoTime(Date.now()), reason: 'the repository was copied' };
    if ((presence.left?.seq ?? 0) < seq) await store.announce(birth.id, { ...presence, left });
  }
  markRepository(place);
}
