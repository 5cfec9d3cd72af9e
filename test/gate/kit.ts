/** Hooks that come through the gate, in every shell that is here. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { sharedCache } from '../support/built.ts';
import { aSecondMs } from '../support/clients.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';

/** Most systems call bash `sh`, and by that name it behaves: it reads no file of the user's first. */
function bashAsSh(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flowloom-sh-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const found = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'bash'));
  symlinkSync(found.find((path) => existsSync(path)) ?? '/nowhere', join(folder, 'sh'));
  return join(folder, 'sh');
}

const candidates: readonly [name: string, ...command: string[]][] = [
  ['dash', 'dash'],
  ['bash', bashAsSh()],
  ['busybox', 'busybox', 'sh'],
];

/** Command lines of POSIX shells; those that are missing are told. */
export const shells = candidates.map(([name, ...shell]) => ({
  name,
  shell,
  isHere:
    spawnSync(shell[0]!, [...shell.slice(1), '-c', ':'], { env: { PATH: process.env.PATH } }).status === 0,
}));

/** busybox compares times by the second, so an answer is older than what was there a second before. */
export const aSecond = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, aSecondMs));

/** The session's answer, where the gate looks for it. */
export const readyFile = (session: SessionUnderTest): string =>
  join(sharedCache, 'flowloom', 'ready', session.id);
export const readyText = (session: SessionUnderTest): string =>
  existsSync(readyFile(session)) ? readFileSync(readyFile(session), 'utf8') : '';

export const isByGate = (fired: Fired): boolean => fired.stderr.includes('answered without Node');

/** A prompt or a batch through the gate, with word of who answered. */
export const through = (shell: readonly string[], more: Fire = {}): Fire => ({
  ...more,
  gate: shell,
  env: { FLOWLOOM_DEBUG: '1', ...more.env },
});

/** A session that was told everything there is, with its answer prepared. */
export async function steadySession(
  place: World,
  shell: readonly string[],
  options: Parameters<World['session']>[0] = {},
): Promise<SessionUnderTest> {
  const session = place.session(options);
  await session.start();
  await session.prompt('add a hello file', through(shell));
  return session;
}

/** Two steady sessions of one repository; the second is master. */
export async function pair(
  shell: readonly string[],
): Promise<{ place: World; worker: SessionUnderTest; master: SessionUnderTest }> {
  const place = world();
  const worker = await steadySession(place, shell);
  const master = await steadySession(place, shell);
  await aSecond();
  await worker.prompt('go on', through(shell));
  await master.prompt('go on', through(shell));
  return { place, worker, master };
}

/** Until the gate answers: times count in seconds for some shells, and a process may have been looked at just now. */
export async function settle(session: SessionUnderTest, shell: readonly string[]): Promise<Fired> {
  let fired: Fired | undefined;
  await vi.waitFor(
    async () => {
      fired = await session.prompt('go on', through(shell));
      expect(isByGate(fired)).toBe(true);
    },
    { timeout: 20_000, interval: 300 },
  );
  return fired!;
}
