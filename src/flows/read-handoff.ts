/** The model looks up what another session left behind. */
import type { HandoffHead } from '../core/handoff.ts';
import type { ShownHandoff } from '../messages/model.ts';
import { asShown, inherit } from './inherit.ts';
import type { Membership } from './join.ts';
import { newestOf, readNotes } from './notes.ts';
import type { Session } from './session.ts';

/** The handoff that was asked for, and all the others there are. */
export interface Found {
  /** Null when there is none, or none with that id. */
  readonly shown: ShownHandoff | null;
  readonly others: readonly HandoffHead[];
}

/**
 * The handoff with that id; without one, what the previous master left, else that of another session, see `newestOf`. What a member that
 * ended without a word left is put together first. A session that does not take part may read too.
 */
export async function readHandoff(
  session: Session,
  membership: Membership | null,
  id: string | undefined,
): Promise<Found> {
  const inherited = membership && (await inherit(session, membership));
  const notes = await readNotes(session.store, session.observer.now);
  const ofOthers = notes.filter(({ head }) => head.member !== session.self.id);
  const wanted = id ?? inherited?.head.id;
  const chosen = wanted
    ? notes.find(({ head }) => head.id === wanted || head.id === `${wanted}.reconstructed`)
    : newestOf(ofOthers);
  const others = notes.filter((note) => note !== chosen).map(({ head }) => head);
  if (!chosen) return { shown: null, others };
  const { conversation } = session.notebook;
  session.notebook = { ...session.notebook, conversation: { ...conversation, received: chosen.head.id } };
  return { shown: await asShown(session, chosen), others };
}
