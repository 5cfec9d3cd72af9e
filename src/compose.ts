/** Puts a session together: which process, which scope, which place for its state, which effects. The only file that knows all of them. */
import os from 'node:os';
import type { Surmise } from './claude/background.ts';
import { leavesAnswer, openGate, type Prepare } from './claude/gate.ts';
import { clientStarts, isAliveHere, isBackground, type Self, selfOfHook } from './claude/identity.ts';
import type { HookEvent, HookPayload } from './claude/payload.ts';
import { sessionName } from './claude/session-file.ts';
import { isoTime } from './core/iso-time.ts';
import { type Observer, sameDomain } from './core/liveness.ts';
import type { Domain } from './core/member.ts';
import type { Seal } from './core/store.ts';
import { attempt, type Occasion, type Session } from './flows/session.ts';
import { changedSince } from './io/changed-since.ts';
import { fingerprint } from './io/fingerprint.ts';
import { appendLog } from './io/log.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { eachPlace, isBelieved, type Place, statePlaces } from './io/places.ts';
import { bootedAt } from './io/processes.ts';
import { isCopied } from './io/repository-mark.ts';
import {
  isWorktreeOf,
  locateScope,
  onlyGitKnows,
  readHead,
  type Scope,
  scopeByName,
  workplaceIn,
} from './io/scope.ts';
import { readTail } from './io/tail.ts';
import type { Newcomer, Settled } from './settle.ts';
import { fileStore } from './stores/file-store.ts';

/** What is the same for a hook and a command: where they are and what could hold state there. */
export interface Surroundings {
  readonly scope: Scope;
  readonly places: readonly Place[];
}

export function surroundings(directory: string, env: NodeJS.ProcessEnv): Surroundings {
  const scope = locateScope(directory);
  return { scope, places: statePlaces(scope, env) };
}

/** Where what is logged in a directory may be: also where it went while nothing could be asked about the directory. */
export function logDirectories(directory: string, env: NodeJS.ProcessEnv): string[] {
  let tops = [directory];
  let places: readonly Place[] = [];
  try {
    const around = surroundings(directory, env);
    tops = [directory, around.scope.worktree, around.scope.root];
    places = around.places;
  } catch {
    // Now neither; so only by name.
  }
  const byName = tops.flatMap((top) => statePlaces(scopeByName(top), env));
  return [...new Set([...places, ...byName].filter(isBelieved).map(({ path }) => path))];
}

/** As `surroundings`; where that cannot be asked, the places that the directory has by its name. For the log. */
export function placesFor(directory: string, env: NodeJS.ProcessEnv): readonly Place[] {
  try {
    return surroundings(directory, env).places;
  } catch {
    return statePlaces(scopeByName(directory), env);
  }
}

/** This process as an observer of members. */
export function observerOf(
  domain: Domain,
  leaseHours: number,
  env: NodeJS.ProcessEnv = process.env,
): Observer {
  const starts = clientStarts(env);
  return {
    domain,
    now: Date.now(),
    monotonic: Number(process.hrtime.bigint() / 1_000_000n),
    bootedAt,
    leaseMs: leaseHours * 3_600_000,
    startOf: starts.startOf,
    foresee: (processes) =>
      starts.foresee(processes.filter((one) => sameDomain(one.domain, domain)).map(({ pid }) => pid)),
    hostName: () => os.hostname(),
    lives: (id) => isAliveHere(id, domain, starts),
    nameOf: ({ pid, start }) => sessionName(pid, env, start),
  };
}

/** Sessions of the repository that this one was copied from are none of this one, also before a hook wrote that down. */
export const observerIn = (place: Place, observer: Observer): Observer =>
  isCopied(place) ? { ...observer, startOf: () => null, lives: () => false } : observer;

/**
 * What tells this occasion from the next of its kind. A prompt that is typed while a turn runs, and one that the client submits
 * itself, carry the prompt id of the turn, so the text counts too.
 */
function keyOf(event: HookEvent, payload: HookPayload): string {
  if (event === 'SessionStart') return `${payload.source}-${payload.sessionId}-${payload.promptId}`;
  if (event === 'UserPromptSubmit')
    return payload.promptId && `${payload.promptId}-${fingerprint(payload.prompt)}`;
  return String((payload.toolCalls[0] as { tool_use_id?: unknown } | undefined)?.tool_use_id ?? '');
}

