/** Members that share the graph and nothing else: a container, another user's state directory, the next rung of the ladder. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { graphAt, graphOf, linesOf, rewrite, theirs } from '../support/graph.ts';
import { bundled, run } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { scratch, write } from '../support/scratch.ts';

const fresh = (): string => {
  const place = scratch('elsewhere');
  write(graphOf(place), theirs);
  return place;
};

test('see each other: births, what matters of a presence, finished handoffs', async () => {
  const place = fresh();
  const [here, there] = [graphAt(place, join(place, 'here')), graphAt(place, join(place, 'there'))];
  await here.announce('a', presence({ name: 'api' }));
  const seq = await here.join(birth('a'), 0);
  await here.putHandoff('000001-abc', 'a checkpoint');
  expect(await there.birth(seq)).toEqual(birth('a'));
  expect((await there.presence('a'))?.presence).toEqual(presence({ name: 'api' }));
  expect(await there.memberIds()).toEqual(['a']);
  expect(await there.handoffs()).toEqual([]);
  expect(await there.join(birth('b'), 0)).toBeGreaterThan(seq);

  await here.putHandoff('000001-abc', 'complete', { durable: true });
  expect(await there.handoff('000001-abc')).toBe('complete');
  expect(there.handoffPlace('000001-abc')).toBe(`flowloom:handoff:shop-abc:000001-abc in ${graphOf(place)}`);
  await here.announce('a', presence({ left: { seq, at: 'now', reason: 'other' } }));
  expect((await there.presence('a'))?.presence.left?.seq).toBe(seq);
});

test('a member that moves tells its news where it is, and what it left behind does not hide them', async () => {
  const place = fresh();
  const [before, now] = [graphAt(place, join(place, 'before')), graphAt(place, join(place, 'now'))];
  await before.announce('a', presence({ branch: 'old' }));
  const seq = await before.join(birth('a'), 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await now.announce('a', presence({ branch: 'new' }));
  expect((await before.presence('a'))?.presence.branch).toBe('new');
  expect(await now.refile(birth('a'), seq)).toBe(true);
});

test('of several reconstructions the first in the graph stays, for everybody', async () => {
  const place = fresh();
  const [here, there] = [graphAt(place, join(place, 'here')), graphAt(place, join(place, 'there'))];
  const first = { first: true, durable: true };
  expect(await here.putHandoff('000001-abc.reconstructed', 'one', first)).toBe(true);
  expect(await there.putHandoff('000001-abc.reconstructed', 'two', first)).toBe(false);
  for (const store of [here, there]) expect(await store.handoff('000001-abc.reconstructed')).toBe('one');
});

test('forget for themselves: what one does not look at any more is still there for the other', async () => {
  const place = fresh();
  const [here, there] = [graphAt(place, join(place, 'here')), graphAt(place, join(place, 'there'))];
  const seq = await here.join(birth('a'), 0);
  const last = await there.join(birth('b'), 0);
  await here.putHandoff('000001-abc', 'complete', { durable: true });
  const before = linesOf(graphOf(place));
  await here.forget({ seqs: [seq, last], members: ['a', 'b'] });
  await here.dropHandoff('000001-abc');
  expect([(await here.numbers()).above, await here.handoffs()]).toEqual([[last], []]);
  expect([(await there.numbers()).above, await there.handoffs()]).toEqual([[seq, last], ['000001-abc']]);
  expect(linesOf(graphOf(place))).toEqual(before);
  await there.putHandoff('000001-abc', 'written again', { durable: true });
  expect(await here.handoff('000001-abc')).toBe('written again');
});

const joiner = bundled(`
  import { graphAt } from './test/support/graph.ts';
  const [place, who, birth, startAt] = process.argv.slice(2);
  (async () => {
    const store = graphAt(place, place + '/state-' + who);
    while (Date.now() < Number(startAt));
    const done = [];
    for (let i = 0; i < 8; i++) {
      const from = String(process.hrtime.bigint());
      const seq = await store.join({ ...JSON.parse(birth), id: who + '-' + i }, 0);
      done.push([seq, who + '-' + i, from, String(process.hrtime.bigint())]);
    }
    console.log(JSON.stringify(done));
  })();
`);

test('race for numbers: the file alone makes them distinct, and keeps the order of time', async () => {
  const place = fresh();
  const startAt = String(Date.now() + 1000);
  const said = await Promise.all(
    Array.from({ length: 8 }, (_, i) => run(joiner, [place, `p${i}`, JSON.stringify(birth('x')), startAt])),
  );
  const joins = said.flatMap((text) => JSON.parse(text) as [number, string, string, string][]);
  expect(new Set(joins.map(([seq]) => seq)).size).toBe(64);
  const reader = graphAt(place, join(place, 'reader'));
  expect((await reader.numbers()).above).toEqual(joins.map(([seq]) => seq).sort((a, b) => a - b));
  for (const [seq, id] of joins) expect((await reader.birth(seq))?.id).toBe(id);
  for (const [seq, , , end] of joins)
    for (const [other, , start] of joins) if (BigInt(end) < BigInt(start)) expect(seq).toBeLessThan(other);
});

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ join: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ refile: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ dropped: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ foreign: fc.constantFrom(theirs, '{ half', '\n') }) },
);

test('for any joins at three places and any lines that are dropped, one place never gives a number twice, and who files again has its number or is told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
      const place = fresh();
      const given: { at: number; id: string; seq: number }[] = [];
      for (const one of steps) {
        if ('join' in one) {
          const id = `m${given.length}`;
          const seq = await graphAt(place, join(place, `${one.join}`)).join(birth(id), 0);
          for (const { at, seq: earlier } of given) if (at === one.join) expect(seq).toBeGreaterThan(earlier);
          given.push({ at: one.join, id, seq });
        } else if ('refile' in one) {
          const again = given[one.refile % Math.max(1, given.length)];
          if (!again) continue;
          const filed = await graphAt(place, join(place, `${again.at}`)).refile(birth(again.id), again.seq);
          const owner = (await graphAt(place, join(place, 'reader')).birth(again.seq))?.id;
          expect([filed, owner === again.id]).toEqual([filed, filed]);
        } else if ('dropped' in one) {
          const isOurs = (line: string): boolean => line.includes('flowloom:session:');
          let ours = 0;
          rewrite(graphOf(place), (lines) =>
            lines.filter((line) => !isOurs(line) || !one.dropped.includes(ours++)),
          );
        } else rewrite(graphOf(place), (lines) => [...lines, one.foreign]);
      }
      // Whoever read the same file sees the same.
      const views = await Promise.all(
        [0, 1, 2].map(async (at) => {
          const store = graphAt(place, join(place, `${at}`));
          const { above } = await store.numbers();
          return Promise.all(above.map(async (seq) => [seq, (await store.birth(seq))?.id]));
        }),
      );
      expect(views[1]).toEqual(views[0]);
      expect(views[2]).toEqual(views[0]);
      rmSync(place, { recursive: true });
    }),
    { numRuns: 40 },
  );
});
