/** A session leaves behind what it did: at every stop a checkpoint, at its end the closed handoff. */
import { type Roster, type Standing, standingIn } from '../core/election.ts';
import type { GitFacts } from '../core/git-facts.ts';
import {
  type Handoff,
  type HandoffLabel,
  handoffId,
  type OwnWords,
  parseHandoff,
  renderHandoff,
  saysSomething,
  withoutRelayed,
} from '../core/handoff.ts';
import { isoTime } from '../core/iso-time.ts';
import { displayName, type Member } from '../core/member.ts';
import type { Conversation } from '../core/notebook.ts';
import { digest, keep, promptChars } from '../core/transcript.ts';
import { enterConversation, holdPlace, type Membership, tryAnnounce } from './join.ts';
import { idsBeyond } from './notes.ts';
import { attempt, type Session } from './session.ts';

const saidChars = 4000;
const summaryChars = 4000;
const wordsChars = 1500;
const mostQuestions = 6;
const mostScheduled = 20;

/** The handoff that a conversation amounts to. */
export function handoffOf(
  conversation: Conversation,
  member: Member,
  { role, epoch }: Standing,
  extra: { label: HandoffLabel; git: GitFacts | null; worktree: string; writtenAt: number },
): Handoff {
  const { digest } = conversation;
  return {
    label: extra.label,
    member: member.birth.id,
    name: displayName(member),
    role,
    attended: member.birth.attended,
    seq: member.seq,
    epoch,
    sessionId: conversation.sessionId,
    joinedAt: member.birth.joinedAt,
    writtenAt: isoTime(extra.writtenAt),
    firstPrompt: conversation.firstPrompt || digest.firstPrompt,
    latestPrompt: conversation.latestPrompt,
    said: conversation.said || digest.lastSaid,
    saidAt: conversation.saidAt,
    words: conversation.words,
    asked: digest.asked.map((question) => question.text),
    todos: digest.todos,
    files: digest.files,
    commands: digest.commands,
    git: extra.git,
    worktree: extra.worktree,
    summary: conversation.summary,
    transcript: conversation.read.path,
  };
}

/**
 * Reads on in the transcript, from where the last hook stopped. Of a prompt that was answered without Node nobody knows but the
 * transcript; but the client writes it late, so what is new in there may well be older than the prompt that a hook was told. Where it
 * does not say when, what is new counts for newer.
 */
export function readOn(session: Session, conversation: Conversation): Conversation {
  const { path, offset } = conversation.read;
  if (!path) return conversation;
  const tail = session.readTail(path, offset);
  const before = conversation.digest;
  const read = digest(before, tail.text);
  const { latestPrompt, latestPromptAt } = read;
  const isNewer = latestPromptAt
    ? latestPromptAt > conversation.latestPromptAt
    : latestPrompt !== before.latestPrompt;
  return {
    ...conversation,
    ...(isNewer ? { latestPrompt, latestPromptAt } : {}),
    digest: read,
    read: { path, offset: tail.offset },
  };
}

/**
 * A stop says what git's files say: starting git would cost every turn a seventh of a Node start, and what is changed and staged
 * is better asked when somebody reads the checkpoint. At the end git itself is asked, since afterwards nobody can.
 */
async function askGit(session: Session, label: HandoffLabel): Promise<GitFacts> {
  const asked = label === 'complete' ? await session.git(session.worktree) : null;
  const { branch, commit } = session.head();
  return asked ?? { branch, head: commit, dirty: null, staged: null };
}

async function write(session: Session, me: Member, standing: Standing, label: HandoffLabel): Promise<void> {
  const { conversation } = session.notebook;
  const id = conversation.handoffId || handoffId(me.seq, conversation.sessionId);
  session.notebook = { ...session.notebook, conversation: { ...conversation, handoffId: id } };
  const handoff = handoffOf(conversation, me, standing, {
    label,
    git: await askGit(session, label),
    worktree: session.worktree,
    writtenAt: session.observer.now,
  });
  if (!saysSomething(handoff)) return;
  const { maxChars, keep: count } = session.notebook.config.handoff;
  const durable = label === 'complete';
  await session.store.putHandoff(id, renderHandoff(handoff, id, maxChars), { durable });
  if (!conversation.handoffId) await retire(session, count);
}

/** Keeps the newest handoffs. */
async function retire({ store }: Session, count: number): Promise<void> {
  for (const id of await idsBeyond(store, count)) await store.dropHandoff(id);
}

function takeNote(session: Session): void {
  const conversation = readOn(session, session.notebook.conversation);
  session.notebook = { ...session.notebook, conversation };
}

/** Text without what it repeats of the handoff that was shown in this conversation. */
async function own(session: Session, text: string): Promise<string> {
  const { received } = session.notebook.conversation;
  const note = received ? await session.store.handoff(received) : null;
  return note ? withoutRelayed(text, parseHandoff(note, received)?.body ?? '') : text;
}

/** Stop. Prints nothing ever: text at a stop would continue the turn. */
export async function atStop(
  session: Session,
  lastMessage: string,
  scheduled: readonly string[] = [],
): Promise<void> {
  const conversation = enterConversation(session);
  const said = lastMessage ? keep(await own(session, lastMessage), saidChars) : conversation.said;
  session.notebook = {
    ...session.notebook,
    conversation: {
      ...conversation,
      said,
      saidAt: session.observer.now,
      scheduled: scheduled.slice(-mostScheduled).map((prompt) => keep(prompt, promptChars)),
    },
  };
  const { me, ...standing } = await holdPlace(session);
  takeNote(session);
  await tryAnnounce(session, me.presence);
  await write(session, me, standing, 'checkpoint');
}

/** The session says itself what the next one should know. Later checkpoints keep it; writing again replaces it. */
export async function inOwnWords(
  session: Session,
  { me, roster }: Membership,
  words: OwnWords,
): Promise<string> {
  const said = async (text: string): Promise<string> => keep(await own(session, text), wordsChars);
  const questions: string[] = [];
  for (const question of words.questions.slice(0, mostQuestions)) questions.push(await said(question));
  const { conversation } = session.notebook;
  session.notebook = {
    ...session.notebook,
    conversation: {
      ...conversation,
      words: {
        goal: await said(words.goal),
        done: await said(words.done),
        next: await said(words.next),
        questions: questions.filter(Boolean),
      },
    },
  };
  await write(session, me, standingIn(roster, session.self.id), 'checkpoint');
  return session.notebook.conversation.handoffId;
}

/** PostCompact. The client's own summary is worth keeping: it is what the model itself found important. */
export async function afterCompaction(session: Session, summary: string): Promise<void> {
  const conversation = enterConversation(session);
  session.notebook = {
    ...session.notebook,
    conversation: { ...conversation, summary: keep(await own(session, summary), summaryChars) },
  };
  const { me } = await holdPlace(session);
  await tryAnnounce(session, me.presence);
}

/** SessionEnd after which the process lives on with another conversation: this one is closed, the member stays. */
export async function closeConversation(session: Session, me: Member, roster: Roster): Promise<void> {
  enterConversation(session);
  await attempt(session, 'handoff-failed', async () => {
    takeNote(session);
    await write(session, me, standingIn(roster, session.self.id), 'complete');
  });
}
