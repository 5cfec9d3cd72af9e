/** Puts a session together: which process, which scope, which place for its state, which effects. The only file that knows all of them. */
import fs from 'node:fs';
import os from 'node:os';
import { type Self, selfOfHook } from './claude/identity.ts';
import type { HookEvent, HookPayload } from './claude/payload.ts';
import { sessionName } from './claude/session-file.ts';
import { isoTime } from './core/iso-time.ts';
import type { Observer } from './core/liveness.ts';
import type { Domain } from './core/member.ts';
import type { Store } from './core/store.ts';
import type { Occasion, Session } from './flows/session.ts';
import { fingerprint } from './io/fingerprint.ts';
import { appendLog } from './io/log.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { eachPlace, type Place, statePlaces } from './io/places.ts';
import { bootedAt, startOf } from './io/processes.ts';
import { locateScope, readHead, type Scope } from './io/scope.ts';
import { readTail } from './io/tail.ts';
import type { Settled } from './settle.ts';
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
  /** For the user: state is not where it belongs. Said once where something can remember that it was. */
  readonly notice: string | null;
}

function settledIn(place: Place, id: string): Settled | null {
  const notebooks = notebooksIn(place.path);
  const notebook = notebooks.read(id);
  return notebook && { place, notebooks, notebook, floor: 0 };
}

/** What opens a session: a hook of the client, or the server that the client talks to. */
export interface Opening {
  /** Names it in the log. */
  readonly event: string;
  readonly directory: string;
  readonly self: Self;
  readonly attended: boolean;
  readonly occasion: Occasion;
  /** What the user named the session; empty when the client's own note about it is to be asked. */
  readonly title: string;
  /** A process that has no notebook yet gets one; else there is nothing to do for it. */
  readonly settles: boolean;
}

/** The session a hook belongs to. */
export async function openSession(
  event: HookEvent,
  payload: HookPayload,
  env: NodeJS.ProcessEnv,
): Promise<Opened> {
  const directory = env.CLAUDE_PROJECT_DIR || payload.cwd || '/';
  const occasion: Occasion = {
    sessionId: payload.sessionId.slice(0, 200),
    transcript: payload.transcriptPath.slice(0, 4096),
    cwd: (payload.cwd || directory).slice(0, 4096),
    key: keyOf(event, payload),
  };
  const attended = env.CLAUDE_CODE_SESSION_ATTENDED !== '0';
  const settles = event !== 'SessionEnd';
  const title = payload.sessionTitle;
  const opening: Opening = { event, directory, self: selfOfHook(env), attended, occasion, title, settles };
  const opened = await openMember(opening, env);
  // Without a home nothing can remember that it was said: once a start is once enough.
  return opened.session || event === 'SessionStart' ? opened : { session: null, notice: null };
}

/** The session of a member. Chooses the place for its state when the process is new; later it is where its notebook is. */
export async function openMember(opening: Opening, env: NodeJS.ProcessEnv): Promise<Opened> {
  const { event, self, attended, occasion } = opening;
  const scope = locateScope(opening.directory);
  const log = (code: string, message: string): void =>
    appendLog(statePlaces(scope, env), { at: isoTime(Date.now()), event, code, message });

  let notice: string | null = null;
  // A member's home is where its notebook can be read. A damaged one is written anew, in its place if that can be.
  const places: Place[] = [];
  let settled: Settled | null = null;
  for (const place of eachPlace(scope, env)) {
    settled = settledIn(place, self.id);
    if (settled) break;
    places.push(place);
  }
  if (!settled) {
    const marked = places.filter((place) => hasNotebook(place.path, self.id));
    if (marked.length === 0 && !opening.settles) return { session: null, notice: null };
    const { settle } = await import('./settle.ts');
    const best = [...marked, ...places.filter((place) => !marked.includes(place))];
    const { sessionId } = occasion;
    const outcome = await settle({ scope, places: best, id: self.id, sessionId, attended, log });
    notice = outcome.notice;
    settled = outcome.home;
  }
  if (!settled) return { session: null, notice };

  const store: Store = fileStore(settled.place.path);
  const session: Session = {
    self,
    occasion,
    attended,
    declines: env.FLOWLOOM_ROLE === 'worker',
    worktree: scope.worktree,
    hostName: () => os.hostname(),
    store,
    notebooks: settled.notebooks,
    observer: observerOf(self.process.domain, settled.notebook.config.leaseHours),
    floor: settled.floor,
    notebook: settled.notebook,
    echo: false,
    head: () => readHead(scope),
    name: () => opening.title || sessionName(self.process.pid, env),
    readTail,
    git: async (worktree, limitMs) => (await import('./io/git.ts')).gitFacts(worktree, limitMs),
    changedSince: (files, time) => files.filter((file) => changedAfter(file, time)).length,
    report: (code, cause) =>
      log(code, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)),
  };
  return { session, notice };
}

function changedAfter(file: string, time: number): boolean {
  try {
    return fs.statSync(file).mtimeMs > time + 1000;
  } catch {
    return true;
  }
}
