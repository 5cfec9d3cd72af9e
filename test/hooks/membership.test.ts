/** Who is a member, with which number, and who is master: rules 2 to 7 of the protocol, through the hooks as they ship. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checksum } from '../../src/core/store.ts';
import { notebooksIn } from '../../src/io/notebook-file.ts';
import { jsonOf, typeIn } from '../cli/command.ts';
import type { HookName } from '../support/built.ts';
import { git, repository, write } from '../support/scratch.ts';
import { births, idOf, joinsOf, logLines, notebookOf, presenceOf } from '../support/state.ts';
import { bashCall, recorded, world } from '../support/world.ts';

describe('joining', () => {
  test('the first session is master, the next one takes over, in words', async () => {
    const { session, state } = world();
    const first = session();
    const one = await first.start();
    expect(one.context).toMatch(/^You are master \(epoch 1\)/);
    expect(one.json?.hookSpecificOutput?.hookEventName).toBe('SessionStart');
    const second = session();
    expect((await second.start()).context).toMatch(/^You are master \(epoch 2\)/);
    const told = (await first.prompt()).context;
    expect(told).toMatch(/^You are worker \(epoch 2\); 2 live sessions; master: "/);
    expect(
      births(state).map(({ seq, birth }) => [seq, birth.process.pid, birth.cause, birth.candidacy]),
    ).toEqual([
      [1, first.client.pid, 'startup', 'eligible'],
      [2, second.client.pid, 'startup', 'eligible'],
    ]);
  });

  test.each<[HookName, string]>([
    ['user-prompt-submit', 'UserPromptSubmit'],
    ['post-tool-batch', 'PostToolBatch'],
  ])('an unknown process joins late at %s and is told in full', async (name, event) => {
    const { session, state } = world();
    const late = session();
    const told = await late.fire(name);
    expect(told.context).toMatch(/^You are master \(epoch 1\)/);
    expect(told.context.split('\n').length).toBeGreaterThan(1);
    expect(told.json?.hookSpecificOutput?.hookEventName).toBe(event);
    expect(births(state).map(({ birth }) => birth.cause)).toEqual(['late']);
  });

  test.each<HookName>(['stop', 'post-compact'])(
    'an unknown process joins late at %s and is told at the next prompt',
    async (name) => {
      const { session, state } = world();
      const late = session();
      expect((await late.fire(name)).stdout).toBe('');
      expect(joinsOf(state, late.client.pid)).toEqual([1]);
      const told = (await late.prompt()).context;
      expect(told).toMatch(/^You are master \(epoch 1\)/);
      expect(told.split('\n').length).toBeGreaterThan(1);
      expect((await late.prompt()).context.split('\n')).toHaveLength(1);
    },
  );

  test('an unknown process does not join to leave', async () => {
    const { session, state } = world();
    expect((await session().end()).stdout).toBe('');
    expect(existsSync(join(state, 'seq'))).toBe(false);
  });

  test.each(['clear', 'compact'])('a process first seen at SessionStart %s joins late', async (source) => {
    const { session, state } = world();
    const late = session();
    expect((await late.start(source)).context).toMatch(/^You are master/);
    expect(births(state).map(({ birth }) => birth.cause)).toEqual(['late']);
  });

  test.each(['clear', 'compact', 'resume', 'fork'])(
    'SessionStart %s in the same process: the same member and number, told in full',
    async (source) => {
      const { session, state } = world();
      const mine = session();
      await mine.start();
      const other = session();
      await other.start();
      if (source !== 'compact') {
        if (source !== 'fork') await mine.end(source === 'clear' ? 'clear' : 'resume');
        mine.renewed();
      }
      const again = (await mine.start(source)).context;
      expect(again).toMatch(/^You are worker \(epoch 2\)/);
      expect(again.split('\n').length).toBeGreaterThan(2);
      expect(joinsOf(state, mine.client.pid)).toEqual([1]);
      expect(presenceOf(state, mine.client.pid)).toMatchObject({ sessionId: mine.id, left: null });
      expect(births(state)).toHaveLength(2);
    },
  );

  test('a conversation resumed by a new process is a new member, and master', async () => {
    const { session, state } = world();
    const before = session();
    await before.start();
    await before.prompt();
    await before.end();
    const after = session({ id: before.id });
    expect((await after.start('resume')).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(state).map(({ birth }) => birth.cause)).toEqual(['startup', 'resume']);
  });

  test('two processes with the same conversation are two members', async () => {
    const { session, state } = world();
    const one = session();
    await one.start();
    const two = session({ id: one.id });
    expect((await two.start('resume')).context).toMatch(/^You are master \(epoch 2\).*2 live sessions/);
    expect(idOf(state, one.client.pid)).not.toBe(idOf(state, two.client.pid));
    expect((await one.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
  });

  test('a fork launched as a new process joins as a fork', async () => {
    const { session, state } = world();
    await session().start();
    expect((await session().start('fork')).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(state).at(-1)!.birth.cause).toBe('fork');
  });

  test.each<HookName>([
    'session-start',
    'user-prompt-submit',
    'post-tool-batch',
    'stop',
    'post-compact',
    'session-end',
  ])('inside a subagent %s is silent, joins nobody and writes nothing', async (name) => {
    const { session, state } = world();
    const inside = await session().fire(name, {
      payload: { agent_id: 'ad51870e671604559', agent_type: 'general-purpose' },
    });
    expect([inside.code, inside.stdout]).toEqual([0, '']);
    expect(existsSync(state)).toBe(false);
  });

  test('a prompt the client submitted itself is no goal, but an answer is given', async () => {
    const { session, state } = world();
    const mine = session();
    await mine.start();
    await mine.prompt('build the checkout');
    const told = await mine.prompt(String(recorded('UserPromptSubmit.task-notification').prompt));
    expect(told.context).toMatch(/^You are master/);
    expect(presenceOf(state, mine.client.pid).doing).toBe('build the checkout');
  });

  test('FLOWLOOM_DEBUG=1 tells on stderr what each hook did, and only then', async () => {
    const { session, state } = world();
    const watched = session({ env: { FLOWLOOM_DEBUG: '1' } });
    expect((await watched.start()).stderr).toMatch(
      /^flowloom SessionStart: state in .*, told [1-9]\d* characters, \d+ ms\n$/,
    );
    const stopped = await watched.stop();
    expect(stopped.stderr).toContain(`state in ${state}, told 0 characters`);
    expect((await session().start()).stderr).toBe('');
  });

  test('FLOWLOOM=off switches everything off', async () => {
    const { session, state } = world();
    const off = session({ env: { FLOWLOOM: 'off' } });
    for (const result of [
      await off.start(),
      await off.prompt(),
      await off.tools(),
      await off.stop(),
      await off.compacted(),
      await off.end(),
    ])
      expect([result.code, result.stdout, result.stderr]).toEqual([0, '', '']);
    expect(existsSync(state)).toBe(false);
  });

  test('without CLAUDE_PID the process above the hook is the client', async () => {
    const { session, state } = world();
    const old = session({ env: { CLAUDE_PID: undefined } });
    await old.start();
    expect(births(state).map(({ birth }) => birth.process.pid)).toEqual([process.pid]);
    expect((await old.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
  });

  test('without CLAUDE_PID and with a shell in between it is still the client', async () => {
    const { session, state } = world();
    const old = session({ env: { CLAUDE_PID: undefined } });
    await old.start('startup', { through: ['/bin/sh', '-c', '"$0" "$@"; exit $?'] });
    expect(births(state).map(({ birth }) => birth.process.pid)).toEqual([process.pid]);
  });

  test.each(['0', '-1', 'abc', '4194304999', '1e3', ''])(
    'a CLAUDE_PID of %j names nobody and does no harm',
    async (pid) => {
      const { session, state } = world();
      expect((await session({ env: { CLAUDE_PID: pid } }).start()).context).toMatch(/^You are master/);
      expect(births(state)).toHaveLength(1);
    },
  );

  test('a stop tells the others again what somebody removed', async () => {
    const { state, session } = world();
    const mine = session();
    await mine.start();
    await mine.prompt('build the checkout');
    const before = presenceOf(state, mine.client.pid);
    rmSync(join(state, 'members', idOf(state, mine.client.pid), 'presence.json'));
    await mine.stop();
    expect(presenceOf(state, mine.client.pid)).toEqual(before);
  });

  test('a newcomer does not go on from what a member saw in another store', async () => {
    const { state, session } = world();
    const others = Array.from({ length: 17 }, () => session());
    for (const other of others) await other.start();
    const newest = others.at(-1)!.client.pid;
    const sight = {
      top: 17,
      watched: [{ first: 1, last: 17 }],
      sum: checksum(Array.from(others, (_, n) => n + 1)),
      leases: {},
      silent: [],
    };
    const notebooks = notebooksIn(state);
    const moved = { ...notebooks.read(idOf(state, newest))!, sight };
    notebooks.write(idOf(state, newest), { ...moved, store: 'git' });
    expect((await session().start()).context).toMatch(/; 18 live sessions/);
    // With one of the same store it knows the others without looking at all of them.
    notebooks.write(idOf(state, newest), moved);
    rmSync(join(state, 'seq', '000000000018.json'));
    expect((await session().start()).context).toMatch(/; at least 17 live sessions/);
  });

  test('a newcomer among many looks at the newest, and at everybody at its first prompt', async () => {
    const { session, state } = world();
    const others = Array.from({ length: 22 }, () => session());
    for (const other of others) await other.start();
    // The newest knows them all.
    await others.at(-1)!.prompt('go');
    await others[0]!.client.kill();
    const mine = session();
    const { context } = await mine.start();
    expect(context).toContain('You are master (epoch 23)');
    expect(context).toContain('at least 17 live sessions');
    expect(context).toContain('- and others that joined earlier');
    expect((await mine.prompt('go')).context).toContain('22 live sessions');
    await others[2]!.end();
    expect((await mine.prompt('go on')).context).toMatch(/21 live sessions.*\nChanged: .* left\./);
    // A lost notebook does not make it a newcomer.
    const early = others[1]!;
    for (const slot of ['notebook.0.json', 'notebook.1.json'])
      rmSync(join(state, 'members', idOf(state, early.client.pid), slot), { force: true });
    expect((await early.start('resume')).context).toContain('You are worker (epoch 23)');
  });
});

describe('leaving', () => {
  test.each(['prompt_input_exit', 'other', 'logout', ''])(
    'SessionEnd %j: the member leaves, the next one in line is master',
    async (reason) => {
      const { session, state } = world();
      const stays = session();
      await stays.start();
      const leaves = session();
      await leaves.start();
      expect((await stays.prompt()).context).toMatch(/worker/);
      expect((await leaves.end(reason)).stdout).toBe('');
      expect(presenceOf(state, leaves.client.pid).left).toMatchObject({
        seq: 2,
        reason: reason || 'unknown',
      });
      const told = (await stays.prompt()).context;
      expect(told).toMatch(
        /^You are master \(epoch 1\); 1 live session; master: this session\.\nChanged: .* has ended, so this session is master now/,
      );
    },
  );

  test.each(['clear', 'resume'])(
    'SessionEnd %s: the process lives on, so the member stays',
    async (reason) => {
      const { session, state } = world();
      const other = session();
      await other.start();
      const mine = session();
      await mine.start();
      await mine.end(reason);
      expect(presenceOf(state, mine.client.pid).left).toBeNull();
      expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
    },
  );

  test('a killed process is gone at the next look of any other', async () => {
    const { session } = world();
    const stays = session();
    await stays.start();
    const dies = session();
    await dies.start();
    await dies.client.kill();
    expect((await stays.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
  });

  test('after everybody left the numbers go on', async () => {
    const { session } = world();
    for (const epoch of [1, 2, 3]) {
      const one = session();
      expect((await one.start()).context).toContain(`(epoch ${epoch})`);
      if (epoch === 2) await one.client.kill();
      else await one.end();
    }
  });

  test('a hook that comes after the end does not bring the dead back as a second member', async () => {
    const { session, state } = world();
    const other = session();
    await other.start();
    const mine = session();
    await mine.start();
    await mine.end();
    await mine.client.kill();
    expect((await other.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    expect(births(state)).toHaveLength(2);
  });
});

describe('who may be master', () => {
  const unattended = { CLAUDE_CODE_SESSION_ATTENDED: '0', CLAUDE_CODE_ENTRYPOINT: 'sdk-cli' };

  test('an unattended session is worker next to an attended one, even when it joined last', async () => {
    const { session } = world();
    const person = session();
    await person.start();
    const robot = session({ env: unattended });
    expect((await robot.start()).context).toMatch(/^You are worker \(epoch 1\)/);
    expect((await person.prompt()).context).toMatch(/^You are master \(epoch 1\); 2 live sessions/);
  });

  test('alone it is master, until somebody comes', async () => {
    const { session } = world();
    const robot = session({ env: unattended });
    expect((await robot.start()).context).toMatch(/^You are master \(epoch 1\)/);
    const person = session();
    expect((await person.start()).context).toMatch(/^You are master \(epoch 2\)/);
    expect((await robot.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    await person.end();
    expect((await robot.prompt()).context).toMatch(/^You are master \(epoch 1\)/);
  });

  test('of two unattended ones alone the last is master', async () => {
    const { session } = world();
    await session({ env: unattended }).start();
    expect((await session({ env: unattended }).start()).context).toMatch(/^You are master \(epoch 2\)/);
  });

  test('unattended: eligible lets it be master like everybody', async () => {
    const { session, root } = world();
    write(join(root, '.flowloomrc.json'), '{"unattended":"eligible"}');
    await session().start();
    expect((await session({ env: unattended }).start()).context).toMatch(/^You are master \(epoch 2\)/);
  });

  test('unattended: ignore leaves it out altogether', async () => {
    const { session, root, state } = world();
    write(join(root, '.flowloomrc.json'), '{"unattended":"ignore"}');
    const robot = session({ env: unattended });
    for (const result of [
      await robot.start(),
      await robot.prompt(),
      await robot.tools(),
      await robot.stop(),
      await robot.end(),
    ])
      expect([result.code, result.stdout]).toEqual([0, '']);
    expect(existsSync(join(state, 'seq'))).toBe(false);
    expect((await session().start()).context).toMatch(/^You are master \(epoch 1\).*1 live session/);
  });

  test('no word about attendance means attended', async () => {
    const { session } = world();
    await session().start();
    expect((await session({ env: { CLAUDE_CODE_SESSION_ATTENDED: undefined } }).start()).context).toMatch(
      /^You are master \(epoch 2\)/,
    );
  });

  test('FLOWLOOM_ROLE=worker declines: never master, not even alone', async () => {
    const { session } = world();
    const aide = session({ env: { FLOWLOOM_ROLE: 'worker' } });
    expect((await aide.start()).context).toMatch(/^You are worker \(epoch 0\).*master: none/s);
    const person = session();
    expect((await person.start()).context).toMatch(/^You are master \(epoch 2\)/);
    expect((await aide.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    await person.end();
    expect((await aide.prompt()).context).toMatch(/^You are worker \(epoch 0\).*master: none/s);
  });

  test('a worker that declined and joined last does not take over', async () => {
    const { session } = world();
    const person = session();
    await person.start();
    expect((await session({ env: { FLOWLOOM_ROLE: 'worker' } }).start()).context).toMatch(
      /^You are worker \(epoch 1\)/,
    );
    expect((await person.prompt()).context).toMatch(/^You are master \(epoch 1\)/);
  });
});

describe('what one scope is', () => {
  test('a work tree, its subdirectory and the main checkout are one', async () => {
    const { session, root, base } = world();
    git(root, 'worktree', 'add', '-q', '-b', 'docs', join(base, 'shop-docs'));
    mkdirSync(join(root, 'api'));
    await session().start();
    expect((await session({ cwd: join(root, 'api') }).start()).context).toMatch(
      /\(epoch 2\).*2 live sessions/,
    );
    const told = (await session({ cwd: join(base, 'shop-docs') }).start()).context;
    expect(told).toMatch(/\(epoch 3\).*3 live sessions/);
    expect(told).toMatch(/branch "main"/);
    expect(told).toContain(`in "${root}"`);
    expect(told).toMatch(/\(this session\): master, branch "docs"/);
  });

  test('where the project is counts, not where the client has gone since', async () => {
    const { session, root } = world();
    mkdirSync(join(root, 'api'));
    await session().start();
    const mine = session();
    await mine.start();
    expect((await mine.prompt('x', { payload: { cwd: '/' } })).context).toMatch(/2 live sessions/);
  });

  test('another repository is another scope', async () => {
    const { session, base } = world();
    await session().start();
    const other = repository(join(base, 'other'));
    expect((await session({ cwd: other }).start()).context).toMatch(/\(epoch 1\).*1 live session/);
  });

  test("outside git the project directory is the scope, and its state is the user's", async () => {
    const { session, root, home } = world({ git: false });
    await session().start();
    const second = await session().start();
    expect(second.context).toMatch(/\(epoch 2\).*2 live sessions/);
    expect(second.notice).toBe('');
    expect(existsSync(join(root, '.git'))).toBe(false);
    expect(existsSync(join(home, '.local', 'state', 'flowloom'))).toBe(true);
  });

  test('XDG_STATE_HOME is respected', async () => {
    const { session, base, home } = world({ git: false });
    await session({ env: { XDG_STATE_HOME: join(base, 'xdg') } }).start();
    expect(existsSync(join(base, 'xdg', 'flowloom'))).toBe(true);
    expect(existsSync(join(home, '.local'))).toBe(false);
  });

  test('FLOWLOOM_STATE_DIR moves the state of every scope, each to a folder of its own', async () => {
    const { session, base, state } = world();
    const env = { FLOWLOOM_STATE_DIR: join(base, 'elsewhere') };
    const other = repository(join(base, 'other'));
    const one = await session({ env }).start();
    expect((await session({ env }).start()).context).toMatch(/\(epoch 2\)/);
    expect((await session({ env, cwd: other }).start()).context).toMatch(/\(epoch 1\).*1 live session/);
    expect(one.notice).toBe('');
    expect(existsSync(state)).toBe(false);
    expect(existsSync(join(base, 'elsewhere'))).toBe(true);
  });

  test('numbers go on when the place of the state moves', async () => {
    const { session, base } = world();
    for (let i = 0; i < 3; i++) await session().start();
    const moved = await session({ env: { FLOWLOOM_STATE_DIR: join(base, 'elsewhere') } }).start();
    expect(moved.context).toMatch(/\(epoch 4\)/);
  });

  test('a member keeps the place it joined in', async () => {
    const { session, base, state } = world();
    const mine = session();
    await mine.start();
    mine.env.FLOWLOOM_STATE_DIR = join(base, 'elsewhere');
    expect((await mine.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    expect(births(state)).toHaveLength(1);
    expect(existsSync(join(base, 'elsewhere', 'seq'))).toBe(false);
  });

  test('nothing is written into the work tree, and git sees nothing', async () => {
    const { session, root } = world();
    const mine = session();
    await mine.start();
    await mine.prompt();
    await mine.tools([bashCall('npm test', 'ok')]);
    await mine.stop();
    await mine.end();
    expect(git(root, 'status', '--porcelain', '--ignored')).toBe('');
    expect(() => git(root, 'fsck', '--strict')).not.toThrow();
    expect(git(root, 'for-each-ref')).toMatch(/^\S+ commit\trefs\/heads\/main$/);
  });
});

describe('names', () => {
  test('are what the client itself calls the session', async () => {
    const { session, home } = world();
    const named = session();
    write(
      join(home, '.claude', 'sessions', `${named.client.pid}.json`),
      JSON.stringify({ pid: named.client.pid, name: 'quiet-otter' }),
    );
    await named.start();
    const other = session();
    expect((await other.start()).context).toContain('- "quiet-otter": worker');
  });

  test('in the directory of CLAUDE_CONFIG_DIR when it is set', async () => {
    const { session, base } = world();
    const named = session({ env: { CLAUDE_CONFIG_DIR: join(base, 'config') } });
    write(
      join(base, 'config', 'sessions', `${named.client.pid}.json`),
      JSON.stringify({ pid: named.client.pid, name: 'quiet-otter' }),
    );
    await named.start();
    expect((await session().start()).context).toContain('"quiet-otter"');
  });

  test('given by the user win', async () => {
    const { session, home } = world();
    const named = session();
    write(
      join(home, '.claude', 'sessions', `${named.client.pid}.json`),
      JSON.stringify({ pid: named.client.pid, name: 'quiet-otter' }),
    );
    await named.start('startup', { payload: { session_title: 'the api' } });
    expect((await session().start()).context).toContain('- "the api": worker');
  });

  test('that were changed since are told by everybody who looks', async () => {
    const { session, home, state } = world();
    const named = session();
    const note = (name: string, more = {}): string =>
      write(
        join(home, '.claude', 'sessions', `${named.client.pid}.json`),
        JSON.stringify({ pid: named.client.pid, name, ...more }),
      );
    note('quiet-otter');
    await named.start('startup', { payload: { session_title: 'the api' } });
    expect(presenceOf(state, named.client.pid)).toMatchObject({ name: 'the api', noted: 'quiet-otter' });
    // The person renames it while it waits: no hook fires.
    note('kitchen');
    const other = session();
    expect((await other.start()).context).toContain('- "kitchen": worker');
    const { members } = jsonOf<{ members: { name: string }[] }>(await typeIn(other, ['status', '--json']));
    expect(members.at(-1)?.name).toBe('kitchen');
    // A note of an earlier process with that number is none.
    note('imposter', { procStart: '1' });
    expect((await session().start()).context).toContain('- "the api": worker');
  });

  test.each<[string, (pid: number) => string]>([
    ['torn', () => '{"pid":'],
    ['of another process', (pid) => JSON.stringify({ pid: pid + 1, name: 'imposter' })],
    ['with a name that is none', (pid) => JSON.stringify({ pid, name: { evil: 'imposter' } })],
    ['that holds null', () => 'null'],
    ['too large', (pid) => JSON.stringify({ pid, name: 'imposter', x: 'x'.repeat(100_000) })],
  ])('from a note %s are not taken', async (_what, note) => {
    const { session, home } = world();
    const named = session();
    write(join(home, '.claude', 'sessions', `${named.client.pid}.json`), note(named.client.pid));
    await named.start();
    const told = (await session().start()).context;
    expect(told).toContain(`"session-${named.client.pid}"`);
    expect(told).not.toContain('imposter');
  });

  test('a name that appears later is told from then on, and one that vanishes is kept', async () => {
    const { session, home } = world();
    const named = session();
    await named.start();
    const note = write(
      join(home, '.claude', 'sessions', `${named.client.pid}.json`),
      JSON.stringify({ pid: named.client.pid, name: 'quiet-otter' }),
    );
    await named.prompt();
    expect((await session().start()).context).toContain('"quiet-otter"');
    write(note, 'torn');
    await named.prompt();
    expect((await session().start()).context).toContain('"quiet-otter"');
  });
});

test('a number that was given again after its record was deleted is seen by who knew it as over', async () => {
  const { session, state } = world();
  const first = session();
  await first.start();
  const gone = session();
  await gone.start();
  await gone.client.kill();
  expect((await first.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
  rmSync(join(state, 'seq', '000000000002.json'));
  const next = session();
  expect((await next.start()).context).toMatch(/^You are master \(epoch 2\)/);
  expect((await first.prompt()).context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
});

test('every hook leaves a receipt with its count', async () => {
  const { session, state } = world();
  const mine = session();
  await mine.start();
  await mine.prompt();
  await mine.prompt();
  await mine.tools();
  await mine.stop();
  await mine.compacted();
  const { receipts } = notebookOf(state, mine.client.pid);
  expect(Object.fromEntries(Object.entries(receipts).map(([event, { count }]) => [event, count]))).toEqual({
    SessionStart: 1,
    UserPromptSubmit: 2,
    PostToolBatch: 1,
    Stop: 1,
    PostCompact: 1,
  });
  expect(logLines(state)).toEqual([]);
});
