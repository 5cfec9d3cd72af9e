/** Which client process a hook or a command belongs to. */
import { type Domain, type MemberId, type ProcessRef, unnoted } from '../core/member.ts';
import { fingerprint } from '../io/fingerprint.ts';
import { ancestors, exists, startOf, startOfSelf, startsOf, thisDomain } from '../io/processes.ts';
import { notedStart, noteOf } from './session-file.ts';

export interface Self {
  readonly id: MemberId;
  readonly process: ProcessRef;
}

/** In shell form a shell stands between the client and its hook. */
const shells = /^(?:(?:ba|da|z|k|fi|a|c|tc)?sh|busybox|cmd|powershell|pwsh|timeout|env)(?:\.exe)?$/;

const idOf = (pid: number, start: string, { host, boot, namespace }: Domain): MemberId =>
  `${pid}-${fingerprint([pid, start, host, boot, namespace].join(' '))}`;

const identify = (pid: number, start: string, env: NodeJS.ProcessEnv): Self => {
  const domain = thisDomain(env);
  return { id: idOf(pid, start, domain), process: { pid, start, domain } };
};

/** When a client began, as observers ask for it. */
export interface ClientStarts {
  /** As `startOf` in `src/io/processes.ts`, with what the client's own notes say where the system says nothing. */
  startOf(pid: number): string | null;
  /** Asks for all of these at once. */
  foresee(pids: readonly number[]): void;
}

/** What one look finds; each look begins with new ones, since an answer is kept. */
export function clientStarts(env: NodeJS.ProcessEnv): ClientStarts {
  let foreseen = new Map<number, string | null>();
  return {
    startOf(pid) {
      if (process.platform === 'win32') return startByNote(pid, env);
      const known = foreseen.get(pid);
      const start = known === undefined ? startOf(pid) : known;
      return start === '' && process.platform !== 'linux' ? (startInPsWords(pid, env) ?? '') : start;
    },
    foresee(pids) {
      if (process.platform !== 'linux' && process.platform !== 'win32') foreseen = startsOf(pids);
    },
  };
}

/** Where only the client's notes tell start times: a note that is gone, or of another process, says that the client is gone. */
function startByNote(pid: number, env: NodeJS.ProcessEnv): string | null {
  // Whoever asks is no client, whatever had its number before.
  if (pid === process.pid || !exists(pid)) return null;
  try {
    return notedStart(pid, env) ?? unnoted;
  } catch {
    return '';
  }
}

const psWords = /^\w{3} \w{3} \d{1,2} \d\d:\d\d:\d\d \d{4}$/;

/** What the client noted, where it is what `ps` would say; null where no note says it. */
function startInPsWords(pid: number, env: NodeJS.ProcessEnv): string | null {
  try {
    const start = notedStart(pid, env);
    return start !== null && psWords.test(start) ? start : null;
  } catch {
    return null;
  }
}

/** As `startOf`, for who this is: it must come out the same at every hook, so what may pass is thrown. */
function startOfMe(pid: number, env: NodeJS.ProcessEnv): string | null {
  if (process.platform === 'linux') return startOfSelf(pid);
  if (!exists(pid)) return null;
  if (process.platform !== 'win32') return startInPsWords(pid, env) ?? startOfSelf(pid);
  for (let attempt = 0; ; attempt++) {
    try {
      return notedStart(pid, env) ?? unnoted;
    } catch (cause) {
      // The client writes its note in place.
      if (attempt >= 5) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 << attempt);
    }
  }
}

/** The member that the process with that number in this domain would be; null when there is no such process. */
export function memberWithPid(pid: number, env: NodeJS.ProcessEnv): MemberId | null {
  const start = startOfMe(pid, env);
  return start ? identify(pid, start, env).id : null;
}

/** Whether the process with that id, of which no more is known, lives in this domain; also when it could only not be asked. */
export function isAliveHere(id: MemberId, domain: Domain, starts: ClientStarts): boolean {
  const pid = Number.parseInt(id, 10);
  const start = pid > 0 ? starts.startOf(pid) : null;
  return start !== null && (start === '' || idOf(pid, start, domain) === id);
}

/** The process that `CLAUDE_PID` names (clients since 2.1.214); null when it names none that lives. */
function named(env: NodeJS.ProcessEnv): Self | null {
  const pid = /^[1-9]\d{0,9}$/.test(env.CLAUDE_PID ?? '') ? Number(env.CLAUDE_PID) : 0;
  const start = pid > 0 ? startOfMe(pid, env) : null;
  return start === null ? null : identify(pid, start, env);
}

/** The client that runs this hook: the one named by `CLAUDE_PID`, else the nearest process above that is not a shell. */
export function selfOfHook(env: NodeJS.ProcessEnv): Self {
  const self = named(env);
  if (self) return self;
  for (const { pid, command } of ancestors())
    if (!shells.test(command)) return identify(pid, startOfMe(pid, env) ?? '', env);
  return identify(process.ppid, startOfMe(process.ppid, env) ?? '', env);
}

/** Programs that only start another one and wait for it. */
const runners = /^(?:npm|npx|pnpm|pnpx|yarn|bunx|corepack)(?![\w-])/;

/**
 * The client that started this server: the nearest process above that is neither a shell nor a package runner. `CLAUDE_PID` is
 * not asked: Claude Code sets it for hooks and not for servers, so here it names the session around the client, if any. A server
 * that nobody is above of, say the first process of a container, stands for itself.
 */
export function selfOfServer(env: NodeJS.ProcessEnv): Self {
  for (const { pid, command } of ancestors())
    if (!shells.test(command) && !runners.test(command)) return identify(pid, startOfMe(pid, env) ?? '', env);
  return identify(process.pid, startOfMe(process.pid, env) ?? '', env);
}

/** It runs still, as far as the system tells. */
export const isAlive = ({ pid, start }: ProcessRef, env: NodeJS.ProcessEnv): boolean => {
  const found = clientStarts(env).startOf(pid);
  return found !== null && (found === '' || start === '' || found === start);
};

/** The client runs it in the background for a person who may come and talk to it; `claude -p` and SDKs are no such sessions. */
export const isBackground = (env: NodeJS.ProcessEnv): boolean =>
  env.CLAUDE_CODE_SESSION_ATTENDED === '0' && env.CLAUDE_CODE_ENTRYPOINT === 'cli';

/**
 * Its hooks alone can say when it takes part: it runs in the background, where it may wait for a task that never comes, or its
 * conversation went there.
 */
export function joinsByHooksOnly(pid: number, env: NodeJS.ProcessEnv): boolean {
  const note = noteOf(pid, env);
  return note?.kind === 'bg' || typeof note?.parkedJobId === 'string';
}

/** Somebody sits before the client of this server. Servers are not told as hooks are; how the client was started says it. */
export const attendedServer = (env: NodeJS.ProcessEnv): boolean =>
  env.CLAUDE_CODE_SESSION_ATTENDED
    ? env.CLAUDE_CODE_SESSION_ATTENDED !== '0'
    : !env.CLAUDE_CODE_ENTRYPOINT?.startsWith('sdk');

/** Every client a command may have been typed in: the named one and all processes above. */
export function* possibleSelves(env: NodeJS.ProcessEnv): Generator<Self> {
  const self = named(env);
  if (self) yield self;
  for (const { pid } of ancestors()) {
    const start = startOfMe(pid, env);
    if (start !== null) yield identify(pid, start, env);
  }
}
