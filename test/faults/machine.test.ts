/** What the machine does under a session: process ids that come again, other namespaces, another boot, drives that are closed or slow. */
import { spawnSync } from 'node:child_process';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { hookPath } from '../support/built.ts';
import { write } from '../support/scratch.ts';
import { births, idOf } from '../support/state.ts';
import { type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';
import { injecting, straceMissing } from './support/strace.ts';

const can = (...command: [string, ...string[]]): boolean =>
  spawnSync(command[0], command.slice(1), { stdio: 'ignore' }).status === 0;

function needs(context: TestContext, what: 'mount' | 'pid'): void {
  const flags = what === 'mount' ? ['--mount'] : ['--pid', '--fork', '--mount-proc'];
  if (process.platform !== 'linux' || !can('unshare', ...flags, 'true'))
    context.skip('skipped: needs unshare and the right to make namespaces');
}

const expectWell = ({ code, signal, stderr }: Fired): void =>
  expect([code, signal, stderr]).toEqual([0, null, '']);

/** A shell script in a pid namespace of its own, with `fire <hook> <pid>` for a hook of the client with that pid. */
function inOtherPids(w: World, one: SessionUnderTest, script: string): string[] {
  const payloads = join(w.base, 'payloads');
  for (const [hook, name] of Object.entries({
    'session-start': one.payload('session-start', { source: 'startup' }),
    'user-prompt-submit': one.payload('user-prompt-submit', { prompt: 'go on', prompt_id: 'within' }),
  }))
    write(join(payloads, hook), JSON.stringify(name));
  const fire = `fire() { CLAUDE_PID=$2 "${process.execPath}" "${hookPath('session-start').replace(/session-start\.cjs$/, '')}$1.cjs" < "${payloads}/$1"; echo; }`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--pid', '--fork', '--mount-proc', '--kill-child', '/bin/sh', '-c', `${fire}\n${script}`],
    { cwd: w.root, env: one.environment(), encoding: 'utf8', timeout: 30_000 },
  );
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter(Boolean);
}

const contextOf = (line: string | undefined): string =>
  JSON.parse(line ?? '{}').hookSpecificOutput?.additionalContext ?? '';

describe('process ids', () => {
  test('one that comes again is another process', (context) => {
    needs(context, 'pid');
    const w = world();
    const lines = inOtherPids(
      w,
      w.session(),
      [
        'sleep 1000 & first=$!',
        'fire session-start $first',
        'kill -9 $first; wait $first 2>/dev/null',
        'echo $((first - 1)) > /proc/sys/kernel/ns_last_pid; sleep 1000 & second=$!',
        'echo "$first $second"',
        'fire user-prompt-submit $second',
      ].join('\n'),
    );
    const [first, second] = lines[1]!.split(' ');
    expect(second, 'the kernel gave the same number again').toBe(first);
    expect(contextOf(lines[0])).toMatch(/^You are master \(epoch 1\)/);
    expect(contextOf(lines[2])).toMatch(/^You are master \(epoch 2\)[^\n]*1 live session;/);
    expect(new Set(births(w.state).map(({ birth }) => birth.id)).size).toBe(2);
  });

  test('those of another namespace mean other processes: its members count until their lease is over', async (context) => {
    needs(context, 'pid');
    const w = world();
    const outside = w.session();
    await outside.start();
    const lines = inOtherPids(
      w,
      w.session(),
      'sleep 1000 & client=$!\nfire session-start $client\nfire user-prompt-submit $client',
    );
    for (const line of lines)
      expect(contextOf(line)).toMatch(/^You are master \(epoch 2\)[^\n]*2 live sessions/);
    const told = await outside.prompt();
    expectWell(told);
    expect(told.context).toMatch(/^You are worker \(epoch 2\)[^\n]*2 live sessions/);
  });
});

