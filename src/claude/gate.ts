/**
 * The answer that `hooks/gate.sh` gives without Node: one small file of shell assignments per session, in the user's cache. It is
 * there from the first hook that came through a gate until the session ends; its first line, a comment for the shell, says whose
 * hooks these are. Where no gate is used nothing is written.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';
import type { Seal } from '../core/store.ts';
import type { Steady } from '../flows/steady.ts';
import { discard, makePrivateDirectory, writeTemporary } from '../io/atomic-write.ts';
import { cacheDirectory } from '../io/code-entry.ts';
import { secured } from '../io/own-directory.ts';
import { safeRead } from '../io/safe-read.ts';
import { renderOutput } from './output.ts';
import type { HookEvent, HookPayload } from './payload.ts';
import { notePath } from './session-file.ts';

/** Takes the answer for the next prompts of a session; null when nothing can be said beforehand. */
export type Prepare = (answer: (Steady & Seal) | null) => void;

const format = 2;
const provenProcesses = 32;
const staleMs = 30 * 24 * 3_600_000;
const plainName = /^[A-Za-z0-9_-]{1,100}$/;
const throughGate: readonly HookEvent[] = ['UserPromptSubmit', 'PostToolBatch'];

/** The sticky bit tells the gate, which cannot see who may write to a directory, that Node closed it to others. */
const closed = 0o1700;

/** What is known of the gates in front of a session. */
interface Head {
  /** The directory of the hooks that answer. */
  readonly hooks: string;
  /** The same hooks are installed a second time without a gate, and speak at every prompt: then this one is Node's as well. */
  readonly direct?: true;
}

const readyIn = (cache: string): string => `${cache}/ready`;

function fileOf({ sessionId }: HookPayload, env: NodeJS.ProcessEnv): string | null {
  const cache = cacheDirectory(env);
  const sameSession = env.CLAUDE_CODE_SESSION_ID === sessionId && plainName.test(sessionId);
  return cache && sameSession && process.platform !== 'win32' ? `${readyIn(cache)}/${sessionId}` : null;
}

/** Null for a file that is missing or none of ours. */
function readHead(text: string | null): Head | null {
  try {
    const { hooks, direct } = JSON.parse(text?.split('\n', 1)[0]?.slice(2) ?? '') as Head;
    return typeof hooks === 'string' ? { hooks, ...(direct ? { direct } : {}) } : null;
  } catch {
    return null;
  }
}

function read(file: string): string | null {
  try {
    return fs.existsSync(file) ? safeRead(file, 1 << 20) : null;
  } catch {
    return null;
  }
}

/** These hooks learn nothing that an answer rests on, and a stop costs every turn: where all is well they let it be. */
export const leavesAnswer = (event: HookEvent): boolean => event === 'Stop' || event === 'PostCompact';

/**
 * How this hook leaves an answer; null when no gate asks for one. To be called before the hook looks who is there: an answer is
 * as old as the moment from which on its processes are known to be the right ones.
 */
export function openGate(event: HookEvent, payload: HookPayload, env: NodeJS.ProcessEnv): Prepare | null {
  const file = fileOf(payload, env);
  if (!file || !secured(dirname(dirname(file))) || !secured(dirname(file), closed)) return null;
  if (event === 'SessionEnd') {
    discard(file);
    return null;
  }
  const before = read(file);
  const known = readHead(before);
  if (known?.direct) return null;
  const hot = throughGate.includes(event);
  if (hot && !env.FLOWLOOM_GATE) {
    if (known) write(file, before, headLine({ ...known, direct: true }), 0);
    return null;
  }
  const hooks = (hot && env.FLOWLOOM_GATE) || known?.hooks;
  if (!hooks) return null;
  const begun = beginning();
  return (answer) =>
    write(file, before, headLine({ hooks }) + (answer ? assignments(answer, hooks, env) : ''), begun);
}

/**
 * Seconds since 1970, by the clock that dates the directories of processes: when this one became visible. Whoever is found alive
 * after this was there before, and whoever takes over its number later is younger.
 */
function beginning(): number {
  const now = process.platform === 'linux' ? fs.statSync('/proc/self').mtimeMs : Date.now();
  return Math.floor(now - 1) / 1000;
}

const headLine = (head: Head): string => `# ${JSON.stringify(head)}\n`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The processes an answer depends on. The gate proves of the first ones that they are the very same; one of the others has to exist,
 * which takes a sixth of the time: with a thousand members the gate would be slower than promised.
 */
function processes(pids: readonly number[]): { near: string; far: string } {
  const near = process.platform === 'linux' ? provenProcesses : 0;
  return { near: pids.slice(0, near).join(' '), far: pids.slice(near).join(' ') };
}

/** The note in which the gate finds that somebody has the same name still, and how it stands there; empty while there is no note. */
function nameIn(called: Steady['called'], env: NodeJS.ProcessEnv): { note: string; called: string } {
  const note = called && notePath(called.pid, env);
  if (!called || !note) return { note: '', called: '' };
  return { note, called: called.name && `"name":${JSON.stringify(called.name)}` };
}

function assignments(answer: Steady & Seal, hooks: string, env: NodeJS.ProcessEnv): string {
  const { CLAUDE_PID: pid = '', CLAUDE_PROJECT_DIR: project = '' } = env;
  const { FLOWLOOM_STATE_DIR: state = '', XDG_STATE_HOME: home = '', TMPDIR: temporary = '' } = env;
  if (!project || !answer.pids.includes(Number(pid))) return '';
  const values = {
    format: String(format),
    hooks,
    pid,
    where: [project, state, home, temporary].join('|'),
    git: fs.existsSync(`${project}/.git`) ? 'yes' : 'no',
    seal: answer.seal,
    beat: answer.beat,
    ...processes(answer.pids),
    ...nameIn(answer.called, env),
    said: renderOutput('UserPromptSubmit', { context: answer.line }),
  };
  return Object.entries(values)
    .map(([name, value]) => `ready_${name}=${quoted(value)}\n`)
    .join('');
}

/** Whole or not at all. The old one goes first: replacing a file makes ext4 flush it, and without an answer Node gives it. */
function write(file: string, before: string | null, text: string, at: number): void {
  if (before === text) {
    fs.utimesSync(file, at, at);
    return;
  }
  if (before === null) {
    makePrivateDirectory(dirname(file));
    if (!secured(dirname(file), closed)) return;
    removeAnswers(dirname(dirname(file)), staleMs);
  }
  const temporary = writeTemporary(file, text, false);
  try {
    fs.utimesSync(temporary, at, at);
    discard(file);
    fs.renameSync(temporary, file);
  } catch (cause) {
    discard(temporary);
    throw cause;
  }
}

/** Removes answers below this cache directory that are older than this, and their directory when nothing else is in it. */
export function removeAnswers(cache: string, olderThanMs: number): void {
  const directory = readyIn(cache);
  const names =
    secured(cache) && secured(directory, closed) && fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  for (const name of names) {
    const stat = fs.lstatSync(`${directory}/${name}`, { throwIfNoEntry: false });
    if (stat?.isFile() && Date.now() - stat.ctimeMs >= olderThanMs) discard(`${directory}/${name}`);
  }
  if (names.length && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}
