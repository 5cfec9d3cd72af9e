/** Puts a session together: which process, which scope, which place for its state, which effects. The only file that knows all of them. */
import fs from 'node:fs';
import os from 'node:os';
import { type Gate, openGate } from './claude/gate.ts';
import { selfOfHook } from './claude/identity.ts';
import type { HookEvent, HookPayload } from './claude/payload.ts';
import { sessionName } from './claude/session-file.ts';
import { isoTime } from './core/iso-time.ts';
import type { Observer } from './core/liveness.ts';
import type { Domain } from './core/member.ts';
import type { Seal } from './core/store.ts';
import { attempt, type Occasion, type Session } from './flows/session.ts';
import { fingerprint } from './io/fingerprint.ts';
import { appendLog } from './io/log.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { eachPlace, type Place, statePlaces } from './io/places.ts';
import { bootedAt, startOf } from './io/processes.ts';
import { locateScope, readHead, type Scope } from './io/scope.ts';
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

/** This process as an observer of members. */
export const observerOf = (domain: Domain, leaseHours: number): Observer => ({
  domain,
  now: Date.now(),
  monotonic: Number(process.hrtime.bigint() / 1_000_000n),
  bootedAt,
  leaseMs: leaseHours * 3_600_000,
  startOf,
});

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
  /** For the user, once: state is not where it belongs. */
  readonly notice: string | null;
  /** Leaves the answer to the next prompt where a gate finds it. To be called when the hook is through; never throws. */
  readonly prepare: () => Promise<void>;
}

const nothing = async (): Promise<void> => {};

function gateOf(
  event: HookEvent,
  payload: HookPayload,
  env: NodeJS.ProcessEnv,
  log: (code: string, message: string) => void,
): Gate | null {
  try {
    return openGate(event, payload, env);
  } catch (cause) {
    log('prepare-failed', String(cause));
    return null;
  }
}

/** The seal is taken before the hook looks at the records. */
async function preparing(session: Session, gate: Gate): Promise<() => Promise<void>> {
  let seal: Seal | null = null;
  if (gate.renews)
    await attempt(session, 'seal-failed', async () => {
      seal = (await session.store.seal?.(session.self.id)) ?? null;
    });
  return () =>
    attempt(session, 'prepare-failed', async () => {
      if (!gate.renews && stillHolds(session, gate)) return;
      const answer = seal && (await import('./flows/steady.ts')).steady(session);
      gate.leave(answer && seal && { ...answer, ...seal });
    });
}

function stillHolds({ roster, notebook, store }: Session, gate: Gate): boolean {
  if (!roster || notebook.degraded || !notebook.conversation.latestPrompt) return false;
  return gate.holds(
    store.place,
    roster.members.map(({ birth }) => birth.process.pid),
  );
}

/** A member's home is where its notebook can be read; it is mostly the first place. */
function homeOf(id: string, places: Iterable<Place>): Omit<Settled, 'store' | 'floor'> | null {
  for (const place of places) {
    const notebooks = notebooksIn(place.path);
    const notebook = notebooks.read(id);
    if (notebook) return { place, notebooks, notebook };
  }
  return null;
}

/** Events at which a degraded member looks whether a better store works again: it is told its role then, whatever changes. */
const comesBackAt: readonly HookEvent[] = ['SessionStart', 'UserPromptSubmit'];

/** The session a hook belongs to. Chooses the place for its state when the process is new; later it is where its notebook is. */
export async function openSession(
  event: HookEvent,
  payload: HookPayload,
  env: NodeJS.ProcessEnv,
): Promise<Opened> {
  const directory = env.CLAUDE_PROJECT_DIR || payload.cwd || '/';
  const scope = locateScope(directory);
  const self = selfOfHook(env);
  const attended = env.CLAUDE_CODE_SESSION_ATTENDED !== '0';
  const log = (code: string, message: string): void =>
    appendLog(statePlaces(scope, env), { at: isoTime(Date.now()), event, code, message });

  const newcomer = (places: readonly Place[]): Newcomer => {
    const sessionId = payload.sessionId.slice(0, 200);
    return { scope, places, id: self.id, sessionId, attended, env, log };
  };
  const settled = await settledFor(event, self.id, scope, env, newcomer);
  const { home, notice } = settled;
  const gate = gateOf(event, payload, env, log);
  if (!home) {
    return { session: null, notice, prepare: nothing };
  }
  const occasion: Occasion = {
    sessionId: payload.sessionId.slice(0, 200),
    transcript: payload.transcriptPath.slice(0, 4096),
    cwd: (payload.cwd || directory).slice(0, 4096),
    key: keyOf(event, payload),
  };
  let head: ReturnType<Session['head']> | undefined;
  const session: Session = {
    self,
    occasion,
    attended,
    declines: env.FLOWLOOM_ROLE === 'worker',
    worktree: scope.worktree,
    hostName: () => os.hostname(),
    store: home.store,
    notebooks: home.notebooks,
    observer: observerOf(self.process.domain, home.notebook.config.leaseHours),
    floor: home.floor,
    notebook: home.notebook,
    echo: false,
    roster: null,
    head: () => {
      head ??= readHead(scope);
      return head;
    },
    name: () => payload.sessionTitle || sessionName(self.process.pid, env),
    readTail,
    git: async (worktree, limitMs) => (await import('./io/git.ts')).gitFacts(worktree, limitMs),
    changedSince: (files, time) => files.filter((file) => changedAfter(file, time)).length,
    report: (code, cause) =>
      log(code, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)),
  };
  return { session, notice, prepare: gate ? await preparing(session, gate) : nothing };
}

async function settledFor(
  event: HookEvent,
  id: string,
  scope: Scope,
  env: NodeJS.ProcessEnv,
  newcomer: (places: readonly Place[]) => Newcomer,
): Promise<{ home: Settled | null; notice: string | null }> {
  const known = homeOf(id, eachPlace(scope, env));
  if (known?.notebook.store === 'file' && !(known.notebook.degraded && comesBackAt.includes(event)))
    return { home: { ...known, store: fileStore(known.place.path), floor: 0 }, notice: null };

  const places = statePlaces(scope, env);
  const { settle, resettle } = await import('./settle.ts');
  if (known) return resettle(known, newcomer(places));
  const marked = places.filter((place) => hasNotebook(place.path, id));
  if (marked.length === 0 && event === 'SessionEnd') return { home: null, notice: null };
  // A damaged notebook is written anew, in its place if that can be.
  const outcome = await settle(newcomer([...marked, ...places.filter((place) => !marked.includes(place))]));
  // Without a home nothing can remember that it was said: once a start is once enough.
  return outcome.home || event === 'SessionStart' ? outcome : { home: null, notice: null };
}

function changedAfter(file: string, time: number): boolean {
  try {
    return fs.statSync(file).mtimeMs > time + 1000;
  } catch {
    return true;
  }
}