export interface Opened {
  /** Null when there is nothing to do: an unattended session that is to be ignored, or no place for state. */
  readonly session: Session | null;
  /** For the user: state is not where it belongs. Said once where something can remember that it was. */
  readonly notice: string | null;
}

/** What a hook gets. */
export interface OpenedByHook extends Opened {
  /** Leaves the answer to the next prompt where a gate finds it. To be called when the hook is through; never throws. */
  readonly prepare: () => Promise<void>;
}

/** The end of a session must not wait for a large repository: all its hooks together have a second and a half. */
const gitLimitMs = 500;

const nothing = async (): Promise<void> => {};

/** The seal is taken before the hook looks at the records. */
async function preparing(session: Session, open: () => Prepare | null): Promise<() => Promise<void>> {
  let prepare: Prepare | null;
  try {
    prepare = open();
  } catch (cause) {
    session.report('prepare-failed', cause);
    return nothing;
  }
  if (!prepare) return nothing;
  let seal: Seal | null = null;
  await attempt(session, 'seal-failed', async () => {
    seal = (await session.store.seal?.(session.self.id)) ?? null;
  });
  return () =>
    attempt(session, 'prepare-failed', async () => {
      const answer = seal && (await import('./flows/steady.ts')).steady(session);
      prepare(answer && seal && { ...answer, ...seal });
    });
}

/**
 * A member's home is where the notebook with its join is, mostly in the first place. One without a join may have been begun in a
 * place that then failed, so it counts only where there is no other.
 */
function homeOf(id: string, places: Iterable<Place>): Omit<Settled, 'store' | 'floor'> | null {
  let begun: ReturnType<typeof homeOf> = null;
  for (const place of places) {
    if (!isBelieved(place)) continue;
    const notebooks = notebooksIn(place.path);
    const notebook = notebooks.read(id);
    if (notebook?.join) return { place, notebooks, notebook };
    if (notebook) begun ??= { place, notebooks, notebook };
  }
  return begun;
}

/** At these a degraded member may come back: it is told its role then, whatever changes. */
const comesBackAt: readonly HookEvent[] = ['SessionStart', 'UserPromptSubmit'];

/** What opens a session: a hook of the client, or the server that the client talks to. */
export interface Opening {
  /** Names it in the log. */
  readonly event: string;
  readonly directory: string;
  readonly self: Self;
  readonly attended: boolean;
  /** See `Session`. */
  readonly talks: boolean;
  readonly occasion: Occasion;
  /** What the user named the session; empty when the client's own note about it is to be asked. */
  readonly title: string;
  /** A process that has no notebook yet gets one; else there is nothing to do for it. */
  readonly settles: boolean;
  /** A degraded member looks whether a better store works again. */
  readonly comesBack: boolean;
}

const nothingMore: Surmise = { parks: '', forkedFrom: '', talks: false, waits: false };

const lastResponseAt = ({ source, sinceLastResponse }: HookPayload): number =>
  source === 'fork' && sinceLastResponse !== null ? Date.now() - sinceLastResponse * 1000 : 0;

/** The session a hook belongs to. */
export async function openSession(
  event: HookEvent,
  payload: HookPayload,
  env: NodeJS.ProcessEnv,
): Promise<OpenedByHook> {
  const directory = env.CLAUDE_PROJECT_DIR || payload.cwd || '/';
  const self = selfOfHook(env);
  const background = isBackground(env);
  const { parks, forkedFrom, talks, waits } =
    background || payload.source === 'fork'
      ? (await import('./claude/background.ts')).surmise(event, payload, self, env)
      : nothingMore;
  const occasion: Occasion = {
    sessionId: payload.sessionId.slice(0, 200),
    transcript: payload.transcriptPath.slice(0, 4096),
    cwd: (payload.cwd || directory).slice(0, 4096),
    parks,
    forkedFrom,
    lastResponseAt: lastResponseAt(payload),
    key: keyOf(event, payload),
  };
  const attended = env.CLAUDE_CODE_SESSION_ATTENDED !== '0';
  const opening: Opening = {
    event,
    directory,
    self,
    attended: attended || parks !== '',
    talks,
    occasion,
    title: payload.sessionTitle,
    settles: event !== 'SessionEnd' && !waits,
    comesBack: comesBackAt.includes(event),
  };
  const { session, notice } = await openMember(opening, env);
  if (session) {
    const asBefore = leavesAnswer(event) && !session.notebook.degraded;
    // Every prompt of a session in the background is looked at until a person talks to it.
    const prepare =
      asBefore || (background && !session.attended && !session.talks)
        ? nothing
        : await preparing(session, () => openGate(event, payload, env));
    return { session, notice, prepare };
  }
  // Without a home nothing can remember that it was said: once a start is once enough.
  return { session, notice: event === 'SessionStart' ? notice : null, prepare: nothing };
}

