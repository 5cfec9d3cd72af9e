/** Stand-ins for the client: a hook knows its client by the pid in CLAUDE_PID, so any process that stays alive will do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
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
