/** Sessions that the client runs in the background: who takes part, who is master, and what each is told. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonOf, typeIn } from '../cli/command.ts';
import { write } from '../support/scratch.ts';
import { births, joinsOf } from '../support/state.ts';
import type { SessionUnderTest, World } from '../support/world.ts';
import { recorded, world } from '../support/world.ts';

/** As the client starts a session in the background, with what it was begun with. */
function job(w: World, state: Record<string, unknown> | null = null): SessionUnderTest {
  const session = w.session();
  const directory = join(w.home, '.claude', 'jobs', session.id.slice(-8));
  session.env = { CLAUDE_CODE_SESSION_ATTENDED: '0', CLAUDE_JOB_DIR: directory };
  if (state) write(join(directory, 'state.json'), JSON.stringify(state));
  return session;
}

/** The client's note about a process. */
const note = (w: World, { client, id }: SessionUnderTest, more: Record<string, unknown>): string =>
  write(
    join(w.home, '.claude', 'sessions', `${client.pid}.json`),
    JSON.stringify({ pid: client.pid, sessionId: id, kind: 'interactive', ...more }),
  );

const jobOf = ({ env }: SessionUnderTest): string => env.CLAUDE_JOB_DIR!.split('/').at(-1)!;

/** The person presses Left arrow: the conversation goes on in a process in the background. */
async function leftArrow(w: World, shell: SessionUnderTest): Promise<SessionUnderTest> {
  const fork = job(w, { intent: 'build the checkout', interactiveLineage: true });
  note(w, shell, { parkedJobId: jobOf(fork) });
  return fork;
}

interface Status {
  master: string | null;
  epoch: number;
  members: { pid: number; role: string; attended: boolean }[];
}
const statusOf = async (session: SessionUnderTest): Promise<Status> =>
  jsonOf<Status>(await typeIn(session, ['status', '--json']));
const rolesOf = async (session: SessionUnderTest) =>
  (await statusOf(session)).members.map(({ pid, role, attended }) => [pid, role, attended]);

