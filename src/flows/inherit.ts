/**
 * What the previous master left, for the session that is master now.
 *
 * The previous master is whoever would be master without this session; while nobody else is there, the author of the newest
 * handoff that was written as master. One that ended without a word gets its handoff reconstructed first.
 */
import { rosterOf } from '../core/election.ts';
import { filesIn } from '../core/handoff.ts';
import type { ShownHandoff } from '../messages/model.ts';
import type { Membership } from './join.ts';
import { type Note, readNotes, withGit } from './notes.ts';
import type { Session } from './session.ts';

/** The note to show, or null when nobody left any. */
export async function inherit(session: Session, { roster, me }: Membership): Promise<ShownHandoff | null> {
  if (session.notebook.sight.silent.length > 0) {
    const { reconstructDead } = await import('./reconstruct.ts');
    await reconstructDead(session);
  }
  const predecessor = rosterOf(roster.members.filter((member) => member !== me)).master;
  const notes = (await readNotes(session.store)).filter(({ head }) => head.member !== session.self.id);
  const chosen =
    notes.find(({ head }) => head.member === predecessor?.birth.id) ??
    notes.find(({ head }) => head.role === 'master');
  // Its own conversation, taken up again: the model has it already.
  const { sessionId } = session.occasion;
  if (!chosen || (sessionId !== '' && chosen.head.sessionId === sessionId)) return null;
  return asShown(session, chosen);
}

/** The note with what has changed since it was written. */
export async function asShown(session: Session, note: Note): Promise<ShownHandoff> {
  const files = filesIn(note.body);
  return {
    ...(await withGit(note, (worktree) => session.git(worktree))),
    place: session.store.handoffPlace(note.head.id),
    changed: { files: session.changedSince(files, Date.parse(note.head.writtenAt)), of: files.length },
  };
}
