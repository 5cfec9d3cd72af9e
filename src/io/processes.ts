/** What this machine says about itself and its processes. */
import fs from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import type { Domain } from '../core/member.ts';
import { fingerprint } from './fingerprint.ts';
import { machineId } from './machine-id.ts';
import { askTwice, isRefusal, mayPass } from './passing.ts';

/** Empty where the system does not say. A read that only failed must not pass for that: who somebody is hangs on it. */
function said(ask: () => string): string {
  try {
    return askTwice(ask);
  } catch (cause) {
    if (mayPass(cause)) throw cause;
    return '';
  }
}

const read = (path: string): string => said(() => fs.readFileSync(path, 'utf8').trim());
const link = (path: string): string => said(() => fs.readlinkSync(path));

/**
 * The domain this process lives in. Linux: machine id, boot id, pid and time namespace (a time namespace shifts start times).
 * Elsewhere start times are absolute, so the machine alone says it; on Windows they stand in the client's own notes, so two pids
 * compare among those who see the same notes. The host name is no part of it where there is anything else: it follows the network.
 */
export function thisDomain(env: NodeJS.ProcessEnv = process.env): Domain {
  if (process.platform !== 'linux') {
    const notes = process.platform === 'win32' && env.CLAUDE_CONFIG_DIR;
    const host = fingerprint(`${process.platform} ${machineId() ?? os.hostname()}`);
    return { host, boot: '', namespace: notes ? fingerprint(notes) : '' };
  }
  const machine = read('/etc/machine-id') || read('/var/lib/dbus/machine-id');
  const boot = read('/proc/sys/kernel/random/boot_id');
  return {
    host: machine ? fingerprint(machine) : boot ? '' : fingerprint(os.hostname()),
    boot: boot && fingerprint(boot),
    namespace: fingerprint(`${link('/proc/self/ns/pid')} ${link('/proc/self/ns/time')}`),
  };
}

/** When the machine booted, milliseconds since 1970 by its own clock. */
export const bootedAt = (): number => Date.now() - os.uptime() * 1000;

interface ProcStat {
  readonly command: string;
  readonly state: string;
  readonly parent: number;
  readonly start: string;
}

/** Fields of `/proc/<pid>/stat`; they count from the last parenthesis, since a command may contain any. Throws when it is refused. */
function procStat(pid: number): ProcStat | null {
  let text: string;
  try {
    text = askTwice(() => fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (cause) {
    if (mayPass(cause) || isRefusal(cause)) throw cause;
    return null;
  }
  const close = text.lastIndexOf(')');
  if (close < 0) return null;
  const fields = text.slice(close + 2).split(' ');
  return {
    command: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    start: fields[19] ?? '',
  };
}

/** Processes of other users may be hidden for good. */
function procStatOrRefused(pid: number): ProcStat | null {
  try {
    return procStat(pid);
  } catch (cause) {
    if (isRefusal(cause)) return null;
    throw cause;
  }
}

/**
 * Lines of `ps` about these processes, on systems without /proc; as many as there are. By its path, since a hook may have any PATH.
 * Throws when it could not be run. Node's module is loaded here only: Linux never pays for it.
 */
function ps(columns: string, pids: readonly number[]): string[] {
  const { spawnSync } = module.createRequire(process.execPath)(
    'node:child_process',
  ) as typeof import('node:child_process');
  const { error, stdout } = spawnSync('/bin/ps', ['-o', columns, '-p', pids.join()], {
    encoding: 'utf8',
    timeout: psLimitMs,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error) throw error;
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

const psLimitMs = 1000;

/** Some process has that pid. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What `ps` says of these processes: null for a zombie, nothing where it says nothing. Throws when it could not be run. */
function toldByPs(pids: readonly number[]): Map<number, string | null> {
  const told = new Map<number, string | null>();
  for (const line of ps('pid=,state=,lstart=', pids)) {
    const [pid, state = '', ...started] = line.trim().split(/\s+/);
    told.set(Number(pid), state.startsWith('Z') ? null : started.join(' '));
  }
  return told;
}

/** One that is there and of which `ps` said nothing is not dead: there may be no `ps` here, or none that may be run. */
const startAmong = (told: Map<number, string | null>, pid: number): string | null =>
  told.get(pid) ?? (told.has(pid) || !exists(pid) ? null : '');

/** The start times of processes as `startOf` tells them, asked for at once: without /proc each question costs a process. */
export function startsOf(pids: readonly number[]): Map<number, string | null> {
  let told = new Map<number, string | null>();
  const asked = pids.filter((pid) => Number.isSafeInteger(pid) && pid > 0 && pid < 2 ** 31);
  try {
    if (asked.length) told = toldByPs(asked);
  } catch {
    // Which of them exist is all that is known.
  }
  return new Map(asked.map((pid) => [pid, startAmong(told, pid)]));
}

/**
 * The start time of a live process as an opaque text; null when there is none with that pid or it is a zombie; empty where the
 * system does not tell start times (Windows) or could not be asked, so that only the pid's existence is known.
 */
export function startOf(pid: number): string | null {
  if (process.platform === 'win32') return exists(pid) ? '' : null;
  if (process.platform !== 'linux') return startsOf([pid]).get(pid) ?? null;
  try {
    const stat = procStat(pid);
    return stat && !'ZXx'.includes(stat.state) ? stat.start : null;
  } catch {
    // Dead is final, so nobody is called dead for a read that failed.
    return exists(pid) ? '' : null;
  }
}

/** As `startOf`, for who this is. Throws where another look may tell it: without it this would be somebody else until then. */
export function startOfSelf(pid: number): string | null {
  if (process.platform === 'linux') {
    const start = startOf(pid);
    if (start !== '') return start;
    throw Object.assign(new Error(`/proc/${pid}/stat cannot be read`), { code: 'EIO' });
  }
  if (process.platform === 'win32' || !exists(pid)) return startOf(pid);
  try {
    return startAmong(toldByPs([pid]), pid);
  } catch (cause) {
    if (mayPass(cause)) throw cause;
    return '';
  }
}

/** Parent and command of a process by `ps`; empty where it cannot be asked. */
function lineOf(pid: number): string {
  try {
    return ps('ppid=,comm=', [pid])[0]?.trim() ?? '';
  } catch {
    return '';
  }
}

/** The processes above this one, nearest first, with their command names; as far as the system tells. */
export function* ancestors(): Generator<{ pid: number; command: string }> {
  for (let pid = process.ppid, depth = 0; pid > 1 && depth < 12; depth++) {
    if (process.platform === 'linux') {
      const stat = procStatOrRefused(pid);
      if (!stat) return;
      yield { pid, command: stat.command };
      pid = stat.parent;
    } else if (process.platform === 'win32') {
      yield { pid, command: '' };
      return;
    } else {
      const [parent = '0', ...command] = lineOf(pid).split(/\s+/);
      yield { pid, command: command.join(' ').replace(/^.*\/|^-/g, '') };
      pid = Number(parent);
    }
  }
}
