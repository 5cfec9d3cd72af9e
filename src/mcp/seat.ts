/**
 * The seat of the server's client among the sessions. Every use of it opens the session anew, as a hook does, one after the other:
 * hooks of the same process may have moved its state or learnt something meanwhile.
 *
 * The client takes part without being asked, as it would with hooks, but not at once: a client that only looks whether the
 * server works is gone within a second, and hooks of the same process come first, so that it does not join twice.
 */
import { attendedServer, isAlive, joinsByHooksOnly, type Self, selfOfServer } from '../claude/identity.ts';
import { openMember } from '../compose.ts';
import type { Roster } from '../core/election.ts';
import { beCertain, type Membership, takePartForCertain, tryAnnounce } from '../flows/join.ts';
import { atSessionEnd } from '../flows/leave.ts';
import { attempt, type Session } from '../flows/session.ts';
import { type Survey, survey } from '../flows/survey.ts';
import { clientGone, forTheUser, ignored, noDirectory, off } from '../messages/mcp.ts';

/** The session cannot take part; the message says why, in a sentence for the model. */
export class NoSeatError extends Error {
  override name = 'NoSeatError';
}

/** What there is to work with. `membership` is null for a session that left. */
export interface Present {
  readonly session: Session;
  readonly roster: Roster;
  readonly membership: Membership | null;
}

/** Hooks of this client have fired: they tell when it comes and goes. */
export const hasHooks = (session: Session): boolean => Object.keys(session.notebook.receipts).length > 0;

/** What the others see of this session is renewed; hooks know better what it does and where, so beside them only the lease is. */
export const showUp = (session: Session, { me }: Membership): Promise<void> =>
  hasHooks(session)
    ? attempt(session, 'renew-failed', () => session.store.renew(session.self.id))
    : tryAnnounce(session, me.presence);

const settleMs = 2_000;
/** After a store that could not be used. */
const retryMs = 60_000;
const shortestBeatMs = 5_000;
const longestBeatMs = 15 * 60_000;

/** Often enough for a lease, and not more. */
const beatMs = ({ observer }: Session): number =>
  Math.min(longestBeatMs, Math.max(shortestBeatMs, observer.leaseMs / 4));

export class Seat {
  readonly #env: NodeJS.ProcessEnv;
  readonly #self: Self;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** This server let its client take part. Another one of the same client may only have been there to be looked at. */
  #seated = false;
  /** Left on purpose: only `join` takes the seat again. */
  #left = false;
  #notice = '';

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.#self = selfOfServer(env);
  }

  /** The client speaks: unless it is gone again at once, it takes part. */
  wake(): void {
    this.#timer ??= this.#beatIn(settleMs);
  }

  /** Does something with the session and keeps what it learns. With `again` also one that left takes part from here on. */
  use<T>(act: (present: Present) => Promise<T>, { again = false } = {}): Promise<T> {
    return this.#open(true, async (session) => {
      this.#left &&= !again;
      if (this.#left) {
        const present = await observe(session);
        await beCertain(session, present);
        return act(present);
      }
      this.#seated = true;
      return act(await sitDown(session));
    });
  }

  /** Takes no part until `use` with `again`. */
  leave(): Promise<{ was: boolean; hooks: boolean }> {
    return this.#open(true, async (session) => {
      this.#left = true;
      return { was: await standUp(session, 'left'), hooks: hasHooks(session) };
    });
  }

  /** The client is gone. Where hooks are at work this is theirs to tell: the client may only have closed this server. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#turn;
    if (!this.#seated || this.#left) return;
    await this.#open(false, async (session) => {
      if (!hasHooks(session)) await standUp(session, 'mcp-closed');
    }).catch(() => {});
  }

  /** What the user should hear once: state is not where it belongs. Empty when there is nothing. */
  takeNotice(): string {
    const notice = this.#notice;
    this.#notice = '';
    return notice;
  }

  #open<T>(settles: boolean, act: (session: Session) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const session = await this.#session(settles);
      try {
        return await act(session);
      } finally {
        await attempt(session, 'notebook-failed', () =>
          session.notebooks.write(session.self.id, session.notebook),
        );
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #session(settles: boolean): Promise<Session> {
    if (this.#env.FLOWLOOM === 'off') throw new NoSeatError(off);
    if (!isAlive(this.#self.process, this.#env)) throw new NoSeatError(clientGone);
    const directory = currentDirectory();
    const sessionId = (this.#env.CLAUDE_CODE_SESSION_ID ?? '').slice(0, 200);
    const { session, notice } = await openMember(
      {
        event: 'mcp',
        directory,
        self: this.#self,
        attended: attendedServer(this.#env),
        talks: false,
        occasion: {
          sessionId,
          transcript: '',
          cwd: directory,
          parks: '',
          forkedFrom: '',
          lastResponseAt: 0,
          key: '',
        },
        title: '',
        settles,
        comesBack: true,
      },
      this.#env,
    );
    if (!session) throw new NoSeatError(notice ?? ignored);
    if (notice) this.#notice = forTheUser(notice);
    // The environment is as old as the server; where hooks write it, the notebook knows which conversation this is.
    const { conversation } = session.notebook;
    const occasion = {
      ...session.occasion,
      sessionId: conversation.sessionId,
      transcript: conversation.read.path,
    };
    // Hooks know whether somebody sits there; how the server was started is only a hint.
    const attended = session.notebook.join?.birth.attended ?? session.attended;
    return { ...session, attended, occasion };
  }

  /** Takes part, unless its hooks alone can tell when; and tells when to show up again. */
  #showUp(): Promise<number> {
    if (!joinsByHooksOnly(this.#self.process.pid, this.#env))
      return this.use(async ({ session }) => beatMs(session));
    return this.#open(false, async (session) => {
      const { membership } = await observe(session);
      if (membership) await showUp(session, membership);
      return beatMs(session);
    });
  }

  /** Takes part, and then renews the lease for as long as the server lives. It does not keep the server alive. */
  #beatIn(ms: number): NodeJS.Timeout {
    const beat = async (): Promise<void> => {
      // A tool that is called says what is wrong; the store may be back at the next beat.
      const next = await this.#showUp().catch(() => retryMs);
      this.#timer = this.#beatIn(next);
    };
    return setTimeout(beat, ms).unref();
  }
}

async function sitDown(session: Session): Promise<Present> {
  const membership = await takePartForCertain(session, 'startup');
  await showUp(session, membership);
  return { session, roster: membership.roster, membership };
}

async function observe(session: Session): Promise<Present & Pick<Survey, 'refused'>> {
  const { roster, refused } = await survey(session.store, session.observer, session.notebook.sight);
  // Hooks may have let it join again.
  const me = roster.members.find((member) => member.birth.id === session.self.id);
  return { session, roster, refused, membership: me ? { roster, me, refused } : null };
}

/** True when it took part until now. */
async function standUp(session: Session, reason: string): Promise<boolean> {
  const { membership } = await observe(session);
  if (membership) await atSessionEnd(session, reason);
  return membership !== null;
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new NoSeatError(noDirectory, { cause });
  }
}
