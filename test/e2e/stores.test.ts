import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios, type World } from './support/world.ts';

/** In the repository, and the user agrees to it. */
function configure(world: World, values: object): void {
  writeFileSync(join(world.scratch.repository, '.flowloomrc'), JSON.stringify(values));
  const { status, stderr } = world.flowloom(['trust', '--yes']);
  expect(status, stderr).toBe(0);
}

const stores: Readonly<Record<string, (world: World) => object>> = {
  git: () => ({ store: 'git' }),
  'basic-memory': ({ scratch }) => {
    const path = join(scratch.root, 'notes');
    mkdirSync(path);
    return { store: 'basic-memory', basicMemory: { path } };
  },
  'memory-graph': ({ scratch }) => {
    const file = join(scratch.root, 'memory.jsonl');
    writeFileSync(file, '');
    return { store: 'memory-graph', memoryGraph: { file } };
  },
};

scenarios('another store than files', () => {
  for (const [kind, values] of Object.entries(stores))
    scenario(
      `${kind}: the second session is master, and inherits from it when it is killed`,
      async (world) => {
        world.install('project');
        configure(world, values(world));
        const a = await world.join();
        const b = await world.join();
        expect(world.status()).toMatchObject({ scope: { store: kind }, epoch: 2, degraded: null });
        await a.turn('one');
        const [first] = await b.turn('SAY The tests pass. Shall I merge? END');
        expect(toldAt('SessionStart', first!)).toMatch(/^You are master \(epoch 2\)/);
        await b.kill9();
        const [request] = await a.turn('go on');
        const told = toldAt('UserPromptSubmit', request!);
        expect(told).toMatch(/^You are master \(epoch 1\)/);
        expect(told).toMatch(/handoff/i);
        expect(world.json<{ label: string }[]>(['handoff'])).toContainEqual(
          expect.objectContaining({ label: 'reconstructed' }),
        );
      },
    );

  scenario('a store that breaks and is mended: the user is told once, the roles stay', async (world) => {
    world.install('project');
    const path = join(world.scratch.root, 'notes');
    mkdirSync(path);
    configure(world, { store: 'basic-memory', basicMemory: { path } });
    const a = await world.join();
    const b = await world.join();
    await a.turn('one');
    await b.turn('two');
    renameSync(path, `${path}.away`);
    expect(toldAt('UserPromptSubmit', (await a.turn('three'))[0]!)).toMatch(
      /^You are worker \(epoch 2\); 2 live/,
    );
    expect(toldAt('UserPromptSubmit', (await b.turn('four'))[0]!)).toMatch(
      /^You are master \(epoch 2\); 2 live/,
    );
    expect(world.status().degraded).toMatchObject({ from: 'basic-memory', to: 'file' });
    renameSync(`${path}.away`, path);
    expect(toldAt('UserPromptSubmit', (await a.turn('five'))[0]!)).toMatch(
      /^You are worker \(epoch 2\); 2 live/,
    );
    expect(toldAt('UserPromptSubmit', (await b.turn('six'))[0]!)).toMatch(
      /^You are master \(epoch 2\); 2 live/,
    );
    expect(world.status()).toMatchObject({ scope: { store: 'basic-memory' }, degraded: null });
  });
});
