/** A look at the store costs what is new and what lives, not what has ever been. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Observer } from '../../src/core/liveness.ts';
import type { Candidacy } from '../../src/core/member.ts';
import { blankSight, type Sight } from '../../src/core/notebook.ts';
import { checksum, RefusedError } from '../../src/core/store.ts';
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
async function storeOf(count: number, candidacyOf: (n: number) => Candidacy = () => 'eligible') {
  const store = fileStore(scratch());
  const join = (n: number, candidacy: Candidacy = 'eligible'): Promise<number> =>
    store.join(birth(`m${n}`, { candidacy, process: { pid: n, start: '', domain: here } }), 0);
  for (let n = 1; n <= count; n++) await join(n, candidacyOf(n));
  let read = 0;
  const counting: typeof store = {
    ...store,
    birth(seq) {
      read++;
      return store.birth(seq);
    },
  };
  const looked = async (
    own: Sight,
    recall?: (id: string) => Sight | null,
    more?: Pick<Parameters<typeof survey>[3] & object, 'unseen' | 'justSeen'>,
  ) => {
    read = 0;
    const seen = await survey(counting, observer, own, { ...more, ...(recall ? { recall } : {}) });
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
    // Those that live, the new one, the two that were asked, and those whose numbers may have been given again.
    expect(next.read).toBe(20 + 1 + 2 + 21);
    expect(next.sight).toEqual({
      ...sight,
      top: 42,
      sum: sumTo(42),
      watched: [...sight.watched, { first: 42, last: 42 }],
    });
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
    const joinedAt = new Date(observer.now).toISOString();
    await store.join(birth('far', { process: { pid: 4, start: '', domain: far }, joinedAt }), 0);
    const { sight } = await looked(blankSight);
    expect(Object.keys(sight.leases)).toEqual(['far']);
    const next = await looked(blankSight, () => ({ ...sight, leases: { far: { beat: '', since: -1e9 } } }));
    expect(next.sight.leases).toEqual(sight.leases);
    expect(next.seqs).toContain(21);
  });
});

describe('a newcomer in a crowd', () => {
  test('looks at those that joined last, and takes the others to be there until its next look', async () => {
    const { looked, join } = await storeOf(80);
    const { sight } = await looked(blankSight);
    const first = await looked(blankSight, () => sight, { unseen: 'crowd' });
    expect(first.seqs).toEqual(Array.from({ length: 16 }, (_, n) => 80 - 2 * n));
    expect([first.unseen, first.roster.whole]).toEqual([48, false]);
    // The newest was asked what it saw.
    expect(first.read).toBe(16 + 1);
    await join(82);
    const again = { unseen: first.unseen, justSeen: first.roster.members };
    const second = await looked(first.sight, undefined, again);
    expect([second.seqs.length, second.seqs[0], second.read]).toEqual([17, 81, 1]);
    const third = await looked(second.sight);
    expect([third.seqs.length, third.roster.whole]).toEqual([41, true]);
  });

  test.each<[string, (sight: Sight) => Sight, (n: number) => Candidacy]>([
    ['the master joined long ago', (sight) => sight, (n) => (n < 40 ? 'eligible' : 'declined')],
    ['nobody is eligible', (sight) => sight, () => 'fallback'],
    [
      'somebody runs elsewhere',
      (sight) => ({ ...sight, leases: { m2: { beat: '', since: 0 } } }),
      () => 'eligible',
    ],
  ])('looks at everybody where %s', async (_, changed, candidacyOf) => {
    const { looked } = await storeOf(80, candidacyOf);
    const all = await looked(blankSight);
    const next = await looked(blankSight, () => changed(all.sight), { unseen: 'crowd' });
    expect([next.roster, next.sight, next.unseen]).toEqual([all.roster, all.sight, 0]);
  });

  test('looks at everybody where a record is refused', async () => {
    const { store, looked } = await storeOf(80);
    const { sight } = await looked(blankSight);
    const refusing: typeof store = {
      ...store,
      birth: (seq) => (seq === 78 ? Promise.reject(new RefusedError(seq, 'refused')) : store.birth(seq)),
    };
    const seen = await survey(refusing, observer, blankSight, { recall: () => sight, unseen: 'crowd' });
    expect(seen.roster.members).toHaveLength(39);
    expect(seen.refused.map(({ of }) => of)).toEqual([78]);
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

describe('a number whose record somebody deleted', () => {
  const lose = (store: Awaited<ReturnType<typeof storeOf>>['store'], seq: number): void =>
    rmSync(join(store.place, 'seq', `${String(seq).padStart(12, '0')}.json`));

  test('is seen to be given again, though the numbers are the same', async () => {
    const { store, join, looked } = await storeOf(5);
    const { sight, seqs } = await looked(blankSight);
    expect(seqs).toEqual([4, 2]);
    lose(store, 5);
    expect(await join(6)).toBe(5);
    expect((await looked(sight)).seqs).toEqual([5, 4, 2]);
  });

  test('is seen below a number that came back', async () => {
    const { store, join, looked } = await storeOf(6);
    const { sight } = await looked(blankSight);
    const living = (await store.birth(6))!;
    for (const seq of [5, 6]) lose(store, seq);
    expect(await join(8)).toBe(5);
    expect(await store.refile(living, 6)).toBe(true);
    const next = await looked(sight);
    expect(next.seqs).toEqual([6, 5, 4, 2]);
    // From then on it is watched as all others are.
    expect((await looked(next.sight)).sight).toEqual(next.sight);
  });

  test('is seen by a newcomer that goes on from what others saw', async () => {
    const { store, join, looked } = await storeOf(41);
    const { sight } = await looked(blankSight);
    lose(store, 41);
    expect(await join(44)).toBe(41);
    const next = await looked(blankSight, (id) => (id === 'm44' ? sight : null));
    expect(next.seqs[0]).toBe(41);
  });

  test('is looked for among the newest only, and not where a member has a later number', async () => {
    const { store, join, looked } = await storeOf(400, () => 'eligible');
    const again = { ...(await store.birth(2))! };
    await store.join(again, 0);
    await join(402);
    const { sight } = await looked(blankSight);
    const next = await looked(sight);
    expect(next.sight).toEqual(sight);
    // Those that live, and of the others the newest.
    expect(next.read).toBe(201 + 64);
  });
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
