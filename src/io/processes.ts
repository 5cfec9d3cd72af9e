/** What this machine says about itself and its processes. */
import fs from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import type { Domain } from '../core/member.ts';
import { fingerprint } from './fingerprint.ts';
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
 * The domain this process lives in. Linux: machine id and host name, boot id, pid and time namespace (a time namespace shifts
 * start times). Elsewhere start times are absolute, so host alone says it.
 */
export function thisDomain(): Domain {
  if (process.platform !== 'linux')
    return { host: fingerprint(`${process.platform} ${os.hostname()}`), boot: '', namespace: '' };
  const machine = read('/etc/machine-id') || read('/var/lib/dbus/machine-id');
  return {
    host: fingerprint(`${machine} ${read('/proc/sys/kernel/hostname') || os.hostname()}`),
    boot: fingerprint(read('/proc/sys/kernel/random/boot_id')),
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

/** `ps` columns of a process on systems without /proc; empty when it is not there. Loaded here only: Linux never pays for it. */
function ps(columns: string, pid: number): string {
  const { execFileSync } = module.createRequire(process.execPath)(
    'node:child_process',
  ) as typeof import('node:child_process');
  try {
    return execFileSync('ps', ['-o', columns, '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 1000,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

/** Some process has that pid. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The start time of a live process as an opaque text; null when there is none with that pid or it is a zombie; empty where the
 * system does not tell start times (Windows) or could not be asked, so that only the pid's existence is known.
 */
export function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = procStat(pid);
      return stat && !'ZXx'.includes(stat.state) ? stat.start : null;
    } catch {
      // Dead is final, so nobody is called dead for a read that failed.
      return exists(pid) ? '' : null;
    }
  }
  if (!exists(pid)) return null;
  if (process.platform === 'win32') return '';
  const [state = '', ...started] = ps('state=,lstart=', pid).split(/\s+/);
  return state === '' || state.startsWith('Z') ? null : started.join(' ');
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
      const [parent = '0', ...command] = ps('ppid=,comm=', pid).split(/\s+/);
      yield { pid, command: command.join(' ').replace(/^.*\/|^-/g, '') };
      pid = Number(parent);
    }
  }
}
