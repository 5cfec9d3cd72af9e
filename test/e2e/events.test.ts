import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { until } from './support/processes.ts';
import { textsOf } from './support/stub-api.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('events that are not what they look like', () => {
  scenario('hooks that are installed while a session runs make it join at a later prompt', async (world) => {
    const a = await world.terminals.start();
    await a.turn('Begin with the shop');
    world.install('project');
    // The client takes a moment to see new settings: how many prompts that is does not matter.
    let told = '';
    while (told === '') {
      const [request] = await a.turn('And now?');
      told = toldAt('UserPromptSubmit', request!);
    }
    expect(told).toMatch(/^You are master \(epoch 1\)/);
    expect(world.roster()).toMatchObject([{ pid: a.pid, role: 'master', seq: 1 }]);
  });

  scenario('a prompt that is typed while a turn runs counts like any other', async (world) => {
    world.install('project');
    const gate = join(world.scratch.root, 'gate');
    const command = `until [ -e ${gate} ]; do sleep 0.1; done`;
    const a = await world.join();
    await a.turn('Build the checkout page');
    const first = await a.begin(`RUNTOOL Bash ${JSON.stringify({ command, description: 'Wait' })} END`);
    await a.submit('Go on with the price list');
    await a.waitForScreen('Queued');
    writeFileSync(gate, '');
    const absorbed = await world.api.waitFor(
      (api) => api.turns(first.sessionId!).find((request) => textsOf(request).join().includes('price list')),
      'the prompt that was typed meanwhile',
    );
    await a.ended(absorbed);
    await a.exit();
    expect(world.json(['handoff'])).toMatchObject([{ goal: 'Go on with the price list', label: 'complete' }]);
  });

  scenario('the notification of a background task is not a goal', async (world) => {
    world.install('project');
    const a = await world.join();
    const session = a.sessionId()!;
    const input = { command: 'true', description: 'Nothing', run_in_background: true };
    await a.turn('Build the checkout page');
    await a.begin(`RUNTOOL Bash ${JSON.stringify(input)} END`);
    const notified = await world.api.waitFor(
      (api) => api.turns(session).find((request) => textsOf(request).join().includes('<task-notification>')),
      'the notification of the task',
    );
    await a.ended(notified);
    await a.exit();
    expect(world.json(['handoff'])).toMatchObject([{ goal: expect.stringMatching(/^RUNTOOL Bash/) }]);
    expect(world.flowloom(['handoff', 'show']).stdout).not.toContain('task-notification');
  });

  scenario('a subagent is no member', async (world) => {
    world.install('project');
    const a = await world.join();
    const input = { description: 'Look', prompt: 'Look around', subagent_type: 'general-purpose' };
    await a.turn(`RUNTOOL Agent ${JSON.stringify(input)} END`);
    await until(() => world.api.contextsSeen().some((text) => text.includes('Look around')), 'the subagent');
    // The client tells the session by a turn of its own, whose end would pass for the end of the next one.
    const notified = await world.api.waitFor(
      (api) =>
        api.turns(a.sessionId()!).find((request) => textsOf(request).join().includes('<task-notification>')),
      'the notification of the subagent',
    );
    await a.ended(notified);
    await a.turn('Go on');
    expect(world.status().members).toMatchObject([{ pid: a.pid, role: 'master', seq: 1 }]);
  });

  scenario('installed in two scopes, everything is still told once', async (world) => {
    world.install('project');
    world.install('user');
    const a = await world.join();
    const b = await world.join();
    const [first] = await a.turn('Begin with the shop');
    for (const event of ['SessionStart', 'UserPromptSubmit']) {
      expect(toldAt(event, first!).match(/You are (master|worker)/g), event).toHaveLength(1);
    }
    expect(world.status().members).toMatchObject([
      { pid: b.pid, role: 'master', seq: 2 },
      { pid: a.pid, role: 'worker', seq: 1 },
    ]);
  });
});
