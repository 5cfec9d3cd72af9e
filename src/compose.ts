/** Puts a session together: which process, which scope, which place for its state, which effects. The only file that knows all of them. */
import fs from 'node:fs';
import os from 'node:os';
import { selfOfHook } from './claude/identity.ts';
import type { HookEvent, HookPayload } from './claude/payload.ts';
import { sessionName } from './claude/session-file.ts';
import { configOf } from './config/find.ts';
import type { Observer } from './core/liveness.ts';
import type { Domain } from './core/member.ts';
import { blankNotebook, type Degradation, type Notebook } from './core/notebook.ts';
import type { Store } from './core/store.ts';
import type { Occasion, Session } from './flows/session.ts';
import { fingerprint } from './io/fingerprint.ts';
import { appendLog } from './io/log.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { type Place, preparePlace, statePlaces } from './io/places.ts';
import { bootedAt, startOf } from './io/processes.ts';
import { locateScope, readHead, type Scope } from './io/scope.ts';
import { readTail } from './io/tail.ts';
import { degradedNotice } from './messages/model.ts';
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
  bootedAt: bootedAt(),
  leaseMs: leaseHours * 3_600_000,
  startOf,
});

/** The first place that takes a new member, and why the better ones did not. */
async function settle(
  places: readonly Place[],
  id: string,
  notebook: Notebook,
): Promise<{ place: Place; degraded: Degradation | null } | Degradation> {
  const best = places[0]!;
  let reason = '';
  for (const place of places) {
    const degraded = place === best ? null : { from: best.what, to: place.what, reason };
    try {
      preparePlace(place);
      await fileStore(place.path).ready();
      notebooksIn(place.path).write(id, { ...notebook, degraded });
      return { place, degraded };
    } catch (cause) {
      reason ||= cause instanceof Error ? cause.message : String(cause);
    }
  }
  return { from: best.what, to: 'none', reason };
}

/** The highest number in the places that are not used, so that numbers stay comparable when a place comes or goes. */
async function highestElsewhere(places: readonly Place[], home: Place): Promise<number> {
  let highest = 0;
  for (const place of places) {
    if (place === home) continue;
    try {
      highest = Math.max(highest, (await fileStore(place.path).numbers()).at(-1) ?? 0);
    } catch {
      // It cannot be read, so nothing of it can be compared.
    }
  }
  return highest;
}

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
}

/** The session a hook belongs to. Chooses the place for its state when the process is new; later it is where its notebook is. */
export async function openSession(
  event: HookEvent,
  payload: HookPayload,
  env: NodeJS.ProcessEnv,
): Promise<Opened> {
  const directory = env.CLAUDE_PROJECT_DIR || payload.cwd || '/';
  const { scope, places } = surroundings(directory, env);
  const self = selfOfHook(env);
  const attended = env.CLAUDE_CODE_SESSION_ATTENDED !== '0';
  const log = (code: string, message: string): void =>
    appendLog(
      places.map((place) => place.path),
      { at: new Date().toISOString(), event, code, message },
    );

  let home = places.find((place) => hasNotebook(place.path, self.id));
  let notebook = home && notebooksIn(home.path).read(self.id);
  let notice: string | null = null;
  if (!home || !notebook) {
    if (!home && event === 'SessionEnd') return { session: null, notice: null };
    const { config, problems, file } = await configOf(scope.worktree);
    if (problems.length)
      log('config', `${file}: ${problems.map(({ key, expected }) => `${key}: ${expected}`).join('; ')}`);
    if (!attended && config.unattended === 'ignore') return { session: null, notice: null };
    notebook = { ...blankNotebook(payload.sessionId), config };
    const settled = await settle(home ? [home] : places, self.id, notebook);
    const degraded = 'place' in settled ? settled.degraded : settled;
    if (degraded) {
      notice = degradedNotice(degraded.from, degraded.to, degraded.reason);
      log('degraded', notice);
    }
    if (!('place' in settled)) return { session: null, notice };
    home = settled.place;
    notebook = { ...notebook, degraded };
  }

  const store: Store = fileStore(home.path);
  const occasion: Occasion = {
    sessionId: payload.sessionId,
    transcript: payload.transcriptPath,
    cwd: payload.cwd || directory,
    key: keyOf(event, payload),
  };
  const session: Session = {
    self,
    occasion,
    attended,
    declines: env.FLOWLOOM_ROLE === 'worker',
    worktree: scope.worktree,
    hostName: os.hostname(),
    store,
    notebooks: notebooksIn(home.path),
    observer: observerOf(self.process.domain, notebook.config.leaseHours),
    floor: notebook.sight.top > 0 ? 0 : await highestElsewhere(places, home),
    notebook,
    head: () => readHead(scope),
    name: () => payload.sessionTitle || sessionName(self.process.pid, env),
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
