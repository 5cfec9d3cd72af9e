/**
 * Many sessions start at the same moment, and some of their hooks are killed at any point of their work.
 * FLOWLOOM_RACE_ROUNDS sets how often (5 unless told).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { type Client, startLongClient } from '../support/clients.ts';
import { births, logLines, notes } from '../support/state.ts';
import { type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';

const rounds = Number(process.env.FLOWLOOM_RACE_ROUNDS ?? 5);
const crowd = 50;
/** So many processes share few cores; only one that hangs takes this long. */
const patience = 60_000;

const clients: Client[] = [];
beforeAll(() => {
  for (let i = 0; i < crowd; i++) clients.push(startLongClient());
});
afterAll(() => Promise.all(clients.map((client) => client.kill())));

const everybody = (w: World): SessionUnderTest[] => clients.map((client) => w.session({ client }));

function expectWell(fired: readonly Fired[]): void {
  for (const { code, signal, stderr } of fired) expect([code, signal, stderr]).toEqual([0, null, '']);
}

/** A hook that found no time on a crowded machine says so in the log and joins at the next one. */
const gaveUp = (w: World): number => logLines(w.base).filter(({ code }) => code === 'too-slow').length;

/** In the first round everybody is asked, later every fifth and the ones at both ends. */
const someOf = (sessions: readonly SessionUnderTest[], round: number): readonly SessionUnderTest[] =>
  round === 1
    ? sessions
    : sessions.filter((_, index) => index % 5 === round % 5 || index === 0 || index === sessions.length - 1);

/** Once those that gave up have joined, all see the same. */
async function expectOneMaster(
  w: World,
  sessions: readonly SessionUnderTest[],
  asked: readonly SessionUnderTest[],
): Promise<void> {
  const late = sessions.filter(
    ({ client }) => !births(w.state).some(({ birth }) => birth.process.pid === client.pid),
  );
  for (const one of late) expectWell([await one.prompt('hello', { patience })]);
  const joined = births(w.state);
  const seqs = joined.map(({ seq }) => seq);
  expect(new Set(seqs).size).toBe(seqs.length);
  expect(new Set(joined.map(({ birth }) => birth.id)).size, 'each process joined once').toBe(joined.length);
  expect(joined.map(({ birth }) => birth.process.pid).sort()).toEqual(
    sessions.map(({ client }) => client.pid).sort(),
  );
  const epoch = Math.max(...seqs);
  const master = joined.find(({ seq }) => seq === epoch)!.birth.process.pid;

  const told: Fired[] = [];
  for (let i = 0; i < asked.length; i += 10)
    told.push(
      ...(await Promise.all(asked.slice(i, i + 10).map((one) => one.prompt('who is master?', { patience })))),
    );
  expectWell(told);
  for (const [index, { context }] of told.entries()) {
    const role = asked[index]!.client.pid === master ? 'master' : 'worker';
    expect(context).toMatch(
      new RegExp(`^You are ${role} \\(epoch ${epoch}\\)[^\\n]*${sessions.length} live sessions`),
    );
  }
  expect(await fileStore(w.state).damaged()).toEqual([]);
}

describe(`${crowd} sessions that start at the same moment`, () => {
  test.each(Array.from({ length: rounds }, (_, round) => round + 1))(
    'round %i: distinct numbers, none lost, one master in the eyes of all',
    async (round) => {
      const w = world({ name: 'race' });
      const sessions = everybody(w);
      const started = await Promise.all(sessions.map((one) => one.start('startup', { patience })));
      expectWell(started);
      const silent = started.filter(({ context }) => context === '').length;
      expect(silent, 'a hook is silent only when it found no time').toBeLessThanOrEqual(gaveUp(w));
      for (const { context } of started)
        if (context) expect(context).toMatch(/^You are (?:master|worker) \(epoch \d+\)/);
      await expectOneMaster(w, sessions, someOf(sessions, round));
    },
    600_000,
  );
});

describe(`${crowd} sessions, every fifth hook killed at a random moment`, () => {
  test.each(Array.from({ length: Math.ceil(rounds / 2) }, (_, round) => round + 1))(
    'round %i: nothing half, no number twice, and the killed ones join at their next hook',
    async (round) => {
      const w = world({ name: 'race' });
      const sessions = everybody(w);
      const started = await Promise.all(
        sessions.map((one, index) =>
          one.start(
            'startup',
            index % 5 === 0 ? { killAfter: 20 + Math.floor(Math.random() * 1500) } : { patience },
          ),
        ),
      );
      expectWell(started.filter((_, index) => index % 5 !== 0));
      await expectOneMaster(w, sessions, someOf(sessions, round));
    },
    600_000,
  );
});

test('hooks of every kind of twelve sessions at once leave every record whole', async () => {
  const w = world({ name: 'race' });
  const sessions = everybody(w).slice(0, 12);
  await Promise.all(sessions.map((one) => one.start('startup', { patience })));
  for (let round = 0; round < 2; round++) {
    const fired = await Promise.all(
      sessions.flatMap((one, index) => [
        one.prompt(`goal ${index}`, { patience }),
        one.tools(undefined, { patience }),
        one.stop(`said by ${index} in round ${round}`, { patience }),
        ...(index % 4 === 0 ? [one.stop('x', { killAfter: 50 + Math.floor(Math.random() * 400) })] : []),
      ]),
    );
    expectWell(fired.filter((_, index) => fired[index]!.signal === null));
  }
  expect(await fileStore(w.state).damaged()).toEqual([]);
  expect(births(w.state)).toHaveLength(12);
  for (const [index, one] of sessions.entries()) {
    expectWell([await one.stop(`the last words of ${index}`, { patience })]);
    expect(
      Object.values(notes(w.state)).filter((note) => note.includes(`the last words of ${index}\n`)),
    ).toHaveLength(1);
  }
});
