/** Where nothing can be written, found or asked: the ladder of rule 11, and an end in time. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import type { Finding } from '../../src/doctor/doctor.ts';
import { jsonOf, type } from '../cli/command.ts';
import { program } from '../support/program.ts';
import { contentsBelow, write } from '../support/scratch.ts';
import { births, logLines, notes, presenceOf } from '../support/state.ts';
import { asNobody, give } from '../support/unprivileged.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';
import { injecting, straceMissing } from './support/strace.ts';

const expectWell = ({ code, signal, stderr }: Fired): void =>
  expect([code, signal, stderr]).toEqual([0, null, '']);

async function everyHook(one: SessionUnderTest, fire: Fire = {}): Promise<Fired[]> {
  const fired = [
    await one.start('startup', fire),
    await one.prompt('a good goal', fire),
    await one.tools(undefined, fire),
    await one.compacted('x', fire),
    await one.stop('Done.', fire),
    await one.end('other', fire),
  ];
  for (const each of fired) expectWell(each);
  return fired;
}

const notices = (fired: readonly Fired[]): string[] => fired.map(({ notice }) => notice).filter(Boolean);

/** A world whose hooks run without privileges. */
function unprivileged(
  context: TestContext,
  options?: { git?: boolean },
): { w: World; fire: Fire; lock: (...paths: string[]) => void } {
  if (!asNobody) context.skip('skipped: needs setpriv or an unprivileged user');
  const w = world(options);
  give(w.base);
  return {
    w,
    fire: { through: asNobody! },
    lock(...paths) {
      for (const path of paths) chmodSync(path, 0o500);
      onTestFinished(() => {
        for (const path of paths) if (existsSync(path)) chmodSync(path, 0o700);
      });
    },
  };
}

describe('a git directory that cannot be written', () => {
  test("state is kept in the user's state directory, the user hears it once, and sessions still see each other", async (context) => {
    const { w, fire, lock } = unprivileged(context);
    lock(join(w.root, '.git'));
    const one = w.session();
    const fired = await everyHook(one, fire);
    expect(fired[0]!.context).toMatch(/^You are master \(epoch 1\)/);
    expect(notices(fired)).toEqual([expect.stringMatching(/git directory.*user state directory.*doctor/)]);
    expect((await w.session().start('startup', fire)).context).toMatch(/^You are master \(epoch 2\)/);
    expect((await w.session().start('startup', fire)).context).toMatch(
      /^You are master \(epoch 3\).*2 live sessions/,
    );
    expect(existsSync(w.state)).toBe(false);
    expect(logLines(w.base).filter(({ code }) => code === 'degraded')).toHaveLength(3);
  });

  test('numbers from before go on', async (context) => {
    const { w, fire, lock } = unprivileged(context);
    for (let i = 0; i < 3; i++) await w.session().start('startup', fire);
    lock(w.state, join(w.state, 'seq'), join(w.state, 'members'), join(w.root, '.git'));
    expect((await w.session().start('startup', fire)).context).toMatch(/^You are master \(epoch 4\)/);
  });

  test('a member that was there before loses nothing but what it would have written', async (context) => {
    const { w, fire, lock } = unprivileged(context);
    const one = w.session();
    await one.start('startup', fire);
    await one.prompt('a good goal', fire);
    lock(
      w.state,
      ...['seq', 'members'].map((name) => join(w.state, name)),
      ...readdirSync(join(w.state, 'members')).map((id) => join(w.state, 'members', id)),
    );
    for (const fired of [
      await one.prompt('go on', fire),
      await one.tools(undefined, fire),
      await one.stop('Done.', fire),
      await one.end('other', fire),
    ])
      expectWell(fired);
    expect((await one.prompt('go on', fire)).context).toMatch(/^You are master \(epoch 1\)/);
  });
});

describe('nowhere to write at all', () => {
  test('the session works as if alone, is told nothing false, and the user hears it once', async (context) => {
    const { w, fire, lock } = unprivileged(context);
    lock(join(w.root, '.git'), w.home, w.temporary);
    const fired = await everyHook(w.session(), fire);
    expect(fired.map(({ context: told }) => told).join('')).toBe('');
    expect(notices(fired)).toEqual([expect.stringMatching(/no place.*alone.*doctor/)]);
  });
});

