import { expect } from 'vitest';
import { cliPath } from './support/client.ts';
import { toldAt } from './support/hook-context.ts';
import { textsOf } from './support/stub-api.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('roles', () => {
  scenario('the last one to join is master, and the others are told at their next prompt', async (world) => {
    world.install('project');
    const a = await world.join();
    const [firstOfA] = await a.turn('Begin with the shop');
    expect(toldAt('SessionStart', firstOfA!)).toMatch(/^You are master \(epoch 1\)/);
    expect(toldAt('UserPromptSubmit', firstOfA!)).toMatch(/You are master.*epoch 1/);

    const b = await world.join();
    const [firstOfB] = await b.turn('Go on with the shop');
    expect(toldAt('SessionStart', firstOfB!)).toMatch(/^You are master \(epoch 2\)/);

    const [secondOfA] = await a.turn('And now?');
    const [line, change] = toldAt('UserPromptSubmit', secondOfA!).split('\n');
    expect(line).toMatch(/You are worker.*epoch 2/);
    expect(change, 'the line that tells the change').toMatch(/\S/);

    const [thirdOfA] = await a.turn('And after that?');
    const quiet = toldAt('UserPromptSubmit', thirdOfA!).split('\n');
    expect(quiet[0]).toMatch(/You are worker.*epoch 2/);
    expect(quiet, 'a change is told once').toHaveLength(1);

    expect(world.roster().map(({ pid, role, seq }) => ({ pid, role, seq }))).toEqual([
      { pid: b.pid, role: 'master', seq: 2 },
      { pid: a.pid, role: 'worker', seq: 1 },
    ]);
  });

  scenario(
    'sessions that start at the same moment get different numbers, and one of them is master',
    async (world) => {
      world.install('project');
      const started = await Promise.all([world.join(), world.join(), world.join()]);
      expect(world.roster().map(({ seq, role }) => ({ seq, role }))).toEqual([
        { seq: 3, role: 'master' },
        { seq: 2, role: 'worker' },
        { seq: 1, role: 'worker' },
      ]);
      const master = world.roster()[0]!.pid;
      for (const session of started) {
        const [request] = await session.turn('Who am I?');
        const role = session.pid === master ? 'master' : 'worker';
        expect(toldAt('UserPromptSubmit', request!)).toMatch(new RegExp(`You are ${role}.*epoch 3`));
      }
    },
  );

  scenario('a session that is renamed while it waits is called so at once', async (world) => {
    world.install('local');
    const a = await world.join();
    const b = await world.join();
    const before = b.clientName()!;
    // Often enough for answers that need no Node.
    for (const prompt of ['Begin with the shop', 'Go on', 'And on']) {
      const [request] = await a.turn(prompt);
      expect(toldAt('UserPromptSubmit', request!)).toContain(`master: "${before}"`);
    }
    await b.submit('/rename kitchen');
    await b.waitForScreen('Session renamed to: kitchen');
    const [request] = await a.turn('And now?');
    expect(toldAt('UserPromptSubmit', request!)).toMatch(/^You are worker.*master: "kitchen"/);
    expect(world.roster()[0]).toMatchObject({ pid: b.pid, name: 'kitchen' });
    const c = await world.join();
    const [start] = await c.turn('Paint the door');
    expect(toldAt('SessionStart', start!)).toContain('- "kitchen": worker');
  });

  scenario('claude -p is a worker while an attended session lives', async (world) => {
    world.install('project');
    const a = await world.join();
    const run = await world.headless('Count the files');
    const [request] = world.api.turns(run.sessionId);
    expect(run).toMatchObject({ exitCode: 0, result: 'STUB-REPLY ok.', stderr: '' });
    expect(toldAt('SessionStart', request!)).toMatch(/^You are worker \(epoch 1\)/);
    expect(toldAt('UserPromptSubmit', request!)).toMatch(/You are worker.*epoch 1/);
    expect(world.roster().map(({ pid, role }) => ({ pid, role }))).toEqual([{ pid: a.pid, role: 'master' }]);
  });

  scenario('/clear and /compact are no joins, and the role is told again', async (world) => {
    world.install('project');
    const a = await world.join();
    const b = await world.join();
    await b.turn('Begin with the shop');
    const before = b.sessionId();

    await b.change('/clear');
    const [afterClear] = await b.turn('A new start');
    expect(b.sessionId()).not.toBe(before);
    expect(toldAt('SessionStart', afterClear!)).toMatch(/^You are master \(epoch 2\)/);

    await b.compact();
    const [afterCompact] = await b.turn('Go on');
    const seen = textsOf(afterCompact!).join('\n');
    expect(seen).not.toContain('A new start\n');
    expect(toldAt('SessionStart', afterCompact!)).toMatch(/^You are master \(epoch 2\)/);

    expect(world.roster()).toMatchObject([
      { pid: b.pid, role: 'master', seq: 2, sessionId: b.sessionId() },
      { pid: a.pid, role: 'worker', seq: 1 },
    ]);
  });

  scenario('/branch and /resume inside a session are no joins', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const first = a.sessionId()!;
    const b = await world.join();

    for (const command of ['/branch', `/resume ${first}`]) {
      await a.change(command);
      const [request] = (await a.turn('Go on')).slice(-1);
      expect(toldAt('SessionStart', request!), command).toMatch(/^You are worker \(epoch 2\)/);
      expect(world.status().members, command).toMatchObject([
        { pid: b.pid, role: 'master', seq: 2, name: b.clientName() },
        { pid: a.pid, role: 'worker', seq: 1, name: a.clientName(), sessionId: a.sessionId() },
      ]);
    }
    expect(a.sessionId()).toBe(first);
  });

  scenario('when the master leaves, the one before it is master again with its own epoch', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const b = await world.join();
    const sessionOfB = b.sessionId();
    await b.turn('Write the checkout page');
    await a.turn('And now?');
    expect(world.json(['handoff']), 'a checkpoint of each stop').toContainEqual(
      expect.objectContaining({
        sessionId: sessionOfB,
        label: 'checkpoint',
        goal: 'Write the checkout page',
      }),
    );
    await b.exit();

    const [request] = await a.turn('Who is left?');
    const [line, change] = toldAt('UserPromptSubmit', request!).split('\n');
    expect(line).toMatch(/You are master.*epoch 1/);
    expect(change, 'the line that tells the change').toMatch(/\S/);
    expect(world.roster()).toMatchObject([{ pid: a.pid, role: 'master', seq: 1 }]);

    expect(world.json(['handoff']), 'the handoff of the session that left is closed').toContainEqual(
      expect.objectContaining({ sessionId: sessionOfB, label: 'complete', goal: 'Write the checkout page' }),
    );
  });

  scenario('a session can take the lead from its own shell, and both are told', async (world) => {
    world.install('project');
    const a = await world.join();
    const b = await world.join();
    await b.turn('Begin with the shop');
    const inShell = (command: string) =>
      `RUNTOOL Bash ${JSON.stringify({ command: `node '${cliPath}' ${command}`, description: 'Ask' })} END`;

    const [, asked] = await a.turn(inShell('whoami --json'));
    expect(textsOf(asked!).join('\n')).toMatch(/"role": ?"worker"/);
    const [, promoted] = await a.turn(inShell('promote'));
    expect(toldAt('PostToolBatch', promoted!)).toMatch(/You are master.*epoch 3/s);
    const [, sure] = await a.turn(inShell('whoami --require master && echo it is so'));
    expect(textsOf(sure!).join('\n')).toMatch(/^it is so$/m);

    const [ofB] = await b.turn('And now?');
    expect(toldAt('UserPromptSubmit', ofB!)).toMatch(/You are worker.*epoch 3/);
    expect(world.roster()).toMatchObject([
      { pid: a.pid, role: 'master', seq: 3 },
      { pid: b.pid, role: 'worker', seq: 2 },
    ]);
  });

  scenario('FLOWLOOM=off keeps a session out of it', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const b = await world.terminals.start({ env: { FLOWLOOM: 'off' } });
    const [request] = await b.turn('Go on with the shop');
    expect(textsOf(request!).join('\n')).not.toMatch(/You are (master|worker)/);
    expect(world.roster().map(({ pid }) => pid)).toEqual([a.pid]);
  });
});
