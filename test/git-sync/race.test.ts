/** Several clones of one remote, with real processes that race: one order, one master in everyone's view. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundled, run } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { git } from '../support/scratch.ts';
import { fleet, livingProcess, type Machine, settle } from './machines.ts';

const joining = bundled(`
  import { gitStore } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'stores', 'git-store.ts'))};
  import { locateScope } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'io', 'scope.ts'))};
  const [root, who, count, birth, presence, config] = process.argv.slice(2);
  (async () => {
    const scope = locateScope(root);
    const store = gitStore({ place: scope.commonDir + '/flowloom', scope, config: JSON.parse(config), env: process.env });
    for (let i = 0; i < Number(count); i++) {
      const id = who + '-' + i;
      await store.join({ ...JSON.parse(birth), id }, 0);
      await store.announce(id, { ...JSON.parse(presence), name: id });
    }
    console.log('done');
  })();
`);

const joinedApart = (machine: Machine, count: number): Promise<string> =>
  run(joining, [
    machine.root,
    machine.name,
    String(count),
    JSON.stringify(birth('x', { process: livingProcess })),
    JSON.stringify(presence()),
    JSON.stringify(machine.site().config),
  ]);

async function expectOneOrder(machines: readonly Machine[], remote: string, members: number): Promise<void> {
  const [first, ...others] = await Promise.all(machines.map((one) => one.numbers()));
  for (const other of others) expect(other).toEqual(first);
  const ids = Object.values(first!);
  expect(ids).toHaveLength(members);
  expect(new Set(ids).size).toBe(members);
  const numbers = new Map(Object.entries(first!).map(([seq, id]) => [id, Number(seq)]));
  for (const [id, seq] of numbers) {
    const [, who, n] = /^(.*)-(\d+)$/.exec(id)!;
    const before = numbers.get(`${who}-${Number(n) - 1}`) ?? 0;
    expect(seq, `${id} joined after the one before it`).toBeGreaterThan(before);
  }
  const masters = await Promise.all(machines.map(async (one) => (await one.roster()).master));
  for (const master of masters) {
    expect(master?.birth.id).toBe(ids.at(-1));
    expect(master?.seq).toBe(Number(Object.keys(first!).at(-1)));
  }
  for (const one of machines) {
    expect(await one.store().damaged()).toEqual([]);
    expect((await one.roster()).members).toHaveLength(members);
    expect(git(one.coord, 'fsck', '--strict', '--no-dangling')).toBe('');
  }
  const there = git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq').split('\n');
  expect(there.map((ref) => Number(ref.split('/').at(-1)))).toEqual(Object.keys(first!).map(Number));
  expect(git(remote, 'fsck', '--strict', '--no-dangling')).toBe('');
}

describe.each([
  [2, 4, 'sha1'],
  [8, 3, 'sha1'],
  [2, 2, 'sha256'],
])('%d clones with %d sessions each, %s', (clones, each, format) => {
  test('that joined offline and sync at the same moment end with one order and one master', async () => {
    const { clone, remote } = fleet(format);
    const machines = Array.from({ length: clones }, (_, index) => clone(`m${index}`));
    const before = machines.map((one) => one.untouched());
    await Promise.all(machines.map((one) => joinedApart(one, each)));
    for (const one of machines) expect(Object.keys(await one.numbers())).toHaveLength(each);

    const first = await Promise.all(machines.map((one) => one.command()));
    for (const { code, report } of first)
      expect([code, report.outcome, report.message]).toEqual([0, 'synced', '']);
    await settle(machines);
    await expectOneOrder(machines, remote, clones * each);
    const moved = first.reduce((sum, { report }) => sum + report.renumbered.length, 0);
    // All but one clone had wanted the same numbers.
    expect(moved).toBeGreaterThanOrEqual((clones - 1) * each);

    // Who joins now and is synced comes after all of them, whoever joins next.
    const late = await machines[0]!.join('late-0');
    await machines[0]!.sync();
    await machines[1]!.sync();
    expect(await machines[1]!.join('late-1')).toBeGreaterThan(late);
    await settle(machines);
    await expectOneOrder(machines, remote, clones * each + 2);
    expect(machines.map((one) => one.untouched())).toEqual(before);
  });
});

describe('a session that was renumbered', () => {
  test('is the same member with another number, and whoever had looked before looks again', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice');
    const seen = await b.join('bob');
    expect(seen).toBe(1);
    const { survey } = await import('../../src/flows/survey.ts');
    const { observerOf } = await import('../../src/compose.ts');
    const { blankSight } = await import('../../src/core/notebook.ts');
    const observer = observerOf(livingProcess.domain, 8);
    const before = await survey(b.store(), observer, blankSight);
    expect(before.roster.master?.birth.id).toBe('bob');
    await a.sync();
    const report = await b.sync();
    expect(report.renumbered).toEqual([{ member: 'bob', from: 1, to: 2 }]);
    const after = await survey(b.store(), observer, before.sight);
    expect(after.roster.members.map(({ seq, birth }) => [seq, birth.id])).toEqual([
      [2, 'bob'],
      [1, 'alice'],
    ]);
    expect(after.roster.epoch).toBe(2);
    expect(git(b.coord, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/moved')).toBe(
      'refs/flowloom/moved/000000000001-bob',
    );
  });

  test('a number of a dead one that came to a live one is seen by who had seen the dead one', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice');
    // Dead here: nobody has this pid and start time.
    await b.join('dead', { process: { ...livingProcess, start: '1' } });
    const { survey } = await import('../../src/flows/survey.ts');
    const { observerOf } = await import('../../src/compose.ts');
    const { blankSight } = await import('../../src/core/notebook.ts');
    const observer = observerOf(livingProcess.domain, 8);
    const before = await survey(b.store(), observer, blankSight);
    expect(before.roster.members).toEqual([]);
    await a.sync();
    expect((await b.sync()).renumbered).toEqual([]);
    const after = await survey(b.store(), observer, before.sight);
    expect(after.roster.members.map(({ birth }) => birth.id)).toEqual(['alice']);
  });

  test('keeps its latest join the latest: one that stood back is not made to stand again', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice');
    await b.join('bob');
    await b.join('bob', { candidacy: 'declined', cause: 'yield' });
    await a.sync();
    await b.sync();
    await settle([a, b]);
    for (const one of [a, b]) {
      const { members, master } = await one.roster();
      expect(master?.birth.id).toBe('alice');
      expect(members.find(({ birth }) => birth.id === 'bob')?.birth.candidacy).toBe('declined');
    }
  });
});

test('syncs of one clone at the same moment: one works, the others say so', async () => {
  const { clone } = fleet();
  const a = clone('a');
  await a.join('alice');
  const said = await Promise.all(Array.from({ length: 5 }, () => a.command()));
  const outcomes = said.map(({ report }) => report.outcome);
  expect(outcomes).toContain('synced');
  expect(outcomes.every((outcome) => outcome === 'synced' || outcome === 'busy')).toBe(true);
  expect(JSON.parse(readFileSync(join(a.place, 'sync.json'), 'utf8')).outcome).toBe('synced');
});
