/** The end of a conversation, and mostly of its process. */
import { isoTime } from '../core/iso-time.ts';
import { oneLine } from '../core/quote.ts';
import { closeConversation } from './hand-off.ts';
import { announce } from './join.ts';
import { attempt, type Session } from './session.ts';
import { survey } from './survey.ts';

/** After these the process goes on with another conversation. */
const livesOn: readonly string[] = ['clear', 'resume'];

/**
 * SessionEnd. Closes the handoff; the member leaves unless its process lives on. A process that never joined does not join to
 * leave.
 */
export async function atSessionEnd(session: Session, reason: string): Promise<void> {
  const { store, self, observer } = session;
  const { roster, parked, sight } = await survey(store, observer, session.notebook.sight);
  const me = [...roster.members, ...parked].find((member) => member.birth.id === self.id);
  if (!me) return;
  await closeConversation(session, me, roster);
  if (livesOn.includes(reason)) return;
  const left = {
    seq: me.seq,
    at: isoTime(observer.now),
    reason: oneLine(reason, 80) || 'unknown',
  };
  // One that cannot be read is written anew: without it nobody would know of the leaving.
  if (!me.presence) await announce(session, null);
  const presence = me.presence ?? (await store.presence(self.id))?.presence;
  if (presence) await store.announce(self.id, { ...presence, left });
  session.notebook = { ...session.notebook, sight, join: null };
  await attempt(session, 'tidy-failed', async () => (await import('./tidy.ts')).tidy(session));
}
