/** What the client runs in the background: conversations that move there, tasks, and processes that wait for one. */
import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { findClient } from './support/client.ts';
import { clientNotes } from './support/client-notes.ts';
import { toldAt } from './support/hook-context.ts';
import { until } from './support/processes.ts';
import type { RecordedRequest } from './support/stub-api.ts';
import type { Terminal } from './support/terminal.ts';
import { scenario, scenarios, type World } from './support/world.ts';

const rolesOf = (world: World) => world.roster().map(({ pid, role, attended }) => ({ pid, role, attended }));

/** Waits until the client has a process at hand for the next task. */
const spare = (world: World): Promise<number> =>
  until(
    () => clientNotes(world.scratch.home).find((note) => note.spare && note.kind === 'bg')?.pid,
    'a process that waits for a task',
  );

/** Presses Left arrow and waits for the process in which the conversation goes on. */
async function leftArrow(world: World, terminal: Terminal): Promise<number> {
  const find = <T>(ask: () => T | undefined, what: string) =>
    until(ask, () => `${what}:\n${terminal.screen()}`);
  terminal.key('Left');
  await terminal.waitForScreen('moved to the background');
  const notes = () => clientNotes(world.scratch.home);
  const job = await find(() => notes().find(({ pid }) => pid === terminal.pid)?.parkedJobId, 'a job');
  return find(() => notes().find(({ jobId }) => jobId === job)?.pid, `the process of job ${job}`);
}

/** Types a prompt into what the terminal shows, and waits for the first request of its turn and for the end of that. */
async function say(world: World, terminal: Terminal, prompt: string): Promise<RecordedRequest> {
  const before = world.api.requests.length;
  await terminal.submit(prompt);
  const request = await until(
    () =>
      world.api.requests
        .slice(before)
        .find(({ body }) => (body.tools?.length ?? 0) > 0 && JSON.stringify(body.messages).includes(prompt)),
    () => `a request for "${prompt}":\n${terminal.screen()}`,
  );
  await terminal.ended(request);
  return request;
}

scenarios('in the background', () => {
  scenario('a conversation that moves there takes the place of its terminal', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const fork = await leftArrow(world, a);
    await until(
      () => world.roster().some(({ pid }) => pid === fork),
      () => `the fork on the roster:\n${JSON.stringify(world.status(), null, 2)}`,
    );
    const waiting = await spare(world);
    expect([a.pid, fork]).not.toContain(waiting);
    expect(rolesOf(world), 'neither the terminal nor the process that waits counts').toEqual([
      { pid: fork, role: 'master', attended: true },
    ]);

    // Back into the conversation, and on with it.
    a.key('Enter');
    await a.waitForScreen('Begin with the shop');
    const request = await say(world, a, 'Go on with the shop');
    const start = toldAt('SessionStart', request);
    expect(start).toMatch(/You are master \(epoch 2\) among .*; 1 live session; master: this session\./);
    expect(start, 'its own conversation is no handoff').not.toMatch(/^Handoff from/m);
    expect(toldAt('UserPromptSubmit', request)).toMatch(/^You are master \(epoch 2\); 1 live session;/);

    // Another one joins, and the conversation in the background is a worker.
    const b = await world.join();
    const [first] = await b.turn('Paint the door');
    expect(toldAt('SessionStart', first!)).toMatch(/^You are master \(epoch 3\) among .*; 2 live sessions/);
    const later = await say(world, a, 'And what now');
    expect(toldAt('UserPromptSubmit', later)).toMatch(/^You are worker \(epoch 3\); 2 live sessions/);
    await b.exit();
    const alone = await say(world, a, 'Alone again');
    expect(toldAt('UserPromptSubmit', alone)).toMatch(/^You are master \(epoch 2\); 1 live session;/);
  });

  scenario('a task is a worker until a person talks to it', async (world) => {
    const client = findClient();
    if (!client.found) return;
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    const { repository, env } = world.scratch;
    execFileSync(client.path, ['--bg', 'Count the files'], { cwd: repository, env, encoding: 'utf8' });
    const task = await until(
      () => world.roster().find(({ pid }) => pid !== a.pid)?.pid,
      () => `the task on the roster:\n${JSON.stringify(world.status(), null, 2)}`,
    );
    expect(rolesOf(world)).toEqual([
      { pid: task, role: 'worker', attended: false },
      { pid: a.pid, role: 'master', attended: true },
    ]);
    const [own] = await until(() => {
      const turns = world.api.turns(world.roster().find(({ pid }) => pid === task)?.sessionId ?? '');
      return turns.length > 0 && turns;
    }, 'the request of the task');
    expect(toldAt('UserPromptSubmit', own!)).toMatch(/^You are worker \(epoch 1\) among .*; 2 live sessions/);

    // The list of agents is no session, and starts a process that waits for the next task.
    const list = await world.terminals.start({ args: ['agents'] });
    await list.waitForScreen('describe a task');
    await spare(world);
    expect(rolesOf(world)).toHaveLength(2);
    list.key('Enter');
    await list.waitForScreen('Count the files');
    await list.waitForScreen('STUB-REPLY ok.');
    const talk = await say(world, list, 'And the folders');
    expect(toldAt('UserPromptSubmit', talk)).toMatch(/^You are master \(epoch 3\); 2 live sessions/);
    const [told] = await a.turn('And now?');
    expect(toldAt('UserPromptSubmit', told!)).toMatch(/^You are worker \(epoch 3\); 2 live sessions/);
    expect(rolesOf(world)).toEqual([
      { pid: task, role: 'master', attended: true },
      { pid: a.pid, role: 'worker', attended: true },
    ]);
  });

  scenario('/fork leaves the terminal where it is', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    await a.submit('/fork Paint the door');
    const fork = await until(
      () => world.roster().find(({ pid }) => pid !== a.pid)?.pid,
      () => `the fork on the roster:\n${a.screen()}`,
    );
    const sessionId = () => world.roster().find(({ pid }) => pid === fork)?.sessionId ?? '';
    const request = await until(() => world.api.turns(sessionId())[0], 'the request of the fork');
    expect(toldAt('SessionStart', request)).toMatch(/You are worker \(epoch 1\)/);
    expect(rolesOf(world)).toEqual([
      { pid: fork, role: 'worker', attended: false },
      { pid: a.pid, role: 'master', attended: true },
    ]);
    const [told] = await a.turn('And now?');
    expect(toldAt('UserPromptSubmit', told!)).toMatch(/^You are master \(epoch 1\); 2 live sessions/);
  });
});
