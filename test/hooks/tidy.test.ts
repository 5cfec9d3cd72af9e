/** What ended is forgotten by itself, a few at a time: many sessions leave no more behind than a few. */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { thisDomain } from '../../src/io/processes.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { birth, presence } from '../support/records.ts';
import { filesBelow, write } from '../support/scratch.ts';
import { births, idOf, notes } from '../support/state.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { type World, world } from '../support/world.ts';

const longAgo = '2026-01-01T00:00:00.000Z';

/** Members that ended long ago: without a word, or after they left. */
async function ended(w: World, count: number, from: number, left: boolean): Promise<void> {
  const store = fileStore(w.state);
  await store.ready();
  for (let i = from; i < from + count; i++) {
    const id = `ended-${i}`;
    const process = { pid: 4_100_000 + i, start: '1', domain: thisDomain() };
    const seq = await store.join(birth(id, { process, joinedAt: longAgo }), 0);
    const gone = left ? { seq, at: longAgo, reason: 'other' } : null;
    await store.announce(id, presence({ name: id, left: gone }));
  }
}

/** What joined within the last two seconds is not forgotten. */
function joinedLongAgo(w: World, seq: number): void {
  const file = join(w.state, 'seq', `${String(seq).padStart(12, '0')}.json`);
  write(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), joinedAt: longAgo }));
}

const homes = (w: World): string[] => readdirSync(join(w.state, 'members'));
const seqs = (w: World): number[] => births(w.state).map(({ seq }) => seq);
const inodes = (w: World): number => filesBelow(w.state).length;

/** What joined within the last two seconds stays, so on a quick machine a few more have to come. */
const comesDown = (count: () => number, below: number, another: () => Promise<void>): Promise<void> =>
  expect
    .poll(
      async () => {
        if (count() >= below) await another();
        return count();
      },
      { timeout: 120_000, interval: 50 },
    )
    .toBeLessThan(below);

describe('sessions that end', () => {
  test('leave no more behind after sixty than after thirty, and the number goes on', async () => {
    const w = world();
    write(join(w.root, '.flowloomrc.json'), '{ "handoff": { "keep": 4 } }');
    const live = w.session();
    await live.start();
    await live.prompt('the long work');
    const one = async (n: number): Promise<void> => {
      const session = w.session();
      await session.start();
      if (n % 2 === 0) await session.prompt();
      // Every fourth is killed.
      if (n % 4 !== 0) await session.end();
      await session.client.kill();
    };
    for (let n = 0; n < 60; n++) await one(n);
    // The newest twenty, the twenty that ended without a word last, who lives, and what is too little to begin with.
    await comesDown(
      () => seqs(w).length,
      50,
      () => one(1),
    );
    expect(homes(w).length).toBeLessThan(50);
    expect(inodes(w)).toBeLessThan(50 * 9);
    expect(seqs(w).at(-1)).toBeGreaterThan(60);
    expect(homes(w)).toContain(idOf(w.state, live.client.pid));
    // Who lives is who it was, whatever went meanwhile.
    expect((await live.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    expect((await w.session().start()).context).toMatch(/^You are master \(epoch \d+\).*2 live sessions/);
  }, 240_000);

  test('of a long past forget some at each end, the oldest first, and never who lives', async () => {
    const w = world();
    const old = w.session();
    await old.start();
    await old.prompt();
    await ended(w, 150, 2, true);
    const lengths: number[] = [];
    for (let n = 0; n < 4; n++) {
      const one = w.session();
      await one.start();
      const before = seqs(w);
      await one.end();
      await one.client.kill();
      const after = seqs(w);
      const went = before.filter((seq) => !after.includes(seq));
      expect(went.length).toBeGreaterThanOrEqual(5);
      expect(went.length).toBeLessThanOrEqual(40);
      expect(went).toEqual(before.filter((seq) => seq > 1).slice(0, went.length));
      lengths.push(after.length);
    }
    expect(lengths.at(-1)).toBeLessThan(lengths[0]!);
    expect(seqs(w)[0]).toBe(1);
    expect((await old.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
  });

  test('that are all killed are forgotten at starts', async () => {
    const w = world();
    await ended(w, 70, 1, false);
    for (let n = 0; n < 8; n++) {
      const one = w.session();
      await one.start();
      await one.client.kill();
    }
    expect(seqs(w).length).toBeLessThan(70);
    expect(seqs(w).at(-1)).toBe(78);
  });

  test('keep what those who died without a word left, until it is put together', async () => {
    const w = world();
    const dead = w.session();
    await dead.start();
    await dead.prompt('the unfinished thing');
    await dead.client.kill();
    joinedLongAgo(w, 1);
    await ended(w, 40, 2, true);
    // Who is no master puts nothing together.
    const worker = w.session({ env: { FLOWLOOM_ROLE: 'worker' } });
    await worker.start();
    await worker.end();
    await worker.client.kill();
    expect(seqs(w)).toContain(1);
    expect(seqs(w).length).toBeLessThan(40);
    expect((await w.session().start()).context).toContain('the unfinished thing');
    expect(Object.keys(notes(w.state)).length).toBeGreaterThan(0);
  });
});

describe.each(['git', 'basic-memory', 'memory-graph'])('in the %s store', (kind) => {
  test('the same, and what others added stays', async () => {
    const w = world();
    const folder = join(w.base, 'notes');
    const graph = join(w.base, 'graph.jsonl');
    write(join(folder, 'mine.md'), 'mine');
    const config = { basicMemory: { path: folder }, memoryGraph: { file: graph }, handoff: { keep: 4 } };
    writeOwnConfig(w.home, { store: kind, ...config });
    const live = w.session();
    await live.start();
    expect((await live.prompt()).context).toMatch(/^You are master/);
    const first = w.session();
    await first.start();
    const memberNote = (): string =>
      filesBelow(folder).find((file) => file.includes(`members/${first.client.pid}-`))!;
    if (kind === 'basic-memory') appendFileSync(join(folder, memberNote()), 'What I know of it.\n');
    await first.end();
    await first.client.kill();
    const another = async (): Promise<void> => {
      const one = w.session();
      await one.start();
      await one.end();
      await one.client.kill();
    };
    for (let n = 0; n < 50; n++) await another();
    await comesDown(() => homes(w).length, 40, another);
    if (kind === 'basic-memory') {
      expect(filesBelow(folder).filter((file) => file.includes('/members/')).length).toBeLessThan(45);
      expect(readFileSync(join(folder, memberNote()), 'utf8')).toContain('What I know of it.');
    }
    expect((await live.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    expect((await w.session().start()).context).toMatch(/^You are master \(epoch \d+\)/);
  }, 240_000);
});