describe('outside git', () => {
  test('without a home the temporary directory is used', async (context) => {
    const { w, fire } = unprivileged(context, { git: false });
    const env = { HOME: undefined, XDG_STATE_HOME: undefined };
    const fired = await everyHook(w.session({ env }), fire);
    expect(fired[0]!.context).toMatch(/^You are master \(epoch 1\)/);
    expect(readdirSync(w.temporary).join()).toMatch(/^flowloom-/);
    for (const name of readdirSync(w.temporary))
      expect(statSync(join(w.temporary, name)).mode & 0o777).toBe(0o700);
  });

  test('a home that cannot be written', async (context) => {
    const { w, fire, lock } = unprivileged(context, { git: false });
    lock(w.home);
    const fired = await everyHook(w.session(), fire);
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(notices(fired)).toHaveLength(1);
  });

  test('a directory of somebody else in the place of ours is not used', async (context) => {
    const { w, fire, lock } = unprivileged(context, { git: false });
    lock(w.home);
    if (process.getuid?.() !== 0)
      return context.skip('skipped: needs root to make a directory of another user');
    // What another user could prepare in a shared temporary directory.
    const foreign = join(w.temporary, 'flowloom-65534');
    mkdirSync(foreign, { mode: 0o777 });
    chmodSync(foreign, 0o777);
    const fired = await everyHook(w.session(), fire);
    expect(contentsBelow(foreign)).toEqual({});
    expect(fired[0]!.context).toBe('');
  });
});

describe('a git directory without a home', () => {
  test.each<[string, (base: string) => string | undefined]>([
    ['no HOME', () => undefined],
    ['an empty HOME', () => ''],
    ['a HOME that is gone', (base) => join(base, 'gone', 'home')],
    ['a HOME that is a file', () => '/dev/null'],
    ['a relative HOME', () => 'home'],
  ])('%s', async (_what, home) => {
    const w = world();
    const fired = await everyHook(w.session({ env: { HOME: home(w.base), XDG_CACHE_HOME: undefined } }), {
      cwd: w.temporary,
    });
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(notices(fired)).toEqual([]);
    expect(existsSync(join(w.base, 'gone')), "a home is nobody else's to make").toBe(false);
    expect(readdirSync(w.temporary)).toEqual([]);
  });
});

describe('a place that cannot be', () => {
  test.each<[string, string]>([
    ['below a file', '/dev/null/state'],
    ['below /proc, where a directory can be neither made nor found', '/proc/flowloom'],
    ['with a NUL in spirit: an endless name', `/tmp/${'x'.repeat(300)}`],
    ['an endless path', `/tmp/${'x/'.repeat(2500)}`],
  ])('%s: the next one is used, in time', async (_what, place) => {
    const w = world();
    const env = { FLOWLOOM_STATE_DIR: place };
    const one = w.session({ env });
    const fired = await one.start();
    expectWell(fired);
    expect(fired.context).toMatch(/^You are master/);
    expect(fired.notice).toMatch(/FLOWLOOM_STATE_DIR.*git directory/);
    expectWell(await one.fire('stop', { stdin: 'broken' }));
    expect(births(w.state)).toHaveLength(1);
  });

  test('a HOME below /proc outside git', async () => {
    const w = world({ git: false });
    const fired = await w.session({ env: { HOME: '/proc/nobody' } }).start();
    expectWell(fired);
    expect(fired.context).toMatch(/^You are master/);
  });
});

describe('a .git file that names nothing', () => {
  test('nothing is made where it points to', async () => {
    const w = world({ git: false });
    write(join(w.root, '.git'), `gitdir: ${w.base}/gone/.git/worktrees/x\n`);
    const fired = await everyHook(w.session());
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(existsSync(join(w.base, 'gone'))).toBe(false);
  });
});

