import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('places', () => {
  scenario('a git worktree is the same scope when the project scope is committed', async (world) => {
    const { scratch } = world;
    const worktree = join(scratch.root, 'shop-feature');
    scratch.trust(worktree);
    world.install('project');
    scratch.git('add', '.');
    scratch.git('commit', '--quiet', '-m', 'Install hooks');
    scratch.git('worktree', 'add', '--quiet', '-b', 'feature', worktree);

    const a = await world.join();
    const b = await world.join({ cwd: worktree });
    const [request] = await b.turn('Work on the feature');
    expect(toldAt('SessionStart', request!)).toMatch(/^You are master \(epoch 2\)/);
    expect(toldAt('SessionStart', request!), 'where the new session works').toContain('feature');
    expectOneRoster(world, worktree, [b.pid, a.pid]);
    expect(world.roster()).toMatchObject([{ branch: 'feature' }, { branch: 'main' }]);
  });

  scenario('a session that enters a worktree works there, and the others are told so', async (world) => {
    world.install('user');
    const a = await world.join();
    await a.turn('Begin with the shop');
    await a.turn('RUNTOOL EnterWorktree {"name":"inner"} END');
    const inner = join(world.scratch.repository, '.claude', 'worktrees', 'inner');
    expect(world.roster()).toMatchObject([{ pid: a.pid, cwd: inner, branch: 'worktree-inner' }]);
    await a.turn(
      `RUNTOOL Write ${JSON.stringify({ file_path: join(inner, 'door.txt'), content: 'red' })} END`,
    );
    const [note] = world.json<{ branch: string; worktree: string }[]>(['handoff']);
    expect(note).toMatchObject({ branch: 'worktree-inner', worktree: inner });

    const b = await world.join();
    const [request] = await b.turn('Go on');
    const start = toldAt('SessionStart', request!);
    expect(start).toMatch(/worker, branch "worktree-inner", in "\S*inner"/);
    expect(start).toContain('branch: worktree-inner');
    expect(start, 'what git says is of there').toMatch(/new, not staged \(1\): door\.txt/);
  });

  for (const scope of ['local', 'user'] as const) {
    scenario(`a subdirectory is the same scope with ${scope} scope`, async (world) => {
      const web = join(world.scratch.repository, 'web');
      world.scratch.trust(web);
      world.install(scope);
      const a = await world.join();
      const b = await world.join({ cwd: web });
      const [request] = await b.turn('Work on the page');
      expect(toldAt('SessionStart', request!)).toMatch(/^You are master \(epoch 2\)/);
      expectOneRoster(world, web, [b.pid, a.pid]);
    });
  }

  for (const scope of ['project', 'local'] as const) {
    scenario(
      `a path with spaces, quotes and a dollar sign is like any other (${scope} scope)`,
      async (world) => {
        world.install(scope);
        const a = await world.join();
        const [request] = await a.turn('Begin with the shop');
        expect(toldAt('SessionStart', request!)).toMatch(/^You are master \(epoch 1\)/);
        await a.exit();
        expect(world.json(['handoff'])).toMatchObject([{ label: 'complete', goal: 'Begin with the shop' }]);
      },
      { folder: `the "new" shop's $HOME` },
    );
  }
});

function expectOneRoster(
  world: Parameters<Parameters<typeof scenario>[1]>[0],
  place: string,
  pids: number[],
): void {
  expect(world.roster().map(({ pid }) => pid)).toEqual(pids);
  expect(world.roster(place).map(({ pid }) => pid)).toEqual(pids);
  expect(world.status(place).scope).toEqual(world.status().scope);
}