describe('a process that waits for a task', () => {
  test('is told nothing, nobody is told of it, and it leaves no trace', async () => {
    const w = world();
    const person = w.session();
    await person.start();
    await person.prompt();
    const spare = job(w);
    expect(await spare.start()).toMatchObject({ code: 0, stdout: '' });
    expect((await person.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session;.*$/);
    expect(await rolesOf(person)).toEqual([[person.client.pid, 'master', true]]);
    expect((await spare.end('other')).stdout).toBe('');
    expect(joinsOf(w.state, spare.client.pid)).toEqual([]);
    expect(readdirSync(join(w.state, 'members'))).toHaveLength(1);
  });

  test('is not master for want of another one either', async () => {
    const w = world();
    const spare = job(w);
    await spare.start();
    expect((await statusOf(spare)).members).toEqual([]);
  });

  test('joins with its task, is told in full, and is a worker beside a person', async () => {
    const w = world();
    const person = w.session();
    await person.start();
    const one = job(w, { intent: 'Count  the files' });
    await one.start();
    const { context } = await one.prompt('Count the files');
    expect(context).toMatch(/^You are worker \(epoch 1\) among .*2 live sessions/);
    expect(await rolesOf(person)).toEqual([
      [one.client.pid, 'worker', false],
      [person.client.pid, 'master', true],
    ]);
    await one.stop();
    expect((await person.prompt()).context).toMatch(/^You are master \(epoch 1\); 2 live sessions/);
  });
});

describe('a session in the background that a person talks to', () => {
  test('is attended from then on, at its place in the order of joins', async () => {
    const w = world();
    const first = w.session();
    await first.start();
    const one = job(w, { intent: 'count the files' });
    await one.start();
    await one.prompt('count the files');
    await one.stop();
    const { context } = await one.prompt('and the folders');
    expect(context).toMatch(/^You are master \(epoch 3\); 2 live sessions/);
    expect(context).toMatch(/\nChanged: .*this session is master now \(it was worker\)/);
    await one.stop();
    expect((await first.prompt()).context).toMatch(/^You are worker \(epoch 3\)/);
    expect((await one.prompt('go on')).context).toMatch(/^You are master \(epoch 3\); 2 live sessions;.*$/);
    expect(births(w.state).at(-1)!.birth).toMatchObject({ cause: 'attended', attended: true, place: 2 });

    const last = w.session();
    expect((await last.start()).context).toMatch(/^You are master \(epoch 4\)/);
    expect((await one.prompt('and now?')).context).toMatch(/^You are worker \(epoch 4\)/);
  });

  test('does not pass a person who joined after it', async () => {
    const w = world();
    await w.session().start();
    const one = job(w, { intent: 'count the files' });
    await one.start();
    await one.prompt('count the files');
    const last = w.session();
    await last.start();
    expect((await one.prompt('and the folders')).context).toMatch(/^You are worker \(epoch 3\)/);
    expect((await last.prompt()).context).toMatch(/^You are master \(epoch 3\)/);
    await last.end();
    expect((await one.prompt('and now?')).context).toMatch(/^You are master/);
  });

  test.each([
    ['a notification of a task', recorded('UserPromptSubmit.task-notification').prompt as string],
    [
      'a message of another session',
      '<cross-session-message from="uds:/tmp/a.sock" from-name="alpha" from-mode="prompting">look</cross-session-message>',
    ],
    ['what is scheduled', 'check the build'],
  ])('%s is no talk', async (_, prompt) => {
    const w = world();
    const person = w.session();
    await person.start();
    const one = job(w, { intent: 'count the files' });
    await one.start();
    await one.prompt('count the files');
    await one.stop('Done.', { payload: { session_crons: [{ id: '1', prompt: 'check the build' }] } });
    expect((await one.prompt(prompt)).context).toMatch(/^You are worker \(epoch 1\)/);
    expect((await rolesOf(person))[0]).toEqual([one.client.pid, 'worker', false]);
  });

  test('also where unattended sessions are to be ignored', async () => {
    const w = world();
    write(join(w.root, '.flowloomrc.json'), '{"unattended":"ignore"}');
    const one = job(w, { intent: 'count the files' });
    await one.start();
    expect((await one.prompt('count the files')).stdout).toBe('');
    expect((await one.prompt('and the folders')).context).toMatch(/^You are master \(epoch 1\)/);
  });

  test('stays a worker that declined', async () => {
    const w = world();
    const one = job(w, { intent: 'count the files' });
    one.env = { ...one.env, FLOWLOOM_ROLE: 'worker' };
    await one.start();
    await one.prompt('count the files');
    expect((await one.prompt('and the folders')).context).toMatch(/^You are worker/);
    expect(await rolesOf(one)).toEqual([[one.client.pid, 'worker', true]]);
  });

  test('a prompt of claude -p is none, whoever started it', async () => {
    const w = world();
    await w.session().start();
    const robot = job(w, { intent: 'something else' });
    robot.env = { ...robot.env, CLAUDE_CODE_ENTRYPOINT: 'sdk-cli' };
    expect((await robot.start()).context).toMatch(/^You are worker \(epoch 1\)/);
    expect((await robot.prompt('write a commit message')).context).toMatch(/^You are worker \(epoch 1\)/);
  });
});

describe('a conversation that moves to the background', () => {
  test('takes the place of the terminal it left, which is in no count', async () => {
    const w = world();
    const shell = w.session();
    await shell.start();
    await shell.prompt('build the checkout');
    await shell.stop();
    const fork = await leftArrow(w, shell);
    const { context } = await fork.start('fork');
    expect(context).toMatch(/^You are master \(epoch 2\) among .*; 1 live session; master: this session\./);
    expect(await rolesOf(shell)).toEqual([[fork.client.pid, 'master', true]]);
    expect((await fork.prompt('go on')).context).toMatch(/^You are master \(epoch 2\); 1 live session/);
    await fork.stop();
    const next = w.session();
    expect((await next.start()).context).toMatch(/^You are master \(epoch 3\) among .*2 live sessions/);
  });

  test('of a worker stays a worker', async () => {
    const w = world();
    const shell = w.session();
    await shell.start();
    await shell.prompt('build the checkout');
    const master = w.session();
    await master.start();
    const fork = await leftArrow(w, shell);
    expect((await fork.start('fork')).context).toMatch(/^You are worker \(epoch 2\) among .*2 live sessions/);
    expect((await fork.prompt('go on')).context).toMatch(/^You are worker \(epoch 2\)/);
    expect((await master.prompt()).context).toMatch(/^You are master \(epoch 2\); 2 live sessions/);
    await master.end();
    expect((await fork.prompt('go on')).context).toMatch(/^You are master \(epoch 3\); 1 live session/);
  });

  test('its terminal is back as soon as a hook of its own fires', async () => {
    const w = world();
    const shell = w.session();
    await shell.start();
    const fork = await leftArrow(w, shell);
    await fork.start('fork');
    expect((await shell.prompt('something else')).context).toMatch(/^You are master \(epoch 3\); 2 live/);
    expect((await fork.prompt('go on')).context).toMatch(/^You are worker \(epoch 3\)/);
    expect(await rolesOf(shell)).toEqual([
      [shell.client.pid, 'master', true],
      [fork.client.pid, 'worker', true],
    ]);
  });

  test.each(['kill', 'end'] as const)('its terminal is back when the fork is gone (%s)', async (how) => {
    const w = world();
    const other = w.session();
    await other.start();
    const shell = w.session();
    await shell.start();
    const fork = await leftArrow(w, shell);
    await fork.start('fork');
    expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 3\); 2 live sessions/);
    if (how === 'kill') await fork.client.kill();
    else await fork.end('other');
    expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
  });

  test('the terminal may end, which changes nothing for the others', async () => {
    const w = world();
    const other = w.session();
    await other.start();
    const shell = w.session();
    await shell.start();
    await shell.prompt('build the checkout');
    const fork = await leftArrow(w, shell);
    await fork.start('fork');
    await other.prompt();
    await shell.end('other');
    expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 3\); 2 live sessions;.*$/);
    expect((await fork.prompt()).context).toMatch(/^You are master \(epoch 3\); 2 live sessions/);
  });

  test('in a crowd too, whoever joined after it', async () => {
    const w = world();
    const shell = w.session();
    await shell.start();
    for (let more = 0; more < 20; more++) await w.session().start();
    const fork = await leftArrow(w, shell);
    expect((await fork.start('fork')).context).toMatch(/^You are worker \(epoch 21\) among .*21 live/);
    const next = w.session();
    expect((await next.start()).context).toMatch(/^You are master \(epoch 23\)/);
    expect((await next.prompt()).context).toMatch(/22 live sessions/);
    await next.end();
    expect((await fork.prompt()).context).toMatch(/^You are worker \(epoch 21\)/);
  });

  test('one whose terminal is not known joins as one in the background, and is attended when talked to', async () => {
    const w = world();
    const person = w.session();
    await person.start();
    const fork = w.session({ env: { CLAUDE_CODE_SESSION_ATTENDED: '0' } });
    expect((await fork.start('fork')).context).toMatch(/^You are worker \(epoch 1\)/);
    expect((await fork.prompt('go on')).context).toMatch(/^You are master \(epoch 3\)/);
  });
});