describe('git', () => {
  /** A folder with a `git` of our own, first on the PATH. */
  function fakeGit(w: World, script: string): { PATH: string } {
    const bin = join(w.base, 'bin');
    program(join(bin, 'git'), script);
    return { PATH: `${bin}:${process.env.PATH}` };
  }

  test('is missing', async () => {
    const w = world();
    const one = w.session({ env: { PATH: '/nonexistent' } });
    const fired = await everyHook(one);
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(Object.values(notes(w.state)).join()).toContain('branch: main');
    expect(presenceOf(w.state, one.client.pid).branch).toBe('main');
  });

  test.each<[string, string]>([
    ['hangs', 'echo $$ >> "$FLOWLOOM_TEST_PIDS"; exec sleep 60'],
    ['hangs, with a child that keeps the pipes open', 'sleep 60 & echo $! >> "$FLOWLOOM_TEST_PIDS"; wait'],
    [
      'hangs and does not listen',
      'echo $$ >> "$FLOWLOOM_TEST_PIDS"; trap "" TERM INT HUP; while :; do sleep 1; done',
    ],
  ])('%s: the end comes in time and with a handoff', async (_what, script) => {
    const w = world();
    const pids = join(w.base, 'pids');
    writeFileSync(pids, '');
    onTestFinished(() => {
      for (const pid of readFileSync(pids, 'utf8').split('\n').filter(Boolean))
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It is gone already.
        }
    });
    const env = { ...fakeGit(w, script), FLOWLOOM_TEST_PIDS: pids };
    await everyHook(w.session({ env }));
    expect(Object.values(notes(w.state)).join()).toMatch(/status: "complete"[\s\S]*branch: main/);
    expect((await w.session({ env }).start()).context).toContain('a good goal');
    // One that was killed is reconstructed without git, too.
    const dies = w.session({ env });
    await dies.start();
    await dies.prompt('another goal');
    await dies.client.kill();
    const told = await w.session({ env }).start();
    expectWell(told);
    expect(told.context).toContain('another goal');
  });

  test.each<[string, string]>([
    ['prints garbage', 'head -c 100000 /dev/urandom'],
    ['prints without end', 'yes "1 M. N... 100644 100644 100644 a b c"'],
    ['fails', 'echo "fatal: broken" >&2; exit 128'],
    ['kills itself', 'kill -9 $$'],
    ['asks something', 'read answer; echo "$answer"'],
  ])('%s', async (_what, script) => {
    const w = world();
    const fired = await everyHook(w.session({ env: fakeGit(w, script) }));
    expect(fired[1]!.context).toMatch(/^You are master/);
    expect(Object.values(notes(w.state)).join()).toContain('a good goal');
  });

  test('is not asked about another repository by inherited variables', async () => {
    const w = world();
    const other = world();
    write(join(other.root, 'not-mine.txt'), 'x');
    const env = {
      GIT_DIR: join(other.root, '.git'),
      GIT_WORK_TREE: other.root,
      GIT_INDEX_FILE: join(other.root, '.git', 'index'),
    };
    await everyHook(w.session({ env }));
    expect(existsSync(other.state)).toBe(false);
    expect(JSON.stringify(notes(w.state))).not.toContain('not-mine.txt');
  });

  test('an index of garbage, a HEAD of garbage', async () => {
    const w = world();
    write(join(w.root, '.git', 'index'), 'garbage');
    write(join(w.root, '.git', 'HEAD'), Buffer.from([0, 1, 2, 3]));
    const fired = await everyHook(w.session());
    expect(fired[0]!.context).toMatch(/^You are master/);
  });
});

describe('a .git that cannot be asked, on a drive that fails', () => {
  test('nothing is told, one line is logged, and doctor reads it, then and later', async (context) => {
    const missing = straceMissing();
    if (missing) return context.skip(`skipped: needs ${missing}`);
    const w = world();
    const one = w.session();
    await one.start();
    const through = injecting('statx', 'error=EIO', [join(w.root, '.git')]);
    const fired = await one.prompt('a good goal', { through });
    expectWell(fired);
    expect(fired.stdout).toBe('');
    expect(logLines(w.base).map(({ event, code }) => [event, code])).toEqual([
      ['UserPromptSubmit', 'hook-failed'],
    ]);
    for (const how of [{ through }, {}]) {
      const { findings } = jsonOf<{ findings: Finding[] }>(await type(w, ['doctor', '--json'], how));
      expect(findings).toContainEqual(
        expect.objectContaining({ code: 'log-failures', args: expect.objectContaining({ count: 1 }) }),
      );
    }
    expect((await type(w, ['log'])).stdout).toContain('EIO');
  });
});

