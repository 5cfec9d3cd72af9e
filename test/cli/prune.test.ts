/** `prune` and `log`: what is kept, and for how long. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderHandoff } from '../../src/core/handoff.ts';
import { thisDomain } from '../../src/io/processes.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { birth, handoff, presence } from '../support/records.ts';
import { contentsBelow, write } from '../support/scratch.ts';
import { births, idOf, notes } from '../support/state.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { type World, world } from '../support/world.ts';
import { controls, jsonOf, trace, type } from './command.ts';

interface Pruned {
  seqs: number[];
  members: string[];
  handoffs: string[];
  leftovers: number;
  dryRun: boolean;
}

const longAgo = '2026-01-01T00:00:00.000Z';

/** Members that left on their own, long ago. Nothing of theirs is waited for. */
async function gone(w: World, count: number, from = 0): Promise<string[]> {
  const store = fileStore(w.state);
  await store.ready();
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = `gone-${from + i}`;
    const process = { pid: 4_100_000 + from + i, start: '1', domain: thisDomain() };
    const seq = await store.join(birth(id, { process, joinedAt: longAgo }), 0);
    await store.announce(id, presence({ name: id, left: { seq, at: longAgo, reason: 'other' } }));
    ids.push(id);
  }
  return ids;
}

async function filedHandoffs(w: World, count: number): Promise<void> {
  for (let seq = 1; seq <= count; seq++) {
    const id = `${String(seq).padStart(6, '0')}-session`;
    await fileStore(w.state).putHandoff(id, renderHandoff(handoff({ seq }), id, 6000));
  }
}

const seqs = (w: World): number[] => births(w.state).map(({ seq }) => seq);

const nothing =
  'Nothing to prune. Of sessions that ended without a word the newest 20 stay for a handoff, as do all of the last minute.\n';

describe('prune', () => {
  test('where nothing is: says so', async () => {
    const w = world();
    const ran = await type(w, ['prune']);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, nothing, '']);
    expect(existsSync(w.state)).toBe(false);
  });

  test('takes what ended, and keeps who lives and the highest number', async () => {
    const w = world();
    const ended = await gone(w, 3);
    const live = w.session();
    await live.start();
    const later = await gone(w, 2, 3);
    expect(seqs(w)).toEqual([1, 2, 3, 4, 5, 6]);
    const pruned = jsonOf<Pruned>(await type(w, ['prune', '--json']));
    expect(pruned).toMatchObject({ seqs: [1, 2, 3, 5], dryRun: false });
    expect([...pruned.members].sort()).toEqual([...ended, later[0]].sort());
    expect(seqs(w)).toEqual([4, 6]);
    expect(readdirSync(join(w.state, 'members')).sort()).toEqual(
      [idOf(w.state, live.client.pid), later[1]].sort(),
    );
    expect((await type(w, ['prune'])).stdout).toBe(nothing);
    expect(seqs(w)).toEqual([4, 6]);
    // Numbers only ever grow.
    await w.session().start();
    expect(seqs(w)).toEqual([4, 6, 7]);
  });

  test('--dry-run says the same and changes nothing', async () => {
    const w = world();
    await gone(w, 4);
    await filedHandoffs(w, 22);
    const before = contentsBelow(w.base);
    const plan = jsonOf<Pruned>(await type(w, ['prune', '--dry-run', '--json']));
    expect((await type(w, ['prune', '--dry-run'])).stdout).toBe(
      'Would remove 3 ended sessions, 2 old handoffs.\n',
    );
    expect(contentsBelow(w.base)).toEqual(before);
    const done = jsonOf<Pruned>(await type(w, ['prune', '--json']));
    expect([plan.dryRun, done.dryRun]).toEqual([true, false]);
    expect(done).toEqual({ ...plan, dryRun: false });
  });

  test('keeps the newest handoffs, as many as are configured', async () => {
    const w = world();
    await filedHandoffs(w, 9);
    writeOwnConfig(w.home, { handoff: { keep: 4 } });
    expect((await type(w, ['prune'])).stdout).toBe('Removed 5 old handoffs.\n');
    expect(Object.keys(notes(w.state))).toEqual([
      '000006-session',
      '000007-session',
      '000008-session',
      '000009-session',
    ]);
  });

  test('keeps every join that may matter: of live sessions, of the promoted, of those elsewhere', async () => {
    const w = world();
    const one = w.session();
    await one.start('startup', { payload: { session_title: 'api' } });
    await type(w, ['promote', 'api']);
    const store = fileStore(w.state);
    await store.join(birth('far', { joinedAt: longAgo }), 0);
    await store.announce('far', presence({ name: 'far' }));
    await gone(w, 2);
    await type(w, ['prune']);
    const kept = births(w.state).map(({ birth }) => birth.id);
    expect(kept).toContain('far');
    expect(kept).toContain(idOf(w.state, one.client.pid));
    expect(seqs(w).at(-1)).toBe(5);
    expect((await one.prompt()).context).toMatch(/^You are /);
  });

  test('keeps who died a moment ago without a word, until somebody could put its handoff together', async () => {
    const w = world();
    const dead = w.session();
    await dead.start();
    await dead.prompt('the unfinished thing');
    await dead.client.kill();
    await gone(w, 1);
    await type(w, ['prune']);
    expect((await w.session().start()).context).toContain('the unfinished thing');
  });

  test('sweeps what killed writers left, when it is old', async () => {
    const w = world();
    await gone(w, 1);
    const old = write(join(w.state, 'seq', 'claim.1.aaaa.tmp'), '{');
    const young = write(join(w.state, 'seq', 'claim.2.bbbb.tmp'), '{');
    utimesSync(old, new Date(longAgo), new Date(longAgo));
    expect((await type(w, ['prune'])).stdout).toBe('Removed 1 unfinished file.\n');
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
  });

  test('leaves what is not ours', async () => {
    const w = world();
    await gone(w, 2);
    const mine = [
      write(join(w.state, 'seq', 'README'), 'mine'),
      write(join(w.state, 'seq', '7.json'), 'mine'),
      write(join(w.state, 'handoffs', 'notes.md'), 'mine'),
      write(join(w.state, 'mine.txt'), 'mine'),
    ];
    await type(w, ['prune']);
    expect(mine.filter(existsSync)).toEqual(mine);
  });
});

