/** A session learns its role: in full when it starts, in a line at every prompt, in the middle of a turn only when its role changed. */
import { type Roster, roleOf } from '../core/election.ts';
import { displayName, type JoinCause, type Member, type MemberId } from '../core/member.ts';
import type { Told } from '../core/notebook.ts';
import { digestBatch, isHumanPrompt, keep, promptChars, withoutPasteTags } from '../core/transcript.ts';
import { briefing, changeLine, promptLine, type ShownHandoff } from '../messages/model.ts';
import { enterConversation, type Membership, takePartForCertain, tryAnnounce } from './join.ts';
import { mastersMeanwhile } from './meanwhile.ts';
import { noteIds } from './notes.ts';
import { attempt, type Session } from './session.ts';

/** One of so many starts forgets what ended: every end does, but sessions that are killed have none. */
const tidyingStart = 4;

function toldNow({ self, notebook }: Session, roster: Roster): Told {
  return {
    role: roleOf(roster, self.id),
    epoch: roster.epoch,
    master: roster.master?.birth.id ?? null,
    top: notebook.sight.top,
    names: Object.fromEntries(
      roster.members.slice(0, 100).map((member) => [member.birth.id, displayName(member)]),
    ),
  };
}

const roleChanged = (before: Told, now: Told): boolean =>
  before.role !== now.role || before.epoch !== now.epoch || before.master !== now.master;

/** Another hook of this very occasion is at work: the same hooks are installed twice. */
function isEcho(session: Session, kind: string): boolean {
  const { key } = session.occasion;
  session.echo = key !== '' && !session.notebooks.claim(session.self.id, `${kind}-${key}`);
  return session.echo;
}

/** Of two different hooks that see the same change at the same time, one tells it. */
function mayTell(session: Session): boolean {
  const next = session.notebook.tellings + 1;
  session.notebook = { ...session.notebook, tellings: next };
  return session.notebooks.claim(session.self.id, `told-${next}`);
}

/** What somebody left for a session that is master now. */
interface Inheritance {
  readonly handoff: ShownHandoff | null;
  /** Its author, where that one was master between two tellings of this session and is gone. */
  readonly meanwhile: Member | null;
}

/**
 * The handoff for a session that is master and was not, or not all the time: then only one that a master `since` the last telling
 * left. Loaded only then, since it reads transcripts and asks git.
 */
async function inheritance(
  session: Session,
  membership: Membership,
  since: readonly Member[],
): Promise<Inheritance> {
  const { roster, me } = membership;
  const nothing = { handoff: null, meanwhile: null };
  const was = session.notebook.told?.role === 'master';
  if (roster.master !== me || (was && since.length === 0)) return nothing;
  try {
    const { inherit } = await import('./inherit.ts');
    const handoff = await inherit(session, membership, since);
    if (!handoff) return nothing;
    const meanwhile = since.find(({ birth }) => birth.id === handoff.head.member) ?? null;
    const { conversation } = session.notebook;
    session.notebook = {
      ...session.notebook,
      conversation: { ...conversation, received: handoff.head.id },
    };
    return { handoff, meanwhile };
  } catch (cause) {
    session.report('inherit-failed', cause);
    return nothing;
  }
}

/** What changed since it was told last, and from now on is told; null when that is nothing. */
async function tellChange(
  session: Session,
  membership: Membership,
  before: Told,
  since: readonly Member[],
): Promise<string | null> {
  const { roster } = membership;
  const { handoff, meanwhile } = await inheritance(session, membership, since);
  const handoffAt = handoff?.place;
  const change = changeLine(before, roster, session.self.id, { rolesOnly: false, meanwhile, handoffAt });
  session.notebook = { ...session.notebook, told: toldNow(session, roster) };
  return change;
}

/** Everything a session should know at its start, or at the first chance after a late join. */
export async function brief(session: Session, membership: Membership): Promise<string> {
  const { roster } = membership;
  const { told } = session.notebook;
  const since = told ? await mastersMeanwhile(session, told, roster) : [];
  const { handoff, meanwhile } = await inheritance(session, membership, since);
  let others = 0;
  await attempt(session, 'handoffs-unreadable', async () => {
    others = (await noteIds(session.store)).length - (handoff ? 1 : 0);
  });
  const text = briefing({
    roster,
    self: session.self.id,
    config: session.notebook.config,
    now: session.observer.now,
    handoff,
    otherHandoffs: others,
    change: told && changeLine(told, roster, session.self.id, { rolesOnly: false, meanwhile }),
  });
  session.notebook = { ...session.notebook, told: toldNow(session, roster) };
  return text;
}

