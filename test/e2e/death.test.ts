import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('death of the master', () => {
  scenario('the next one to join inherits the work of a session that was killed', async (world) => {
    world.install('project');
    const page = join(world.scratch.repository, 'web', 'checkout.html');
    const write = { file_path: page, content: '<h1>Checkout</h1>\n' };
    await world.join();
    const b = await world.join();
    await b.turn('Build the checkout page with a coupon field.');
    await b.turn(`RUNTOOL Write ${JSON.stringify(write)} END`);
    await b.turn('SAY The page is there. Shall the coupon be checked on the server? END');
    await b.kill9();

    const c = await world.join();
    const [request] = await c.turn('Take over');
    const told = toldAt('SessionStart', request!);
    expect(told).toMatch(/^You are master \(epoch 3\)/);
    expect(told).toMatch(/reconstructed|checkpoint/);
    expect(told).toContain('Build the checkout page with a coupon field.');
    expect(told).toContain('web/checkout.html');
    expect(told, 'the open question').toContain('Shall the coupon be checked on the server?');
    expect(world.roster().map(({ pid }) => pid)).not.toContain(b.pid);
  });

  scenario('a session killed in the middle of a turn leaves a handoff too', async (world) => {
    world.install('project');
    const command = 'echo half-way > progress.txt; sleep 60';
    const b = await world.join();
    await b.turn('Migrate the price list');
    await b.begin(`RUNTOOL Bash ${JSON.stringify({ command, description: 'Migrate' })} END`);
    await b.kill9();

    const c = await world.join();
    const [request] = await c.turn('Take over');
    const told = toldAt('SessionStart', request!);
    expect(told).toMatch(/^You are master \(epoch 2\)/);
    expect(told).toMatch(/reconstructed/);
    expect(told).toContain('Migrate the price list');
  });

  scenario(
    'the next in line is told where the handoff of the master is, not that of another worker',
    async (world) => {
      world.install('project');
      const [a, b, c] = [await world.join(), await world.join(), await world.join()];
      for (const session of [a, b, c]) await session.turn(`The goal of ${session.pid}`);
      await a.turn('Go on');
      await c.kill9();

      const [request] = await b.turn('Go on');
      const told = toldAt('UserPromptSubmit', request!);
      expect(told).toMatch(/^You are master \(epoch 2\); 2 live sessions/);
      expect(told).toMatch(/the last handoff of a master is in .*000003-[^/]*\.reconstructed\.md/);
    },
  );

  scenario('a session whose terminal was closed hands over like one that was left', async (world) => {
    world.install('project');
    const a = await world.join();
    const b = await world.join();
    const session = b.sessionId();
    await b.turn('Write the checkout page');
    await b.hangUp();

    expect(world.roster().map(({ pid }) => pid)).toEqual([a.pid]);
    expect(world.json(['handoff'])).toContainEqual(
      expect.objectContaining({ sessionId: session, label: 'complete', goal: 'Write the checkout page' }),
    );
  });
});