describe('a configuration that cannot even be looked for', () => {
  const roles = 'roles:\n  master: bakes the bread.\n';

  test('for good: the defaults, a line in the log, and doctor names the file', async (context) => {
    const { w, fire } = unprivileged(context);
    const folder = join(w.root, '.config');
    write(join(folder, 'flowloomrc.yaml'), roles);
    give(folder);
    chmodSync(folder, 0);
    onTestFinished(() => chmodSync(folder, 0o700));
    const fired = await everyHook(w.session(), fire);
    expect(fired[0]!.context).toMatch(/^You are master/);
    const told = logLines(w.state).filter(({ code }) => code === 'config');
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringMatching(/\.config\/flowloomrc.*a file that can be read.*permission/),
    ]);
    const { findings } = jsonOf<{ findings: Finding[] }>(await type(w, ['doctor', '--json'], fire));
    expect(findings).toContainEqual(expect.objectContaining({ code: 'config-problem', severity: 'warning' }));
  });

  test.for(['statx', 'openat', 'read'])('once, at %s: it is read all the same', async (call, context) => {
    const missing = straceMissing();
    if (missing) return context.skip(`skipped: needs ${missing}`);
    const w = world();
    for (const name of ['.flowloomrc.yaml', 'package.json']) {
      const path = join(w.root, name);
      write(path, name === 'package.json' ? '{"name":"shop"}' : roles);
      const through = injecting(call, 'error=EIO:when=1', [path]);
      const told = await w.session().start('startup', { through });
      expect(told.context).toContain('says of a master: "bakes the bread."');
    }
    expect(logLines(w.state)).toEqual([]);
  });
});

describe('a directory that is gone', () => {
  test('the working directory of the hook', async () => {
    const w = world();
    const gone = join(w.base, 'gone');
    mkdirSync(gone);
    const fire = {
      through: ['/bin/sh', '-c', `mkdir -p "${gone}"; cd "${gone}"; rmdir "${gone}"; exec "$0" "$@"`],
    };
    const fired = await everyHook(w.session(), fire);
    expect(fired[0]!.context).toMatch(/^You are master/);
  });

  test('the project itself, in the middle of the session', async () => {
    const w = world();
    const one = w.session();
    await one.start();
    rmSync(w.root, { recursive: true });
    for (const fired of [
      await one.prompt('x', { cwd: w.base }),
      await one.stop('x', { cwd: w.base }),
      await one.end('other', { cwd: w.base }),
    ])
      expectWell(fired);
  });

  test('no project directory and no cwd are told', async () => {
    const w = world();
    const one = w.session({ env: { CLAUDE_PROJECT_DIR: undefined } });
    expectWell(await one.start('startup', { payload: { cwd: undefined } }));
    expectWell(await one.stop('x', { payload: { cwd: undefined } }));
  });
});

describe('a disk that is full', () => {
  /** A file system of 512 kB at this place. */
  function smallDisk(context: TestContext, path: string): { fill: () => void; free: () => void } {
    mkdirSync(path, { recursive: true });
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', path]).status !== 0)
      context.skip('skipped: needs the right to mount a tmpfs');
    onTestFinished(() => void execFileSync('umount', ['-l', path]));
    const ballast = join(path, 'ballast');
    return {
      fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k'], { stdio: 'ignore' }),
      free: () => rmSync(ballast, { force: true }),
    };
  }

  test('from the start: the next place is used and the user hears it once', async (context) => {
    const w = world();
    const place = join(w.base, 'disk');
    smallDisk(context, place).fill();
    const fired = await everyHook(w.session({ env: { FLOWLOOM_STATE_DIR: place } }));
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(notices(fired)).toEqual([expect.stringMatching(/FLOWLOOM_STATE_DIR.*git directory/)]);
    expect(births(w.state)).toHaveLength(1);
  });

  test('in the middle: roles are told, no record is half, and afterwards all is well again', async (context) => {
    const w = world();
    const place = join(w.base, 'disk');
    const disk = smallDisk(context, place);
    const env = { FLOWLOOM_STATE_DIR: place };
    const one = w.session({ env });
    const other = w.session({ env });
    for (const each of [one, other]) {
      await each.start();
      await each.prompt('a good goal');
      await each.stop('Done.');
    }
    const state = join(place, readdirSync(place)[0]!);
    const whole = (): void => {
      for (const { birth } of births(state)) expect(birth.version).toBe(1);
      for (const each of [one, other]) expect(presenceOf(state, each.client.pid).version).toBe(1);
      for (const note of Object.values(notes(state))) expect(note).toMatch(/^---\n[\s\S]*\n```\n$/);
    };
    disk.fill();
    expect((await one.prompt('go on with something else')).context).toMatch(/^You are worker \(epoch 2\)/);
    for (const fired of [
      await one.tools(),
      await one.stop('Done again.'),
      await one.compacted('x'),
      await one.fire('stop', { stdin: 'broken' }),
    ])
      expectWell(fired);
    whole();
    disk.free();
    expectWell(await one.stop('Now it is written.'));
    expect(Object.values(notes(state)).join()).toContain('Now it is written.');
    whole();
    await other.end();
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 1\)/);
  });
});