/**
 * SessionStart. A join when the process is new; the same member under a perhaps new session id otherwise. Always tells in full:
 * after `/clear` and `/compact` the model has forgotten.
 */
export async function atSessionStart(session: Session, cause: JoinCause): Promise<string | null> {
  if (isEcho(session, 'start')) return null;
  enterConversation(session);
  const membership = await takePartForCertain(session, cause, 'newest');
  await tryAnnounce(session, membership.me.presence);
  const text = await brief(session, membership);
  if (membership.me.seq % tidyingStart === 0)
    await attempt(session, 'tidy-failed', async () => (await import('./tidy.ts')).tidy(session));
  return text;
}

/** The model asks where its session stands: told in full the first time, later in a line, and what changed since. */
export async function atQuestion(session: Session, membership: Membership): Promise<string> {
  const { roster } = membership;
  const before = session.notebook.told;
  if (!before) return brief(session, membership);
  const since = await mastersMeanwhile(session, before, roster);
  const change = await tellChange(session, membership, before, since);
  return [promptLine(roster, session.self.id), change].filter(Boolean).join('\n');
}

/** UserPromptSubmit. The client also submits prompts of its own; only a human's says what the session is doing. */
export async function atPrompt(session: Session, prompt: string): Promise<string | null> {
  if (isEcho(session, 'prompt')) return null;
  const conversation = enterConversation(session);
  const latestPrompt = keep(withoutPasteTags(prompt), promptChars);
  if (isHumanPrompt(prompt) && !conversation.scheduled.includes(latestPrompt)) {
    session.attended ||= session.talks;
    session.notebook = {
      ...session.notebook,
      conversation: {
        ...conversation,
        latestPrompt,
        latestPromptAt: session.observer.now,
        firstPrompt: conversation.firstPrompt || latestPrompt,
      },
    };
  }
  const membership = await takePartForCertain(session, 'late');
  await tryAnnounce(session, membership.me.presence);
  const { roster } = membership;
  const before = session.notebook.told;
  if (!before) return brief(session, membership);

  const line = promptLine(roster, session.self.id);
  const steady = session.notebook.config.prompt === 'always' ? line : null;
  const since = await mastersMeanwhile(session, before, roster);
  if (since.length === 0 && !changeLine(before, roster, session.self.id, { rolesOnly: false })) {
    // A session start in a crowd does not learn all names.
    session.notebook = { ...session.notebook, told: toldNow(session, roster) };
    return steady;
  }
  if (!mayTell(session)) return steady;
  const change = await tellChange(session, membership, before, since);
  return change ? `${line}\n${change}` : steady;
}

/** PostToolBatch. Keeps what the tools did, and speaks only when the role changed since the last telling. */
export async function afterTools(session: Session, calls: readonly unknown[]): Promise<string | null> {
  if (isEcho(session, 'batch')) return null;
  const conversation = enterConversation(session);
  session.notebook = {
    ...session.notebook,
    conversation: { ...conversation, digest: digestBatch(conversation.digest, calls) },
  };
  const membership = await takePartForCertain(session, 'late');
  await tryAnnounce(session, membership.me.presence);
  const { roster } = membership;
  const before = session.notebook.told;
  if (!before) return brief(session, membership);

  const now = toldNow(session, roster);
  if (before.role === now.role || !roleChanged(before, now) || !mayTell(session)) return null;
  const { handoff } = await inheritance(session, membership, []);
  const change = changeLine(before, roster, session.self.id, { rolesOnly: true, handoffAt: handoff?.place });
  // Who else came and went is left for the next prompt; what was told of the masters is not told again.
  const names: Record<MemberId, string> = { ...before.names };
  if (before.master && !(before.master in now.names)) delete names[before.master];
  if (now.master) names[now.master] = now.names[now.master]!;
  session.notebook = { ...session.notebook, told: { ...now, names, top: before.top } };
  return `${promptLine(roster, session.self.id)}\n${change}`;
}
