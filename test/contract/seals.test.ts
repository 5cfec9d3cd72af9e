/** A seal is there as long as what others are told of stayed the same. */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { sealsIn } from '../../src/stores/seals.ts';
import { birth, presence } from '../support/records.ts';
import { scratch } from '../support/scratch.ts';

const opened = async () => {
  const place = scratch('seals');
  const store = fileStore(place);
  await store.ready();
  await store.join(birth('ada'), 0);
  await store.announce('ada', presence());
  const taken = await store.seal!('ada');
  if (!taken) throw new Error('no seal');
  return { place, store, ...taken };
};

describe('a seal is broken by', () => {
  test('a join', async () => {
    const { store, seal } = await opened();
    await store.join(birth('bob'), 0);
    expect(existsSync(seal)).toBe(false);
  });

  test('a join that is filed again', async () => {
    const { store, seal } = await opened();
    await store.refile(birth('bob'), 7);
    expect(existsSync(seal)).toBe(false);
  });

  test('a member that leaves, is renamed, or tells of itself for the first time', async () => {
    const left = { seq: 1, at: '2026-11-22T09:00:00.000Z', reason: 'other' };
    for (const change of [{ left }, { name: 'till' }]) {
      const { store, seal } = await opened();
      await store.announce('ada', { ...presence(), ...change });
      expect(existsSync(seal)).toBe(false);
    }
    const { store, seal } = await opened();
    await store.announce('bob', presence());
    expect(existsSync(seal)).toBe(false);
  });

  test('forgetting', async () => {
    const { store, seal } = await opened();
    await store.forget({ members: ['ada'] });
    expect(existsSync(seal)).toBe(false);
  });

  test('nothing else: what a member does is told at session starts only, which read it', async () => {
    const { store, seal } = await opened();
    await store.announce('ada', { ...presence(), doing: 'something else', branch: 'other' });
    await store.renew('ada');
    await store.putHandoff('000001-abc', 'note');
    expect(existsSync(seal)).toBe(true);
    expect(await store.seal!('ada')).toMatchObject({ seal });
  });
});

test('the beat counts as one, once somebody wrote to it', async () => {
  const { store, beat } = await opened();
  const before = (await store.presence('ada'))!;
  expect(before.seenAt).toBeGreaterThan(0);
  expect(statSync(beat).mtimeMs).toBe(0);
  const later = new Date(before.seenAt + 60_000);
  utimesSync(beat, later, later);
  const after = (await store.presence('ada'))!;
  expect([Math.round(after.seenAt), after.beat === before.beat]).toEqual([
    Math.round(later.getTime()),
    false,
  ]);
});

describe('a writer that is killed in the middle', () => {
  test('leaves no seal that outlives its change, whenever others take theirs', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (before, during) => {
        const directory = join(scratch('seals'), 'seals');
        const seals = sealsIn(directory);
        const taken: (string | null)[] = [];
        if (before) taken.push(seals.take());
        const killed = new Error('killed');
        // As a kill would: nothing after the change is done.
        const mark = (): string => readdirSync(directory).find((name) => name.endsWith('.writing'))!;
        let kept = '';
        expect(() =>
          sealsIn(directory).breaking(() => {
            if (during) taken.push(seals.take());
            kept = mark();
            throw killed;
          }),
        ).toThrow(killed);
        writeFileSync(join(directory, kept), '');
        taken.push(seals.take());
        for (const seal of taken) expect(seal === null || !existsSync(seal)).toBe(true);
        // After a while its mark is given up, with everything that was sealed before.
        utimesSync(join(directory, kept), 1, 1);
        const fresh = seals.take();
        expect(fresh && existsSync(fresh)).toBe(true);
        expect(taken).not.toContain(fresh);
      }),
    );
  });
});

test('something else in its place keeps nobody from joining, and seals nothing', async () => {
  const { place, store } = await opened();
  rmSync(join(place, 'seals'), { recursive: true });
  writeFileSync(join(place, 'seals'), '');
  expect(await store.join(birth('bob'), 0)).toBe(2);
  expect(await store.seal!('ada')).toBeNull();
});

test('files of others in its directory stay', async () => {
  const { place, store } = await opened();
  mkdirSync(join(place, 'seals', 'mine'));
  writeFileSync(join(place, 'seals', 'README'), 'mine');
  await store.join(birth('bob'), 0);
  expect(readdirSync(join(place, 'seals')).sort()).toEqual(['README', 'mine']);
});
