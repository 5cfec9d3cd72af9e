/** A process becomes a member, stays one, or finds that it is one already. */
import type { Config } from '../core/config.ts';
import { placeOf, type Roster, type Standing, standingIn } from '../core/election.ts';
import { isoTime } from '../core/iso-time.ts';
import type { Birth, Candidacy, JoinCause, Member, MemberId, Presence } from '../core/member.ts';
import {
  type Conversation,
  type Join,
  type Notebook,
  newConversation,
  type Sight,
} from '../core/notebook.ts';
import { oneLine } from '../core/quote.ts';
import { redact } from '../core/redact.ts';
import { type Taken, unlessRefused } from '../core/store.ts';
import { attempt, type Session } from './session.ts';
import { type Survey, survey } from './survey.ts';

/** This session among the others. */
export interface Membership {
  readonly roster: Roster;
  /** This session's own line of the roster. */
  readonly me: Member;
  /** What could not be read meanwhile; see `beCertain`. */
  readonly refused: Survey['refused'];
}

const candidacyOf = (session: Session, config: Config): Candidacy => {
  if (session.declines) return 'declined';
  return session.attended || config.unattended === 'eligible' ? 'eligible' : 'fallback';
};

/**
 * The roster with this process in it. Joins if the process is not a live member yet: at its session start, after it had left, or
 * late, at the first hook that is seen of it. Never joins twice: the key is the process, so `/clear`, `/compact` and a resume
 * within the process find it in the roster. A join that the store lost, or that was filed in another store, is filed again
 * under its number.
 *
 * One that was unattended and is talked to joins again as an attended one. One whose conversation moved to another process is parked and
 * in no roster: a hook of its own means that it has a new one, so it joins anew.
 *
 * A newcomer that needs its role, and of the others only the newest, says so: see `survey` for what it is spared.
 */
export async function takePart(
  session: Session,
  cause: JoinCause,
  look: 'all' | 'newest' = 'all',
): Promise<Membership> {
  const { store, self, observer } = session;
  const find = (roster: Roster): Member | undefined =>
    roster.members.find((member) => member.birth.id === self.id);
  const again = ({ sight, roster, refused, unseen }: Survey, taken?: Taken): Promise<Survey> => {
    const unsure = new Set(refused.map(({ of }) => of));
    const justSeen = roster.members.filter(({ birth }) => !unsure.has(birth.id));
    return survey(store, observer, sight, { justSeen, unseen, ...(taken ? { taken } : {}) });
  };
  // One that moved to another store meanwhile has seen the numbers of that one.
  const recall = (id: MemberId): Sight | null => {
    const other = session.notebooks.seenBy(id);
    return other?.store === session.notebook.store ? other.sight : null;
  };
  const unseen = look === 'newest' && !session.occasion.parks && (await isNew(session)) ? 'crowd' : 0;
  let seen = await survey(store, observer, session.notebook.sight, { recall, unseen });
  let me = find(seen.roster);
  const { join } = session.notebook;
  if (join && (me?.seq ?? 0) < join.seq) {
    await announce(session, null);
    if (await store.refile(join.birth, join.seq)) seen = await again(seen);
    me = find(seen.roster);
  }
  if (!me || (session.attended && !me.birth.attended)) {
    const birth = me ? attendedFrom(session, me) : birthOf(session, cause, seen.roster);
    if (!me) await announce(session, null);
    const { top, sum } = seen.sight;
    const seq = await store.join(birth, Math.max(session.floor, top), { listed: true });
    // With the next number nobody came in between.
    seen = await again(seen, seq === top + 1 ? { above: [seq], below: sum } : undefined);
    me = find(seen.roster);
  }
  if (!me) throw new Error('the join was filed and is not in the roster');
  const { roster, refused } = seen;
  const certain = refused.length === 0;
  session.notebook = {
    ...session.notebook,
    sight: seen.sight,
    standing: certain ? standingIn(roster, self.id) : session.notebook.standing,
    join: { seq: me.seq, birth: me.birth },
    peers: mayMove(session.notebook) ? joinsOf(roster, self.id) : [],
  };
  // Nothing is prepared on a roster that may lack somebody.
  session.roster = certain && roster.whole ? roster : null;
  return { roster, me, refused };
}

/** As `takePart`, for who is about to be told its role; see `beCertain`. */
export async function takePartForCertain(
  session: Session,
  cause: JoinCause,
  look: 'all' | 'newest' = 'all',
): Promise<Membership> {
  const membership = await takePart(session, cause, look);
  await beCertain(session, membership);
  return membership;
}

/** Throws when a record that could not be read may change the role that is told; else it is only reported. */
export async function beCertain(session: Session, seen: Pick<Survey, 'roster' | 'refused'>): Promise<void> {
  if (seen.refused.length === 0) return;
  const { refuseToGuess } = await import('./refuse.ts');
  await refuseToGuess(session.store, session.observer, session.self.id, seen);
  for (const refusal of seen.refused) session.report('record-refused', refusal);
}

/**
 * This member and what it is, for a hook that tells nothing: a stop costs every turn, and must not cost more the more there are. So
 * the others are not looked at while the next number is free: then nobody joined since the last look. Whoever went is told at the
 * next prompt.
 */
