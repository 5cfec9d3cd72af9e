/** Who came and went between two tellings. */
import type { Roster } from '../core/election.ts';
import type { Member } from '../core/member.ts';
import type { Told } from '../core/notebook.ts';
import { unlessRefused } from '../core/store.ts';
import type { Session } from './session.ts';

/** Of more the newest. */
const most = 20;

/**
 * Members that joined after the last telling and are gone, of which a session that was master then and is master now has heard
 * nothing: while they were there, one of them was master. Newest first. Where nobody joined nothing is read.
 */
export async function mastersMeanwhile(session: Session, before: Told, roster: Roster): Promise<Member[]> {
  const { store, notebook, self } = session;
  if (before.master !== self.id || roster.master?.birth.id !== self.id) return [];
  const here = new Set(roster.members.map(({ birth }) => birth.id));
  const found = new Map<string, Member>();
  const { top } = notebook.sight;
  for (let seq = top; seq > Math.max(before.top, roster.epoch, top - most); seq--) {
    const birth = await unlessRefused(store.birth(seq));
    if (birth?.candidacy !== 'eligible' || here.has(birth.id) || found.has(birth.id)) continue;
    const seen = await unlessRefused(store.presence(birth.id));
    const { presence = null, seenAt = null } = seen ?? {};
    found.set(birth.id, { seq, birth, presence, seenAt, liveness: 'dead' });
  }
  return [...found.values()];
}
