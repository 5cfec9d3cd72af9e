/**
 * What the previous master left, for the session that is master now. One that ended without a word gets its handoff reconstructed
 * first.
 *
 * Without this session somebody else would be master: whoever joined before that one is not the previous master, and of all others
 * the one that wrote as master last is. That one is gone, or it is the session that this one took the role from by joining, or
 * the one that stood back. Only where none of them left anything, an earlier master's handoff is shown.
 *
 * An unattended session is master only for want of an attended one, and its work is nobody's that sits here: what it left is
 * inherited only where no attended master left anything.
 */
import { rosterOf } from '../core/election.ts';
import { filesIn } from '../core/handoff.ts';
import type { Member, MemberId } from '../core/member.ts';
import type { ShownHandoff } from '../messages/model.ts';
import type { Membership } from './join.ts';
import { isCredible, type Note, readNotes, withGit } from './notes.ts';
import type { Session } from './session.ts';

/** The note to show, or null when nobody left any. With `since`, one of those: masters that came and went meanwhile. */
export async function inherit(
  session: Session,
  { roster, me }: Membership,
  since: readonly Member[] = [],
): Promise<ShownHandoff | null> {
  if (session.notebook.sight.silent.length > 0) {
    const { reconstructDead } = await import('./reconstruct.ts');
    await reconstructDead(session);
  }
  const notes = (await readNotes(session.store, session.observer.now)).filter(
    (note) => note.head.member !== session.self.id && isCredible(note),
  );
  if (since.length > 0) {
    const note = notes.find(({ head }) => since.some(({ birth }) => birth.id === head.member));
    return note ? asShown(session, note) : null;
  }
  const former = session.notebook.told?.master ?? null;
  const others = roster.members.filter((member) => member !== me);
  const attended = lastMasters(
    notes.filter(({ head }) => head.attended),
    others.filter(({ birth }) => birth.attended),
    former,
  );
  const { previous, chosen } = attended.chosen ? attended : lastMasters(notes, others, former);
  if (!chosen || isKnown(session, chosen)) return null;
  return { ...(await asShown(session, chosen)), earlier: chosen !== previous };
}

/** How far apart the end of a turn and the last response in it may be, with what runs at the end of turns. */
const turnEndMs = 5000;

/** It is of this very conversation, taken up again or forked: the model has it already. Not what the other one did since. */
function isKnown({ occasion, notebook }: Session, { head }: Note): boolean {
  const { sessionId, lastResponseAt } = occasion;
  if (sessionId !== '' && head.sessionId === sessionId) return true;
  const { origin } = notebook.conversation;
  if (origin) return head.sessionId === origin.sessionId && head.saidAt <= origin.at;
  // Nothing names the conversation that a fork continues; but its last response is known to the second.
  return lastResponseAt > 0 && head.saidAt > 0 && Math.abs(head.saidAt - lastResponseAt) < turnEndMs;
}

/** Of these notes the one of who was master last, and the one to show where that one left none. */
function lastMasters(
  notes: readonly Note[],
  others: readonly Member[],
  former: MemberId | null,
): { previous: Note | undefined; chosen: Note | undefined } {
  const predecessor = rosterOf(others).master;
  const previous =
    notes.find(({ head }) => head.member === former || isOfMaster(head, predecessor?.seq)) ??
    notes.find(({ head }) => head.member === predecessor?.birth.id);
  return { previous, chosen: previous ?? notes.find(({ head }) => isOfMaster(head)) };
}

const isOfMaster = ({ role, seq }: Note['head'], from = 0): boolean => role === 'master' && seq >= from;

/** The note with what has changed since it was written. */
export async function asShown(session: Session, note: Note): Promise<ShownHandoff> {
  const { writtenAt, worktree } = note.head;
  const written = Math.min(Date.parse(writtenAt), session.observer.now);
  return {
    ...(await withGit(note, (worktree) => session.git(worktree))),
    place: session.store.handoffPlace(note.head.id),
    changed: session.changedSince(filesIn(note.body), written, note.origin ? '' : worktree),
  };
}