export async function holdPlace(session: Session): Promise<Standing & { readonly me: Member }> {
  const { store, self } = session;
  const { join, standing, sight, presence } = session.notebook;
  if (join && standing && presence) {
    const own = await unlessRefused(store.birth(join.seq));
    const next = await unlessRefused(store.birth(sight.top + 1));
    if (own?.id === self.id && !next)
      return { ...standing, me: { ...join, presence, seenAt: null, liveness: 'alive' } };
  }
  const { me, roster } = await takePart(session, 'late');
  return { me, ...standingIn(roster, self.id) };
}

/** Only a member that is where it belongs, in files, stays there whatever happens. */
const mayMove = ({ store, degraded }: Notebook): boolean => store !== 'file' || degraded !== null;

/**
 * No hook of this process took part before, as its records say too, since a notebook may be lost. Not said where a member takes the
 * births of the others along to another store, and has to know them.
 */
const isNew = async ({ store, self, notebook }: Session): Promise<boolean> =>
  notebook.join === null &&
  !mayMove(notebook) &&
  store.presence(self.id).then(
    (known) => known === null,
    () => false,
  );

const mostPeers = 100;
const joinsOf = ({ members }: Roster, self: MemberId): Join[] =>
  members
    .filter(({ birth }) => birth.id !== self)
    .slice(0, mostPeers)
    .map(({ seq, birth }) => ({ seq, birth }));

/** A person talks to it now: it stands for master, where it joined in the order of joins. */
const attendedFrom = (session: Session, me: Member): Birth => ({
  ...me.birth,
  attended: true,
  // Who stood back, or was promoted, meant it.
  candidacy:
    me.birth.candidacy === 'fallback' ? candidacyOf(session, session.notebook.config) : me.birth.candidacy,
  cause: 'attended',
  joinedAt: isoTime(session.observer.now),
  place: placeOf(me),
});

/** One that a conversation moved to takes the place of the one that it left. */
function birthOf(session: Session, cause: JoinCause, { members }: Roster): Birth {
  const parked = members.find(({ birth }) => birth.id === session.occasion.parks);
  return {
    version: 1,
    id: session.self.id,
    process: session.self.process,
    host: session.hostName(),
    candidacy: parked?.birth.candidacy ?? candidacyOf(session, session.notebook.config),
    attended: parked?.birth.attended ?? session.attended,
    cause,
    joinedAt: isoTime(session.observer.now),
    ...(parked ? { place: placeOf(parked), parks: parked.birth.id } : {}),
  };
}

/** Tells the others what this session is and does now; only the beat is renewed when nothing changed. */
export async function announce(session: Session, current: Presence | null): Promise<void> {
  const { occasion, notebook } = session;
  // One of its own that it may not read is replaced.
  const before = current ?? (await unlessRefused(session.store.presence(session.self.id)))?.presence ?? null;
  const known = session.name();
  const name = oneLine(redact(known.name || before?.name || ''), 80);
  const noted = oneLine(redact(known.noted), 80);
  const presence: Presence = {
    version: 1,
    sessionId: occasion.sessionId || (before?.sessionId ?? ''),
    name,
    ...(noted && noted !== name ? { noted } : {}),
    cwd: occasion.cwd,
    worktree: session.worktree,
    branch: oneLine(redact(session.head().branch), 200),
    doing: oneLine(notebook.conversation.latestPrompt || (notebook.conversation.words?.goal ?? ''), 160),
    transcript: occasion.transcript || (before?.transcript ?? ''),
    left: before?.left ?? null,
  };
  const same = current && JSON.stringify(current) === JSON.stringify(presence);
  if (!same || !(await session.store.renew(session.self.id)))
    await session.store.announce(session.self.id, presence);
  session.notebook = { ...session.notebook, presence };
}

/** As `announce`, for hooks that answer even when the store cannot be written. */
export const tryAnnounce = (session: Session, current: Presence | null): Promise<void> =>
  attempt(session, 'announce-failed', () => announce(session, current));

/** EnterWorktree moves the transcript of a conversation to another directory; what was read of it was read. */
const isSameFile = (before: string, now: string): boolean => fileName(before) === fileName(now);
const fileName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** The conversation this hook belongs to: the one in the notebook, or a new one when the session id is another. */
export function enterConversation(session: Session): Conversation {
  const { sessionId, transcript, forkedFrom, lastResponseAt } = session.occasion;
  const known = session.notebook.conversation;
  const same = known.sessionId === sessionId || sessionId === '';
  const conversation = same ? known : newConversation(sessionId);
  const read = {
    path: transcript,
    offset: isSameFile(conversation.read.path, transcript) ? conversation.read.offset : 0,
  };
  // A fork within the process is one of what was there until now.
  const copied = forkedFrom || (!same && lastResponseAt > 0 ? known.sessionId : '');
  const origin = copied ? { sessionId: copied, at: session.observer.now } : conversation.origin;
  const entered = { ...conversation, read, origin };
  session.notebook = { ...session.notebook, conversation: entered };
  return entered;
}
