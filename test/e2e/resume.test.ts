import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('resume', () => {
  scenario('a resumed conversation in a new process is a new join', async (world) => {
    world.install('project');
    const a = await world.join();
    const b = await world.join();
    await a.turn('Begin with the shop');
    const session = a.sessionId();
    await a.exit();

    const again = await world.join({ args: ['--continue'] });
    expect(again.sessionId()).toBe(session);
    const [request] = (await again.turn('Go on')).slice(-1);
    expect(toldAt('SessionStart', request!)).toMatch(/^You are master \(epoch 3\)/);
    expect(world.roster()).toMatchObject([
      { pid: again.pid, role: 'master', seq: 3, sessionId: session },
      { pid: b.pid, role: 'worker', seq: 2 },
    ]);
  });

  scenario('two live processes of one conversation are two members', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const session = a.sessionId()!;
    const b = await world.join({ args: ['--resume', session] });
    expect(b.sessionId()).toBe(session);

    const [ofB] = (await b.turn('I am the second')).slice(-1);
    expect(toldAt('SessionStart', ofB!)).toMatch(/^You are master \(epoch 2\)/);
    const [ofA] = (await a.turn('I am the first')).slice(-1);
    expect(toldAt('UserPromptSubmit', ofA!)).toMatch(/You are worker.*epoch 2/);
    expect(world.roster()).toMatchObject([
      { pid: b.pid, role: 'master', seq: 2, sessionId: session },
      { pid: a.pid, role: 'worker', seq: 1, sessionId: session },
    ]);
  });

  scenario('a fork is not given its own conversation as a handoff', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const session = a.sessionId()!;
    for (const args of [
      ['--resume', session, '--fork-session'],
      ['--continue', '--fork-session'],
    ]) {
      const fork = await world.join({ args });
      const request = (await fork.turn('Go on elsewhere')).at(-1)!;
      expect(fork.sessionId(), args.join(' ')).not.toBe(session);
      const start = toldAt('SessionStart', request);
      expect(start, args.join(' ')).toMatch(/You are master \(epoch [23]\)/);
      expect(start, args.join(' ')).not.toMatch(/^Handoff from/m);
      await fork.exit();
    }
    // Another one is given what there is.
    const [request] = await (await world.join()).turn('Go on');
    expect(toldAt('SessionStart', request!)).toMatch(/^Handoff from/m);
  });
});
