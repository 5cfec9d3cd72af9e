import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * What tells a process from a later one with the same number: its start time, as an opaque text. null when no such
 * process runs; a zombie does not run.
 */
export function processStart(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The second field may hold spaces and parentheses, so count from the last one.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? null : (fields[19] ?? null);
    } catch {
      return null;
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}

export const isRunning = (pid: number) => processStart(pid) !== null;

/** Processes in whose environment this variable has this value. Empty where the system does not tell. */
export function processesWith(name: string, value: string): { pid: number; command: string }[] {
  if (process.platform !== 'linux') return [];
  const read = (pid: string, file: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
    } catch {
      return [];
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && read(pid, 'environ').includes(`${name}=${value}`))
    .filter((pid) => isRunning(Number(pid)))
    .map((pid) => ({ pid: Number(pid), command: read(pid, 'cmdline').join(' ') }));
}

/** Asks every few milliseconds until the answer is truthy. Throws with `what` (a text, or made late) when time is up. */
export async function until<T>(
  ask: () => T | undefined | null | false,
  what: string | (() => string),
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = ask();
    if (found) return found;
    if (Date.now() > end) {
      throw new Error(`Waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
