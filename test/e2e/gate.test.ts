import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('prompts that are answered without Node', () => {
  scenario('are told the same, and what they said is known at the stop', async (world) => {
    world.install('local');
    const a = await world.join();
    const b = await world.join();
    const session = a.sessionId()!;
    const ready = join(world.scratch.home, '.cache', 'flowloom', 'ready', session);
    const notebooks = join(world.roster().find(({ pid }) => pid === a.pid)!.id);
    const member = join(world.scratch.repository, '.git', 'flowloom', 'members', notebooks);
    const nodeRuns = (event: string): number =>
      readdirSync(member)
        .filter((name) => name.startsWith('notebook'))
        .map((name) => readFileSync(join(member, name), 'utf8').split('\n')[0]!)
        .map((line) => JSON.parse(line).notebook.receipts[event]?.count ?? 0)
        .reduce((most, count) => Math.max(most, count), 0);

    await a.turn('Begin with the shop');
    await a.turn('Go on with the shop');
    expect(existsSync(ready)).toBe(true);
    const before = nodeRuns('UserPromptSubmit');
    const [steady] = await a.turn('Build the checkout page');
    expect(toldAt('UserPromptSubmit', steady!)).toMatch(
      /^You are worker \(epoch 2\); 2 live sessions; master: "/,
    );
    // More than a pipe holds: nobody reads it, and the client does not mind.
    const long = join(world.scratch.repository, 'long.txt');
    writeFileSync(long, 'price\n'.repeat(12_000));
    await a.turn(`RUNTOOL Read ${JSON.stringify({ file_path: long })} END`);
    const file_path = join(world.scratch.repository, 'prices.txt');
    await a.turn(`RUNTOOL Write ${JSON.stringify({ file_path, content: 'price' })} END`);
    await a.turn('Is it good?');
    expect(nodeRuns('UserPromptSubmit')).toBe(before);
    expect(nodeRuns('PostToolBatch')).toBe(0);
    await b.exit();
    const [changed] = await a.turn('And now?');
    expect(toldAt('UserPromptSubmit', changed!)).toMatch(/^You are master \(epoch 1\).*\nChanged: /);
    expect(nodeRuns('UserPromptSubmit')).toBe(before + 1);
    // Of a turn as short as these the client writes the prompt after its end: only now the one before.
    expect(world.json<{ sessionId: string; goal: string }[]>(['handoff'])).toContainEqual(
      expect.objectContaining({ sessionId: session, label: 'checkpoint', goal: 'And now?' }),
    );
    await a.exit();
    expect(existsSync(ready)).toBe(false);
    expect(world.flowloom(['handoff', 'show']).stdout).toContain('prices.txt');
  });
});
