/** A pid namespace for a test: there the numbers of processes can be chosen, so that one comes again. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Client, Ground } from './clients.ts';

const unshare = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
const lastPid = '/proc/sys/kernel/ns_last_pid';
const env = { PATH: process.env.PATH };

const can = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', env }).status === 0;

/** What this machine lacks for one; empty when it lacks nothing. */
export const pidNamespaceNeeds: string =
  process.platform === 'linux' &&
  can('unshare', ...unshare, 'sh', '-c', `echo 100 >${lastPid}`) &&
  can('nsenter', '--version') &&
  can('setpriv', '--version')
    ? ''
    : 'unshare, nsenter and setpriv, and the right to make user namespaces';

async function saidFirst(stream: Readable): Promise<string> {
  for await (const text of stream) return String(text);
  throw new Error('a process in a pid namespace did not start');
}

export interface PidNamespace extends Ground {
  /** A client with this number, which another process had and nobody has now. */
  startAgain(pid: number): Promise<Client>;
  /** Ends it, and every process in it. */
  end(): Promise<void>;
}

export async function pidNamespace(): Promise<PidNamespace> {
  // The first process in there ends with its stdin, at the latest when this process does, and everything else with the first.
  const first = spawn('unshare', [...unshare, 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  await saidFirst(first.stdout);
  const { pid: outside } = first;
  const directoryOf = (pid: number): string => join('/proc', `${outside}`, 'root', 'proc', `${pid}`);
  const enter = [
    'nsenter',
    ...[`--target=${outside}`, '--user', '--preserve-credentials', '--mount'],
    `--pid=/proc/${outside}/ns/pid_for_children`,
  ];
  const shell = (script: string, ...args: string[]): string => {
    const [command, ...rest] = [...enter, 'sh', '-c', script, 'sh', ...args];
    const { status, stdout, stderr } = spawnSync(command!, rest, { encoding: 'utf8', env });
    if (status !== 0) throw new Error(`${script} in the namespace: ${stderr}`);
    return stdout.trim();
  };

  async function start(): Promise<Client> {
    const [command, ...rest] = [...enter, 'sh', '-c', 'echo $$; exec sleep 1000'];
    // It waits for the client, so the number is free again when this one has ended.
    const parent = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'], env });
    const pid = Number(await saidFirst(parent.stdout));
    // While it is open the kernel does not drop its date to look it up anew.
    const held = openSync(directoryOf(pid), 'r');
    parent.once('exit', () => closeSync(held));
    return {
      pid,
      async kill() {
        if (parent.exitCode !== null || parent.signalCode !== null) return;
        const gone = once(parent, 'exit');
        shell('kill -9 "$1"', String(pid));
        await gone;
      },
    };
  }

  // Only one start at a time, so that none takes the number meant for another.
  let latest: Promise<unknown> = Promise.resolve();
  const inOrder = (act: () => Promise<Client>): Promise<Client> => {
    const client = latest.then(act);
    latest = client.catch(() => {});
    return client;
  };

  return {
    within: (directory) => [...enter, `--wd=${directory}`, 'setpriv', '--pdeathsig', 'KILL'],
    startClient: () => inOrder(start),
    startAgain: (pid) =>
      inOrder(async () => {
        const before = shell(`cat ${lastPid}; echo $(($1 - 1)) >${lastPid}`, String(pid));
        const client = await start();
        // Nobody else gets a number for the second time.
        shell(`echo "$1" >${lastPid}`, before);
        if (client.pid !== pid) throw new Error(`process ${pid} did not come again, but ${client.pid}`);
        return client;
      }),
    firstSeen: (pid) => statSync(directoryOf(pid), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    async end() {
      const gone = once(first, 'exit');
      first.stdin.end();
      await gone;
    },
  };
}
