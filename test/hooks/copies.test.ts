/** A repository is copied, moved or restored with the state of its sessions in it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonOf, type } from '../cli/command.ts';
import { write } from '../support/scratch.ts';
import { births, notes } from '../support/state.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';

const copied = (from: string, to: string): void => void execFileSync('cp', ['-a', from, to]);

/** Two sessions at work in a repository; the second one is master and left word. */
async function atWork(): Promise<{ w: World; worker: SessionUnderTest; master: SessionUnderTest }> {
  const w = world();
  const [worker, master] = [w.session(), w.session()];
  for (const one of [worker, master]) {
    await one.start();
    await one.prompt('build the price list');
    await one.stop('Half of it is built.');
  }
  return { w, worker, master };
}

const membersIn = async (w: World, cwd: string): Promise<unknown[]> =>
  jsonOf<{ members: unknown[] }>(await type(w, ['status', '--json'], { cwd })).members;

describe('a copy', () => {
  test('has none of the sessions of the original, and all that they left behind', async () => {
    const { w, worker, master } = await atWork();
    const copy = join(w.base, 'copy');
    copied(w.root, copy);
    expect(await membersIn(w, copy)).toEqual([]);
    const before = notes(w.state);
    const one = w.session({ cwd: copy });
    expect((await one.start()).context).toMatch(/^You are master \(epoch 3\).*1 live session;/);
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 3\); 1 live session;/);
    expect(notes(join(copy, '.git', 'flowloom'))).toEqual(before);
    const listed = await type(w, ['handoff', '--json'], { cwd: copy });
    expect(listed.stdout).toContain('build the price list');
    expect(await membersIn(w, copy)).toHaveLength(1);
    // The original is as it was.
    expect(await membersIn(w, w.root)).toHaveLength(2);
    expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
    expect((await master.prompt('x')).context).toMatch(/^You are master \(epoch 2\); 2 live/);
  });

  test('begins anew also for sessions that come at the same time, and for a copy of it', async () => {
    const { w } = await atWork();
    const copy = join(w.base, 'copy');
    copied(w.root, copy);
    const sessions = Array.from({ length: 4 }, () => w.session({ cwd: copy }));
    await Promise.all(sessions.map((one) => one.start('startup', { patience: 30_000 })));
    expect(await membersIn(w, copy)).toHaveLength(4);
    const again = join(w.base, 'again');
    copied(copy, again);
    expect((await w.session({ cwd: again }).start()).context).toMatch(/^You are master \(epoch 7\).*1 live/);
  });

  test('is one also when the original is gone', async () => {
    const { w } = await atWork();
    const copy = join(w.base, 'copy');
    copied(w.root, copy);
    rmSync(w.root, { recursive: true });
    expect((await w.session({ cwd: copy }).start()).context).toMatch(/^You are master \(epoch 3\).*1 live/);
  });
});

describe('the same repository', () => {
  test('at another path keeps its sessions', async () => {
    const { w, worker, master } = await atWork();
    const moved = join(w.base, 'moved');
    renameSync(w.root, moved);
    for (const one of [worker, master]) one.cwd = moved;
    expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
    expect((await w.session({ cwd: moved }).start()).context).toMatch(/^You are master \(epoch 3\).*3 live/);
    expect(births(join(moved, '.git', 'flowloom'))).toHaveLength(3);
  });

  test('keeps them also when another one is cloned where it was', async () => {
    const { w, worker } = await atWork();
    const moved = join(w.base, 'moved');
    renameSync(w.root, moved);
    execFileSync('git', ['clone', '-q', moved, w.root]);
    worker.cwd = moved;
    expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
  });

  test('restored at its path keeps them', async () => {
    const { w, worker } = await atWork();
    const backup = join(w.base, 'backup');
    copied(w.root, backup);
    rmSync(w.root, { recursive: true });
    copied(backup, w.root);
    expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
  });

  test('keeps them though a container sees it at another path, as another directory', async () => {
    const { w, worker } = await atWork();
    const mark = join(w.state, 'repository.json');
    const seen = JSON.parse(readFileSync(mark, 'utf8'));
    write(mark, JSON.stringify({ ...seen, path: '/workspaces/shop/.git', ino: seen.ino + 1, seen: 'x' }));
    expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
  });

  test.each(['', '{', '[]', '{"path":7}', 'x'.repeat(100_000)])(
    'keeps them with a mark that says nothing: %j',
    async (text) => {
      const { w, worker } = await atWork();
      write(join(w.state, 'repository.json'), text);
      expect((await worker.prompt('x')).context).toMatch(/^You are worker \(epoch 2\); 2 live/);
    },
  );
});
