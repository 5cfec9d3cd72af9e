/** Which client process a hook or a command belongs to. */
import type { Domain, MemberId, ProcessRef } from '../core/member.ts';
import { fingerprint } from '../io/fingerprint.ts';
import { ancestors, startOf, thisDomain } from '../io/processes.ts';

export interface Self {
  readonly id: MemberId;
  readonly process: ProcessRef;
}

/** In shell form a shell stands between the client and its hook. */
const shells = /^(?:(?:ba|da|z|k|fi|a|c|tc)?sh|busybox|cmd|powershell|pwsh|timeout|env)(?:\.exe)?$/;

const idOf = (pid: number, start: string, { host, boot, namespace }: Domain): MemberId =>
  `${pid}-${fingerprint([pid, start, host, boot, namespace].join(' '))}`;

const identify = (pid: number, start: string): Self => {
  const domain = thisDomain();
  return { id: idOf(pid, start, domain), process: { pid, start, domain } };
};

/** Whether the process with that id, of which no more is known, lives in this domain; also when it could only not be asked. */
export function isAliveHere(id: MemberId, domain: Domain): boolean {
  const pid = Number.parseInt(id, 10);
  const start = pid > 0 ? startOf(pid) : null;
  return start !== null && (start === '' || idOf(pid, start, domain) === id);
}

/** As `startOf`, for who this is: a start time that could not be read would make it somebody else. */
function startOfSelf(pid: number): string | null {
  const start = startOf(pid);
  if (start === '' && process.platform === 'linux')
    throw Object.assign(new Error(`/proc/${pid}/stat cannot be read`), { code: 'EIO' });
  return start;
}

/** The process that `CLAUDE_PID` names (clients since 2.1.214); null when it names none that lives. */
function named(env: NodeJS.ProcessEnv): Self | null {
  const pid = /^[1-9]\d{0,9}$/.test(env.CLAUDE_PID ?? '') ? Number(env.CLAUDE_PID) : 0;
  const start = pid > 0 ? startOfSelf(pid) : null;
  return start === null ? null : identify(pid, start);
}

/** The client that runs this hook: the one named by `CLAUDE_PID`, else the nearest process above that is not a shell. */
export function selfOfHook(env: NodeJS.ProcessEnv): Self {
  const self = named(env);
  if (self) return self;
  for (const { pid, command } of ancestors())
    if (!shells.test(command)) return identify(pid, startOfSelf(pid) ?? '');
  return identify(process.ppid, startOfSelf(process.ppid) ?? '');
}

/** Programs that only start another one and wait for it. */
const runners = /^(?:npm|npx|pnpm|pnpx|yarn|bunx|corepack)(?![\w-])/;

/**
 * The client that started this server: the nearest process above that is neither a shell nor a package runner. `CLAUDE_PID` is
 * not asked: Claude Code sets it for hooks and not for servers, so here it names the session around the client, if any. A server
 * that nobody is above of, say the first process of a container, stands for itself.
 */
export function selfOfServer(): Self {
  for (const { pid, command } of ancestors())
    if (!shells.test(command) && !runners.test(command)) return identify(pid, startOfSelf(pid) ?? '');
  return identify(process.pid, startOf(process.pid) ?? '');
}

/** It runs still, as far as the system tells. */
export const isAlive = ({ pid, start }: ProcessRef): boolean => {
  const found = startOf(pid);
  return found !== null && (found === '' || start === '' || found === start);
};

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
    const start = startOfSelf(pid);
    if (start !== null) yield identify(pid, start);
  }
}
