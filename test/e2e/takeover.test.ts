import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { until } from './support/processes.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('takeover in the middle of a turn', () => {
  scenario('the request after the running batch of tools carries the new role', async (world) => {
    world.install('project');
    const gate = join(world.scratch.root, 'gate');
    const reached = join(world.scratch.root, 'reached');
    const command = `touch ${reached}; until [ -e ${gate} ]; do sleep 0.1; done`;

    const a = await world.join();
    const turn = a.turn(`RUNTOOL Bash ${JSON.stringify({ command, description: 'Wait' })} END`);
    await until(() => existsSync(reached), 'the tool call of the first session');
    const b = await world.join();
    writeFileSync(gate, '');

    const [prompt, afterTools, ...rest] = await turn;
    expect(rest).toEqual([]);
    expect(toldAt('UserPromptSubmit', prompt!)).toMatch(/You are master.*epoch 1/);
    expect(toldAt('PostToolBatch', afterTools!)).toMatch(/You are worker.*epoch 2/s);
    expect(world.roster()).toMatchObject([
      { pid: b.pid, role: 'master' },
      { pid: a.pid, role: 'worker' },
    ]);

    const quiet = await a.turn(
      `RUNTOOL Bash ${JSON.stringify({ command: 'true', description: 'Nothing' })} END`,
    );
    expect(toldAt('PostToolBatch', quiet[1]!), 'no change, nothing told').toBe('');
    expect(toldAt('UserPromptSubmit', quiet[0]!).split('\n'), 'a change is told once').toHaveLength(1);
  });
});
