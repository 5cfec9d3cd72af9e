/** `promote` and `yield`: a new join each, and the hooks tell everybody. */
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { presence } from '../support/records.ts';
import { births, idOf, presenceOf } from '../support/state.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';
import { controls, jsonOf, trace, type, typeIn } from './command.ts';

interface Seen {
  master: string | null;
  epoch: number;
  members: { id: string; seq: number; pid: number }[];
}

const status = async (w: World): Promise<Seen> => jsonOf<Seen>(await type(w, ['status', '--json']));
const masterPid = async (w: World): Promise<number | null> => {
  const { master, members } = await status(w);
  return members.find(({ id }) => id === master)?.pid ?? null;
};

async function named(w: World, name: string, env = {}): Promise<SessionUnderTest> {
  const session = w.session({ env });
  await session.start('startup', { payload: { session_title: name } });
  return session;
}

describe('promote', () => {
  test('the session it is typed in, and the hooks tell everybody once', async () => {
    const w = world();
    const api = await named(w, 'api');
    const web = await named(w, 'web');
    const ran = await typeIn(api, ['promote']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toBe('api is master now (epoch 3). It and the others are told at their next hook.\n');
    const title = { payload: { session_title: 'api' } };
    expect((await api.prompt('x', title)).context).toMatch(
      /^You are master \(epoch 3\); 2 live sessions.*\nChanged: /,
    );
    expect((await web.tools()).context).toMatch(/You are worker \(epoch 3\)/);
    expect((await api.prompt('y', title)).context.split('\n')).toHaveLength(1);
    expect((await web.prompt('z')).context).toMatch(
      /^You are worker \(epoch 3\); 2 live sessions; master: "api"\.$/,
    );
    expect(births(w.state).map(({ seq, birth }) => [seq, birth.cause])).toEqual([
      [1, 'startup'],
      [2, 'startup'],
      [3, 'promote'],
    ]);
    expect(await masterPid(w)).toBe(api.client.pid);
  });

  test.each<[string, (w: World, api: SessionUnderTest) => string]>([
    ['name', () => 'api'],
    ['number', () => '1'],
    ['id', (w, api) => idOf(w.state, api.client.pid)],
  ])('another one by its %s', async (_, of) => {
    const w = world();
    const api = await named(w, 'api');
    await named(w, 'web');
    const ran = await type(w, ['promote', of(w, api), '--json']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(jsonOf(ran)).toEqual({ id: idOf(w.state, api.client.pid), seq: 3 });
    expect(await status(w)).toMatchObject({ master: idOf(w.state, api.client.pid), epoch: 3 });
  });

  test('an unattended one', async () => {
    const w = world();
    const unattended = await named(w, 'robot', { CLAUDE_CODE_SESSION_ATTENDED: '0' });
    const person = await named(w, 'web');
    expect(await masterPid(w)).toBe(person.client.pid);
    expect((await type(w, ['promote', 'robot'])).code).toBe(0);
    expect(await masterPid(w)).toBe(unattended.client.pid);
    expect((await unattended.prompt()).context).toMatch(/^You are master \(epoch 3\)/);
    expect((await person.prompt()).context).toMatch(/^You are worker \(epoch 3\)/);
  });

  test('one that stands back stands again', async () => {
    const w = world();
    const declines = await named(w, 'api', { FLOWLOOM_ROLE: 'worker' });
    expect(await masterPid(w)).toBeNull();
    expect((await type(w, ['promote', 'api'])).code).toBe(0);
    expect(await masterPid(w)).toBe(declines.client.pid);
  });

  test('twice: the later number, the same master', async () => {
    const w = world();
    const api = await named(w, 'api');
    await type(w, ['promote', 'api']);
    await type(w, ['promote', 'api']);
    expect(await status(w)).toMatchObject({ epoch: 3, members: [{ pid: api.client.pid, seq: 3 }] });
  });

  test('a name that two have: a sentence, exit 1, and nothing happens; the number works', async () => {
    const w = world();
    const one = await named(w, 'api');
    await named(w, 'api');
    const ran = await type(w, ['promote', 'api']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^More than one live session is called "api"/);
    expect(births(w.state)).toHaveLength(2);
    expect((await type(w, ['promote', '1'])).code).toBe(0);
    expect(await masterPid(w)).toBe(one.client.pid);
  });

  test('an unknown one: a sentence and exit 1', async () => {
    const w = world();
    await named(w, 'api');
    for (const wanted of ['nobody', '99', '', '01', '1 ', '../1', 'API', '\u001b[2J']) {
      const ran = await type(w, ['promote', '--', wanted]);
      expect([wanted, ran.code, ran.stdout]).toEqual([wanted, 1, '']);
      expect(ran.stderr).toMatch(/^No live session here is called/);
      expect([wanted, ran.stderr.match(controls)]).toEqual([wanted, null]);
    }
    expect(births(w.state)).toHaveLength(1);
  });

  test('one that ended is unknown', async () => {
    const w = world();
    const killed = await named(w, 'killed');
    const left = await named(w, 'left');
    await left.end();
    await killed.client.kill();
    for (const wanted of ['killed', 'left', '1', '2'])
      expect((await type(w, ['promote', wanted])).code).toBe(1);
    expect(births(w.state)).toHaveLength(2);
  });

  test('outside any session, with nobody named: a sentence and exit 1', async () => {
    const w = world();
    await named(w, 'api');
    const ran = await type(w, ['promote']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^This was not typed inside a Claude Code session/);
  });

  test('a name that others wrote moves no terminal', async () => {
    const w = world();
    const api = await named(w, 'api');
    const was = presenceOf(w.state, api.client.pid);
    await fileStore(w.state).announce(
      idOf(w.state, api.client.pid),
      presence({ ...was, name: '\u001b[2Jgone\u202e' }),
    );
    for (const args of [['promote', '1'], ['whoami'], ['yield']]) {
      const ran = await typeIn(api, args);
      expect(ran.code).toBe(0);
      expect(ran.stdout).not.toMatch(controls);
    }
  });
});

describe('yield', () => {
  test('the mastership goes on to the next, and the one that yields is told', async () => {
    const w = world();
    const api = await named(w, 'api');
    const web = await named(w, 'web');
    const ran = await typeIn(web, ['yield']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toBe('web no longer stands for master. Master is api (epoch 1).\n');
    expect(await masterPid(w)).toBe(api.client.pid);
    expect((await web.prompt('x', { payload: { session_title: 'web' } })).context).toMatch(
      /^You are worker \(epoch 1\); 2 live sessions; master: "api"\.\nChanged: /,
    );
    expect((await api.prompt()).context).toMatch(/^You are master \(epoch 1\).*\nChanged: /);
  });

  test('all yield: nobody is master, until somebody is promoted or joins', async () => {
    const w = world();
    const api = await named(w, 'api');
    const web = await named(w, 'web');
    const first = await typeIn(api, ['yield', '--json']);
    expect(jsonOf(first)).toMatchObject({ seq: 3, master: idOf(w.state, web.client.pid) });
    const last = await typeIn(web, ['yield']);
    expect(last.stdout).toBe('web no longer stands for master. Nobody is master now.\n');
    expect(await status(w)).toMatchObject({ master: null, epoch: 0 });
    expect((await type(w, ['status'])).stdout).toMatch(/^2 sessions, master nobody\n/);
    expect((await typeIn(web, ['whoami', '--require', 'worker'])).code).toBe(0);
    expect((await web.prompt()).context).toMatch(
      /You are worker \(epoch 0\); 2 live sessions; master: none\./,
    );
    expect((await typeIn(api, ['promote'])).code).toBe(0);
    expect(await masterPid(w)).toBe(api.client.pid);
    await typeIn(api, ['yield']);
    const fresh = await named(w, 'fresh');
    expect(await masterPid(w)).toBe(fresh.client.pid);
  });

  test('an unattended session takes over when everybody else stands back', async () => {
    const w = world();
    const robot = await named(w, 'robot', { CLAUDE_CODE_SESSION_ATTENDED: '0' });
    const web = await named(w, 'web');
    await typeIn(web, ['yield']);
    expect(await masterPid(w)).toBe(robot.client.pid);
  });

  test('a worker that yields changes no master; twice is the same', async () => {
    const w = world();
    const api = await named(w, 'api');
    const web = await named(w, 'web');
    for (let i = 0; i < 2; i++) {
      expect((await typeIn(api, ['yield'])).code).toBe(0);
      expect(await status(w)).toMatchObject({ master: idOf(w.state, web.client.pid), epoch: 2 });
    }
  });

  test('outside any session: a sentence, exit 1', async () => {
    const w = world();
    await named(w, 'api');
    const ran = await type(w, ['yield']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^This was not typed inside a Claude Code session/);
    expect(ran.stderr).not.toMatch(trace);
    expect(births(w.state)).toHaveLength(1);
  });
});
