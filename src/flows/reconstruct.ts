/**
 * The handoff of a member that ended without a word: from its last checkpoint, the tail of its transcript and git. Of several
 * sessions that try, the first one's is kept. Loaded only when there is such a member.
 */
import { hasLeft } from '../core/election.ts';
import { handoffId, parseHandoff, renderHandoff, saysSomething } from '../core/handoff.ts';
import type { Member } from '../core/member.ts';
import type { Notebook } from '../core/notebook.ts';
import { handoffOf, readOn } from './hand-off.ts';
import type { Note } from './notes.ts';
import type { Session } from './session.ts';

/** Puts together the handoff of a member that died: null when there is nothing to tell or it exists already. */
async function reconstruct(session: Session, found: Member): Promise<Note | null> {
  const notebook = session.notebooks.read(found.birth.id);
  if (!notebook) return null;
  // Its last hook may have been slower than its process; and of a leaving that a power cut took it remembers that it has no join.
  if (hasLeft(found) || notebook.join === null) return null;
  const dead: Member = { ...found, presence: found.presence ?? notebook.presence };
  const conversation = readOn(session, notebook.conversation);
  const base = conversation.handoffId || handoffId(dead.seq, conversation.sessionId);
  const id = `${base}.reconstructed`;
  const known = await session.store.handoff(id);
  if (known !== null) return parseHandoff(known, id);
  const worktree = dead.presence?.worktree ?? '';
  const facts = worktree ? await session.git(worktree) : null;
  const handoff = handoffOf(
    conversation,
    dead,
    { role: notebook.told?.role ?? 'worker', epoch: notebook.told?.epoch ?? dead.seq },
    {
      label: 'reconstructed',
      git: facts,
      worktree,
      writtenAt: dead.seenAt ?? lastHook(notebook) ?? session.observer.now,
    },
  );
  if (!saysSomething(handoff)) return null;
  const note = renderHandoff(handoff, id, session.notebook.config.handoff.maxChars);
  await session.store.putHandoff(id, note, { first: true, durable: true });
  return parseHandoff((await session.store.handoff(id)) ?? note, id);
}

/** When its last hook wrote; null when it does not say. */
function lastHook({ receipts }: Notebook): number | null {
  const times = Object.values(receipts).map(({ at }) => Date.parse(at) || 0);
  return Math.max(0, ...times) || null;
}

/**
 * Reconstructs what members that ended without a word left, newest join first, down to the last attended one that was master. They are
 * forgotten then: nobody has to look into them again, except into one that could not be read.
 */
export async function reconstructDead(session: Session): Promise<void> {
  const { store, notebook } = session;
  const { sight } = notebook;
  const again: number[] = [];
  for (const seq of sight.silent) {
    try {
      const birth = await store.birth(seq);
      if (!birth) continue;
      const seen = await store.presence(birth.id);
      const { presence = null, seenAt = null } = seen ?? {};
      const note = await reconstruct(session, { seq, birth, presence, seenAt, liveness: 'dead' });
      if (note?.head.role === 'master' && note.head.attended) break;
    } catch (cause) {
      session.report('reconstruct-failed', cause);
      again.push(seq);
    }
  }
  session.notebook = { ...notebook, sight: { ...sight, silent: again } };
}