/** The session of a member. Chooses the place for its state when the process is new; later it is where its notebook is. */
export async function openMember(opening: Opening, env: NodeJS.ProcessEnv): Promise<Opened> {
  const { event, self, occasion } = opening;
  const scope = locateScope(opening.directory);
  const log = (code: string, message: string): void =>
    appendLog(statePlaces(scope, env), { at: isoTime(Date.now()), event, code, message });

  const newcomer = (places: readonly Place[]): Newcomer => {
    const { sessionId } = occasion;
    return { scope, places, id: self.id, sessionId, attended: opening.attended || opening.talks, env, log };
  };
  const { home, notice } = await settledFor(opening, scope, env, newcomer);
  if (!home) return { session: null, notice };
  const here = workplaceIn(scope, occasion.cwd);
  let head: ReturnType<Session['head']> | undefined;
  const session: Session = {
    self,
    occasion,
    attended: opening.attended || home.notebook.join?.birth.attended === true,
    talks: opening.talks && (Boolean(env.CLAUDE_JOB_DIR) || home.notebook.join?.birth.cause === 'fork'),
    declines: env.FLOWLOOM_ROLE === 'worker',
    worktree: here.worktree,
    hostName: () => os.hostname(),
    store: home.store,
    notebooks: home.notebooks,
    observer: observerOf(self.process.domain, home.notebook.config.leaseHours, env),
    floor: home.floor,
    notebook: home.notebook,
    echo: false,
    roster: null,
    head: () => {
      head ??= readHead(here);
      return head;
    },
    name: () => {
      const noted = sessionName(self.process.pid, env);
      return { name: opening.title || noted, noted };
    },
    readTail,
    git: async (worktree) =>
      isWorktreeOf(scope, worktree) ? (await import('./io/git.ts')).gitFacts(worktree, gitLimitMs) : null,
    changedSince: (files, time, worktree) =>
      changedSince(files, time, [
        ...(worktree && isWorktreeOf(scope, worktree) ? [worktree] : []),
        scope.worktree,
        opening.directory,
      ]),
    report: (code, cause) =>
      log(code, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)),
  };
  // Where git may be asked; a prompt does without.
  if (event === 'SessionStart' && onlyGitKnows(scope)) {
    const facts = await session.git(scope.worktree);
    if (facts) head = { branch: facts.branch, commit: facts.head };
  }
  return { session, notice };
}

async function settledFor(
  { self: { id }, settles, comesBack }: Opening,
  scope: Scope,
  env: NodeJS.ProcessEnv,
  newcomer: (places: readonly Place[]) => Newcomer,
): Promise<{ home: Settled | null; notice: string | null }> {
  for (const place of eachPlace(scope, env)) {
    if (place.what !== 'git directory') continue;
    if (isCopied(place) && isBelieved(place)) await (await import('./after-copy.ts')).partFromOriginal(place);
    break;
  }
  const known = homeOf(id, eachPlace(scope, env));
  if (known?.notebook.store === 'file' && !(known.notebook.degraded && comesBack))
    return { home: { ...known, store: fileStore(known.place.path), floor: 0 }, notice: null };

  const places = statePlaces(scope, env);
  if (known) return (await import('./resettle.ts')).resettle(known, newcomer(places));
  const marked = places.filter((place) => isBelieved(place) && hasNotebook(place.path, id));
  if (marked.length === 0 && !settles) return { home: null, notice: null };
  const { settle } = await import('./settle.ts');
  // A damaged notebook is written anew, in its place if that can be.
  return settle(newcomer([...marked, ...places.filter((place) => !marked.includes(place))]));
}