describe('log', () => {
  const append = (w: World, ...entries: object[]): void => {
    mkdirSync(w.state, { recursive: true });
    for (const one of entries) appendFileSync(join(w.state, 'log.jsonl'), `${JSON.stringify(one)}\n`);
  };
  const entry = (n: number, message = `reason ${n}\n    at somewhere`) => ({
    at: new Date(Date.UTC(2026, 10, 22, 8, 0, n)).toISOString(),
    event: 'Stop',
    code: 'hook-failed',
    message,
  });

  test('empty: says so', async () => {
    const w = world();
    const ran = await type(w, ['log']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^The log is empty/);
    expect(jsonOf(await type(w, ['log', '--json']))).toEqual([]);
  });

  test('what a hook had to report, the newest last, as many as asked for', async () => {
    const w = world();
    for (let n = 0; n < 30; n++) append(w, entry(n));
    const { lines } = await type(w, ['log']);
    expect(lines).toHaveLength(40);
    expect(lines.slice(-2)).toEqual([`${entry(29).at}  Stop  hook-failed`, '    reason 29']);
    const three = jsonOf<{ message: string }[]>(await type(w, ['log', '-n', '3', '--json']));
    expect(three.map(({ message }) => message.split('\n')[0])).toEqual([
      'reason 27',
      'reason 28',
      'reason 29',
    ]);
    expect(jsonOf<unknown[]>(await type(w, ['log', '--lines', '100', '--json']))).toHaveLength(30);
  });

  test('a hook that got nonsense is in it', async () => {
    const w = world();
    await w.session().fire('stop', { stdin: 'nonsense' });
    expect((await type(w, ['log'])).stdout).toMatch(/Stop {2}bad-input\n/);
  });

  test('a number of lines that is none is refused', async () => {
    const w = world();
    for (const count of ['0', '-1', '2.5', 'x', '', '1e3', '9999999']) {
      const ran = await type(w, ['log', `--lines=${count}`]);
      expect([count, ran.code, ran.stdout]).toEqual([count, 1, '']);
      expect(ran.stderr).toContain('whole number');
      expect(ran.stderr).not.toMatch(trace);
    }
  });

  test('obeys nothing that was logged, and overlooks torn lines', async () => {
    const w = world();
    append(w, entry(1, 'evil \u001b[2J\u202e'));
    write(join(w.root, '.flowloomrc.json'), JSON.stringify({ '\u001b[2J': 1 }));
    await w.session().start();
    appendFileSync(join(w.state, 'log.jsonl'), '{"at":"2026-11\n[]\n{}\n\u0000\n{"at":1}');
    const ran = await type(w, ['log']);
    expect(ran.code).toBe(0);
    expect(jsonOf<unknown[]>(await type(w, ['log', '--json']))).toHaveLength(2);
    expect(ran.stdout).toContain('evil');
    expect(ran.stdout).not.toMatch(controls);
  });
});
