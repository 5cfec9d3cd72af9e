/** A look at the store costs what is new and what lives, not what has ever been. */
import { describe, expect, test } from 'vitest';
import type { Observer } from '../../src/core/liveness.ts';
import { blankSight, type Sight } from '../../src/core/notebook.ts';
import { checksum } from '../../src/core/store.ts';
import { survey } from '../../src/flows/survey.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { birth, here, presence } from '../support/records.ts';
import { scratch } from '../support/scratch.ts';

/** Processes with an even number live. */
const observer: Observer = {
  domain: here,
  now: Date.parse('2026-11-22T10:00:00.000Z'),
  monotonic: 0,
  bootedAt: () => 0,
  leaseMs: 1000,
  startOf: (pid) => (pid % 2 === 0 ? '' : null),
  lives: () => false,
};

const sumTo = (top: number): number => checksum(Array.from({ length: top }, (_, n) => n + 1));

/** A store with so many members, of which the even ones live, and how many births were read in it. */
async function storeOf(count: number) {
  const store = fileStore(scratch());
  const join = (n: number): Promise<number> =>
    store.join(birth(`m${n}`, { process: { pid: n, start: '', domain: here } }), 0);
  for (let n = 1; n <= count; n++) await join(n);
  let read = 0;
  const counting: typeof store = {
    ...store,
    birth(seq) {
      read++;
      return store.birth(seq);
    },
  };
  const looked = async (own: Sight, recall?: (id: string) => Sight | null) => {
    read = 0;
    const seen = await survey(counting, observer, own, recall ? { recall } : {});
    return { ...seen, seqs: seen.roster.members.map(({ seq }) => seq), read };
  };
  return { store, join, looked };
}

describe('a first look', () => {
  test('asks nobody about a short past', async () => {
    const { looked } = await storeOf(16);
    const { seqs } = await looked(blankSight, () => ({ ...blankSight, top: 16, sum: sumTo(16) }));
    expect(seqs).toHaveLength(8);
  });

  test('goes on from where the newest member got to', async () => {
    const { join, looked } = await storeOf(41);
    const { sight, seqs } = await looked(blankSight);
    await join(42);
    const asked: string[] = [];
    const next = await looked(blankSight, (id) => {
      asked.push(id);
      return id === 'm41' ? sight : null;
    });
    expect(asked).toEqual(['m42', 'm41']);
    expect(next.seqs).toEqual([42, ...seqs]);
    // Those that live, the new one, and the two that were asked.
    expect(next.read).toBe(20 + 1 + 2);
    expect(next.sight).toEqual({ ...sight, top: 42, sum: sumTo(42), watched: [42, ...sight.watched] });
  });

  test.each<[string, (sight: Sight) => Sight | null]>([
    ['is of another store', (sight) => ({ ...sight, top: 999 })],
    ['was of other numbers', (sight) => ({ ...sight, sum: 999 })],
    ['is blank', () => blankSight],
    ['is lost', () => null],
  ])('reads everything when what the newest member saw %s', async (_, spoilt) => {
    const { looked } = await storeOf(41);
    const { sight, seqs } = await looked(blankSight);
    const next = await looked(blankSight, () => spoilt(sight));
    expect(next.seqs).toEqual(seqs);
    expect(next.sight).toEqual(sight);
  });

  test('does not take over leases, which are of another clock', async () => {
    const { store, looked } = await storeOf(20);
    const far = { ...here, host: 'host-b' };
    await store.join(birth('far', { process: { pid: 4, start: '', domain: far } }), 0);
    const { sight } = await looked(blankSight);
    expect(Object.keys(sight.leases)).toEqual(['far']);
    const next = await looked(blankSight, () => ({ ...sight, leases: { far: { beat: '', since: -1e9 } } }));
    expect(next.sight.leases).toEqual(sight.leases);
    expect(next.seqs).toContain(21);
  });
});

test('everything is looked at again when a number comes back while another one goes', async () => {
  const { store, looked } = await storeOf(8);
  const lost = (await store.birth(4))!;
  await store.forget({ seqs: [4] });
  const { sight, seqs } = await looked(blankSight);
  expect(seqs).toEqual([8, 6, 2]);
  await store.refile(lost, 4);
  await store.forget({ seqs: [3] });
  expect((await looked(sight)).seqs).toEqual([8, 6, 4, 2]);
});

test('whoever was seen just now is not looked at again', async () => {
  const { store, join, looked } = await storeOf(8);
  const { sight, roster } = await looked(blankSight);
  await join(9);
  await join(10);
  const untouchable = {
    ...store,
    presence: (id: string) => (id === 'm2' ? Promise.reject() : store.presence(id)),
  };
  const next = await survey(untouchable, observer, sight, { justSeen: roster.members });
  expect(next.roster.members.map(({ seq }) => seq)).toEqual([10, 8, 6, 4, 2]);
});

describe('who ended without a word', () => {
  test('is remembered, newest first, and no more than twenty', async () => {
    const { looked, join } = await storeOf(61);
    const { sight } = await looked(blankSight);
    expect(sight.silent).toEqual(Array.from({ length: 20 }, (_, n) => 61 - 2 * n));
    await join(63);
    expect((await looked(sight)).sight.silent).toEqual([62, ...sight.silent.slice(0, 19)]);
  });

  test('has not left', async () => {
    const { store, looked } = await storeOf(3);
    await store.announce('m3', presence({ left: { seq: 3, at: '', reason: 'logout' } }));
    expect((await looked(blankSight)).sight.silent).toEqual([1]);
  });
});
