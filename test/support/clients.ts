/** Stand-ins for the client: a hook knows its client by the pid in CLAUDE_PID, so any process that stays alive will do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface Client {
  readonly pid: number;
  /** SIGKILL, and gone for good when this returns. */
  kill(): Promise<void>;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Lives until it is killed; whoever starts it sees to that. */
export function startLongClient(): Client {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', env: { PATH: process.env.PATH } });
  if (child.pid === undefined) throw new Error('sleep does not start');
  return { pid: child.pid, kill: () => end(child) };
}

/** Lives until the end of the test at most. */
export function startClient(): Client {
  const client = startLongClient();
  onTestFinished(() => client.kill());
  return client;
}

/** Where clients live and hooks run. */
export interface Ground {
  /** What to put before a command, so that it runs there in this directory. */
  within(directory: string): readonly string[];
  /** Lives until it is killed. */
  startClient(): Promise<Client>;
  /** When that process was first looked up, milliseconds since 1970: what the gate compares. Long ago where there is no /proc. */
  firstSeen(pid: number): number;
}

export const thisMachine: Ground = {
  within: () => [],
  startClient: async () => startLongClient(),
  firstSeen: (pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.mtimeMs ?? 0,
};

/** Some shells compare times by the second: what is that much younger is younger to all of them. */
export const aSecondMs = 1100;

/** Until these processes are a second old, as the gate sees them. */
export const seasoned = (ground: Ground, pids: readonly number[]): Promise<void> =>
  pause(Math.max(0, ...pids.map((pid) => ground.firstSeen(pid) + aSecondMs - Date.now())));

/** Clients that are seasoned already. They are started ahead, so that hardly anybody waits for one. */
export interface SeasonedClients {
  next(): Promise<Client>;
  /** Ends those that nobody took. */
  end(): Promise<void>;
}

export function seasonedClients(ground: Ground, ahead: number): SeasonedClients {
  const start = async (): Promise<Client> => {
    const client = await ground.startClient();
    ground.firstSeen(client.pid);
    return client;
  };
  const waiting = Array.from({ length: ahead }, start);
  return {
    async next() {
      const client = await waiting.shift()!;
      waiting.push(start());
      await seasoned(ground, [client.pid]);
      return client;
    },
    async end() {
      for (const client of await Promise.all(waiting.splice(0))) await client.kill();
    },
  };
}
