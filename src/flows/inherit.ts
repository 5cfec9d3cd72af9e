/**
 * What the previous master left, for the session that is master now.
 *
 * The previous master is whoever would be master without this session; while nobody else is there, the author of the newest
 * handoff that was written as master. One that ended without a word gets its handoff reconstructed here, from its last
 * checkpoint, the tail of its transcript and git; of several sessions that try, the first one's is kept.
 */
import { hasLeft, rosterOf } from '../core/election.ts';
import { filesIn, handoffId, parseHandoff, renderHandoff, saysSomething } from '../core/handoff.ts';
import type { Member } from '../core/member.ts';
import type { ShownHandoff } from '../messages/model.ts';
import { handoffOf, readOn } from './hand-off.ts';
import type { Membership } from './join.ts';
import { type Note, readNotes, withGit } from './notes.ts';
import type { Session } from './session.ts';

const gitLimitMs = 500;

/** Puts together the handoff of a member that died: null when there is nothing to tell or it exists already. */
async function reconstruct(session: Session, dead: Member): Promise<Note | null> {
  const notebook = session.notebooks.read(dead.birth.id);
  if (!notebook) return null;
  const conversation = readOn(session, notebook.conversation);
  const base = conversation.handoffId || handoffId(dead.seq, conversation.sessionId);
  const id = `${base}.reconstructed`;
  const known = await session.store.handoff(id);
  if (known !== null) return parseHandoff(known, id);
  const worktree = dead.presence?.worktree ?? '';
  const facts = worktree ? await session.git(worktree, gitLimitMs) : null;
  const handoff = handoffOf(
    conversation,
    dead,
    { role: notebook.told?.role ?? 'worker', epoch: notebook.told?.epoch ?? dead.seq },
    { label: 'reconstructed', git: facts, writtenAt: dead.seenAt ?? session.observer.now },
  );
  if (!saysSomething(handoff)) return null;
  const note = renderHandoff(handoff, id, session.notebook.config.handoff.maxChars);
  await session.store.putHandoff(id, note, { first: true, durable: true });
  return parseHandoff((await session.store.handoff(id)) ?? note, id);
}

/** Reconstructs what members that ended without a word left, newest join first, down to the last one that was master. */
async function reconstructDead(session: Session): Promise<void> {
  const { store, notebook } = session;
  for (const seq of notebook.sight.silent) {
    try {
      const birth = await store.birth(seq);
      if (!birth) continue;
      const seen = await store.presence(birth.id);
      const { presence = null, seenAt = null } = seen ?? {};
      const dead: Member = { seq, birth, presence, seenAt, liveness: 'dead' };
      // Its last hook may have been slower than its process.
      if (hasLeft(dead)) continue;
      const note = await reconstruct(session, dead);
      if (note?.head.role === 'master') return;
    } catch (cause) {
      session.report('reconstruct-failed', cause);
    }
  }
}

/** The note to show, or null when nobody left any. */
export async function inherit(session: Session, { roster, me }: Membership): Promise<ShownHandoff | null> {
  await reconstructDead(session);
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
    ...(await withGit(note, (worktree) => session.git(worktree, gitLimitMs))),
    place: session.store.handoffPlace(note.head.id),
    changed: { files: session.changedSince(files, Date.parse(note.head.writtenAt)), of: files.length },
  };
}
