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

/** When that process was first looked up, milliseconds since 1970: what the gate compares. Long ago where there is no /proc. */
export const firstSeen = (pid: number): number =>
  statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Some shells compare times by the second: what is that much younger is younger to all of them. */
export const aSecondMs = 1100;

/** Clients that were first looked up more than a second ago. They are started ahead, so that hardly anybody waits for one. */
export interface SeasonedClients {
  next(): Promise<Client>;
  /** Ends those that nobody took. */
  end(): Promise<void>;
}

export function seasonedClients(ahead: number): SeasonedClients {
  const waiting: { client: Client; since: number }[] = [];
  const fill = (): void => {
    while (waiting.length < ahead) {
      const client = startLongClient();
      waiting.push({ client, since: firstSeen(client.pid) });
    }
  };
  fill();
  return {
    async next() {
      const { client, since } = waiting.shift()!;
      fill();
      await pause(Math.max(0, since + aSecondMs - Date.now()));
      return client;
    },
    async end() {
      for (const { client } of waiting.splice(0)) await client.kill();
    },
  };
}
