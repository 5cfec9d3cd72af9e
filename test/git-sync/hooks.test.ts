/** The built hooks on two clones of one remote: what sessions on two machines are told of each other. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { syncFacts } from '../../src/stores/git/sync-report.ts';
import { type, typeIn } from '../cli/command.ts';
import { git, scratch, write } from '../support/scratch.ts';
import { trust } from '../support/trust.ts';
import { type World, world } from '../support/world.ts';
import { quiet } from './machines.ts';

const place = (w: World): string => join(w.root, '.git', 'flowloom');
const limit = { timeout: 60_000, interval: 100 };

/** Two clones of one remote that share through it. */
async function two(): Promise<{ here: World; there: World; remote: string }> {
  const remote = join(scratch('remote'), 'remote.git');
  git('/', 'init', '-q', '--bare', remote);
  const [here, there] = [world({ name: 'here' }), world({ name: 'there' })];
  for (const w of [here, there]) {
    git(w.root, 'remote', 'add', 'origin', remote);
    write(join(w.root, '.flowloomrc.json'), '{ "store": "git", "git": { "remote": "origin" } }');
    await trust(w.root, { HOME: w.home });
    git(w.root, 'status');
    // Nothing may still write into a world that is being removed.
    onTestFinished(() => quiet(place(w)));
  }
  return { here, there, remote };
}
const syncNow = async (w: World): Promise<void> => {
  await quiet(place(w));
  const { code, stdout, stderr } = await type(w, ['sync']);
  expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/^Exchanged with origin/), '']);
};

describe('sessions on two machines', () => {
  test('learn of each other by hooks alone, and the last to join is master in both', async () => {
    const { here, there, remote } = await two();
    const [a, b] = [here.session(), there.session()];
    expect((await a.start()).context).toMatch(/You are master \(epoch 1\)/);
    // What the hook started goes on without it.
    await expect
      .poll(() => git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq'), limit)
      .toBe('refs/flowloom/seq/000000000001');
    await quiet(place(here));
    expect(syncFacts(place(here))).toMatchObject({ outcome: 'synced', remote: 'origin' });

    // The other one starts without knowing: it is alone until its own sync is through.
    expect((await b.start()).context).toMatch(/You are master/);
    await expect.poll(() => syncFacts(place(there))?.outcome, limit).toBe('synced');
    await syncNow(there);
    const told = await b.prompt('work');
    expect(told.context).toMatch(/You are master \(epoch 2\); 2 live sessions/);
    expect(told.context.split('\n')).toHaveLength(2);

    await syncNow(here);
    const changed = await a.prompt('work on');
    expect(changed.context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
    expect(changed.context.split('\n')).toHaveLength(2);
    expect((await a.prompt('and on')).context.split('\n')).toHaveLength(1);

    await b.end();
    await syncNow(there);
    await syncNow(here);
    expect((await a.prompt('alone')).context).toMatch(/^You are master \(epoch 1\)/);
    expect(
      git(remote, 'cat-file', '--batch-all-objects', '--batch-check').split('\n').length,
    ).toBeGreaterThan(3);
  });

  test('a command that joins has it sent, too', async () => {
    const { here, remote } = await two();
    const a = here.session();
    await a.start();
    await expect.poll(() => syncFacts(place(here))?.outcome, limit).toBe('synced');
    await quiet(place(here));
    expect((await typeIn(a, ['promote'])).code).toBe(0);
    await expect
      .poll(() => git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq'), limit)
      .toMatch(/000000000002$/);
  });

  test('work on when the remote is gone, and nothing of it reaches the model', async () => {
    const { here } = await two();
    git(here.root, 'remote', 'set-url', 'origin', '/nonexistent/shop.git');
    const a = here.session();
    const started = await a.start();
    expect([started.code, started.notice]).toEqual([0, '']);
    expect(started.context).toMatch(/You are master \(epoch 1\)/);
    expect(started.context).not.toContain('nonexistent');
    await expect.poll(() => syncFacts(place(here))?.outcome, limit).toBe('unreachable');
    expect((await a.prompt('work')).context).toMatch(/^You are master/);
    expect((await a.stop('Done.')).code).toBe(0);
    expect((await a.end()).code).toBe(0);
  });

  test('a steady prompt starts no process', async () => {
    const { here } = await two();
    const a = here.session();
    await a.start();
    await a.prompt('one');
    await quiet(place(here));
    const log = join(here.base, 'ran');
    const env = {
      PATH: '/nonexistent',
      NODE_OPTIONS: `--require ${write(join(here.base, 'spy.cjs'), spy(log))}`,
    };
    const steady = await a.prompt('one', { env });
    expect(steady.context).toMatch(/^You are master/);
    const stopped = await a.stop('Done.', { env });
    expect(stopped.code).toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual(['hook', 'hook']);
    expect(existsSync(join(place(here), 'coord.git', 'refs', 'flowloom', 'handoffs'))).toBe(true);
  });
});

/** Notes every process that a hook starts. */
const spy = (log: string): string => `
  const fs = require('node:fs');
  const children = require('node:child_process');
  fs.appendFileSync(${JSON.stringify(log)}, 'hook\\n');
  for (const name of ['spawn', 'spawnSync', 'execFile', 'execFileSync', 'fork', 'exec', 'execSync']) {
    const real = children[name];
    children[name] = (...args) => {
      fs.appendFileSync(${JSON.stringify(log)}, 'started ' + args[0] + '\\n');
      return real(...args);
    };
  }
`;