test('after another boot its members are dead, unless they were heard of since', async (context) => {
  needs(context, 'mount');
  const w = world();
  const before = w.session();
  await before.start();
  const bootId = write(join(w.base, 'boot-id'), '00000000-1111-4222-8333-444444444444\n');
  const through = [
    ...['unshare', '--mount', '/bin/sh', '-c'],
    `mount --bind "${bootId}" /proc/sys/kernel/random/boot_id && exec "$0" "$@"`,
  ];
  const told = await w.session().start('startup', { through });
  expectWell(told);
  expect(told.context).toMatch(/^You are master \(epoch 2\)[^\n]*2 live sessions/);
  const presence = join(w.state, 'members', idOf(w.state, before.client.pid), 'presence.json');
  utimesSync(presence, 1, 1);
  const later = await w.session().start('startup', { through });
  expect(later.context).toMatch(/^You are master \(epoch 3\)[^\n]*2 live sessions/);
});

test('a git directory that is mounted read-only: state goes to the next place, where all find each other', async (context) => {
  needs(context, 'mount');
  const w = world();
  const git = join(w.root, '.git');
  const through = [
    ...['unshare', '--mount', '/bin/sh', '-c'],
    `mount --bind "${git}" "${git}" && mount -o remount,ro,bind "${git}" && exec "$0" "$@"`,
  ];
  const one = w.session();
  const started = await one.start('startup', { through });
  expectWell(started);
  expect(started.context).toMatch(/^You are master \(epoch 1\)/);
  expect(started.notice).toMatch(/git directory.*user state directory.*doctor/);
  expect((await w.session().start('startup', { through })).context).toMatch(
    /^You are master \(epoch 2\)[^\n]*2 live sessions/,
  );
  const told = await one.prompt('go on', { through });
  expectWell(told);
  expect(told.context).toMatch(/^You are worker \(epoch 2\)/);
  for (const fired of [await one.stop('Done.', { through }), await one.end('other', { through })])
    expectWell(fired);
  expect(readdirSync(git)).not.toContain('flowloom');
});

describe('a drive that answers late', () => {
  const missing = straceMissing();
  /** Each call on one of these paths waits so long before the system even hears of it. */
  const late = (paths: readonly string[], delay: string): string[] =>
    injecting('openat,rename,link', `delay_enter=${delay}`, paths);

  test.for([
    ['a little, at every call', '60ms'],
    ['by more than a hook has', '2500ms'],
  ] as const)('%s: exit 0, nothing false, nothing lost', async ([, delay], context) => {
    if (missing) return context.skip(`skipped: needs ${missing}`);
    const w = world();
    const [other, one] = [w.session(), w.session()];
    for (const each of [other, one]) {
      await each.start();
      await each.prompt('a good goal');
    }
    const id = idOf(w.state, one.client.pid);
    const paths = [
      join(w.state, 'seq'),
      join(w.state, 'seq', '000000000001.json'),
      join(w.state, 'members', id, 'presence.json'),
    ];
    const patience = 40_000;
    const through = late(paths, delay);
    const told = await one.prompt('go on with something else', { through, patience });
    expectWell(told);
    if (told.context) expect(told.context).toMatch(/^You are master \(epoch 2\)[^\n]*2 live sessions/);
    expectWell(await one.stop('Said on a slow drive.', { through, patience }));
    // Nobody else waits, and it itself goes on when the drive does.
    expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    const after = await one.prompt();
    expectWell(after);
    expect(after.context).toMatch(/^You are master \(epoch 2\)[^\n]*2 live sessions/);
    expect(births(w.state)).toHaveLength(2);
  });

  test('from the first moment: a session that could not join joins at its next hook', async (context) => {
    if (missing) return context.skip(`skipped: needs ${missing}`);
    const w = world();
    await w.session().start();
    const one = w.session();
    const through = late([join(w.state, 'seq'), w.state], '900ms');
    const started = await one.start('startup', { through, patience: 40_000 });
    expectWell(started);
    if (started.context) expect(started.context).toMatch(/^You are master \(epoch 2\)/);
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 2\)[^\n]*2 live sessions/);
  });
});
