/** The command line as a whole: help, mistakes, places where it cannot work. */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contentsBelow, scratch, write } from '../support/scratch.ts';
import { type World, world } from '../support/world.ts';
import {
  cleanEnv,
  commandPath,
  controls,
  jsonOf,
  packageVersion,
  runProcess,
  trace,
  type,
} from './command.ts';

const commands = [
  'install',
  'uninstall',
  'doctor',
  'status',
  'whoami',
  'handoff',
  'promote',
  'yield',
  'log',
  'prune',
  'forget',
];
/** Each command that only looks, with arguments, and what it exits with where no session is. */
const lookers: [args: string[], code: number][] = [
  [['status'], 0],
  [['status', '--json'], 0],
  [['whoami'], 1],
  [['whoami', '--json'], 1],
  [['handoff'], 0],
  [['handoff', '--json'], 0],
  [['handoff', 'show'], 1],
  [['promote'], 1],
  [['promote', 'api'], 1],
  [['yield'], 1],
  [['forget', 'api'], 1],
  [['log'], 0],
  [['log', '--json'], 0],
  [['prune'], 0],
  [['prune', '--dry-run', '--json'], 0],
  [['install', '--dry-run'], 0],
  [['uninstall'], 0],
  [['uninstall', '--dry-run', '--json'], 0],
];

/** The sentence a person gets when it does not work: no trace, no shrug, within a few lines. */
function expectSentence(stderr: string): void {
  expect(stderr).not.toMatch(trace);
  expect(stderr).toMatch(/^[A-Z/"`'].*[.)"`]\n?$/s);
  expect(stderr.trimEnd().split('\n').length).toBeLessThan(6);
}

describe('help', () => {
  test('without a command: what there is', async () => {
    const w = world({ git: false });
    const ran = await type(w, []);
    for (const command of commands)
      expect(ran.stdout + ran.stderr).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(ran.stdout + ran.stderr).toMatch(/Start with: node \S+\/cli\.mjs install/);
  });

  test.each([['--help'], ['-h'], ['help']])('%s exits with 0', async (flag) => {
    const w = world({ git: false });
    const ran = await type(w, [flag]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    for (const command of commands) expect(ran.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(ran.lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test.each([...commands.map((command) => [command]), ['handoff', 'show']])(
    '%s %s --help',
    async (...args) => {
      const w = world({ git: false });
      const words = args.filter((word) => word !== undefined);
      const before = contentsBelow(w.base);
      const ran = await type(w, [...words, '--help']);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      expect(ran.stdout).toMatch(new RegExp(`^Usage: flowloom-hooks ${words.join(' ')}\\b`));
      expect(ran.stdout).not.toMatch(controls);
      expect(ran.lines.filter((line) => line.length > 80)).toEqual([]);
      expect((await type(w, ['help', words[0]!])).code).toBe(0);
      expect(contentsBelow(w.base)).toEqual(before);
    },
  );

  test.each(['--version', '-v'])('%s is that of the package', async (flag) => {
    const w = world({ git: false });
    expect(await type(w, [flag])).toMatchObject({ code: 0, stdout: `${packageVersion}\n`, stderr: '' });
  });
});

describe('a mistake in the words', () => {
  test.each([
    [['bogus'], /unknown command 'bogus'/],
    [['statsu'], /Did you mean status\?/],
    [['status', '--bogus'], /unknown option '--bogus'/],
    [['status', 'extra'], /too many arguments/],
    [['handoff', 'bogus'], /too many arguments|unknown command/],
    [['promote', 'a', 'b'], /too many arguments/],
    [['install', '--scope', 'everywhere'], /project, local, user/],
    [['-C'], /argument missing/],
  ] as [string[], RegExp][])('%j: says which, exits with 1, does nothing', async (args, pattern) => {
    const w = world({ git: false });
    const before = contentsBelow(w.base);
    const ran = await type(w, args);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(pattern);
    expect(ran.stderr).toContain('--help');
    expect(ran.stderr).not.toMatch(trace);
    expect(contentsBelow(w.base)).toEqual(before);
  });
});

describe('-C', () => {
  test.each([
    ['before the command', (at: string) => ['-C', at, 'status', '--json']],
    ['after the command', (at: string) => ['status', '--json', '--directory', at]],
  ] as [string, (at: string) => string[]][])('works in another directory: %s', async (_, args) => {
    const w = world();
    await w.session().start();
    const there = await type(w, args(w.root), { cwd: w.home });
    expect(there.code).toBe(0);
    expect(there.stdout).toBe((await type(w, ['status', '--json'])).stdout);
    expect((await type(w, args('../shop'), { cwd: w.home })).stdout).toBe(there.stdout);
  });

  test.each([['missing'], ['file']])('a %s is refused in words', async (name) => {
    const w = world();
    write(join(w.base, 'file'), '');
    const ran = await type(w, ['-C', join(w.base, name), 'status']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toContain(join(w.base, name));
    expect(ran.stderr).toContain('no such directory');
  });
});

describe('outside git', () => {
  test('every command answers', async () => {
    const w = world({ git: false });
    for (const [args, code] of lookers) {
      const ran = await type(w, args);
      expect([args, ran.code, ran.stderr.match(trace)]).toEqual([args, code, null]);
      if (code) expectSentence(ran.stderr);
      if (args.includes('--json')) jsonOf(ran);
    }
  });

  test('sessions are found in the state directory of the user', async () => {
    const w = world({ git: false });
    const one = w.session();
    await one.start();
    await one.prompt();
    await one.stop();
    const status = jsonOf<{ scope: { root: string; state: string }; members: unknown[] }>(
      await type(w, ['status', '--json']),
    );
    expect(status.scope.root).toBe(w.root);
    expect(status.scope.state.startsWith(join(w.home, '.local', 'state', 'flowloom'))).toBe(true);
    expect(status.members).toHaveLength(1);
    expect((await type(w, ['handoff', 'show'])).code).toBe(0);
    // A directory below is another scope there: nothing says that they belong together.
    mkdirSync(join(w.root, 'sub'));
    expect(jsonOf(await type(w, ['status', '--json'], { cwd: join(w.root, 'sub') })).members).toEqual([]);
  });
});

describe('in a directory that was deleted', () => {
  const sh = ['/bin/sh', '-c', 'rmdir "$PWD" && exec "$0" "$@"'];
  const typeThere = (w: World, args: readonly string[]) => {
    const cwd = join(w.base, 'gone');
    mkdirSync(cwd);
    return type(w, args, { cwd, through: sh });
  };

  test('every command says so', async () => {
    const w = world();
    const silent: unknown[] = [];
    for (const args of [...lookers.map(([args]) => args), ['install'], ['doctor'], ['doctor', '--json']]) {
      const { code, stdout, stderr } = await typeThere(w, args);
      const said = stdout + stderr;
      if (!code || trace.test(said) || !/directory/i.test(said)) silent.push({ args, code, said });
    }
    expect(silent).toEqual([]);
  });

  test('-C leads out of it, and --help needs none', async () => {
    const w = world();
    expect((await typeThere(w, ['-C', w.root, 'status'])).code).toBe(0);
    expect((await typeThere(w, ['--help'])).code).toBe(0);
    expect((await typeThere(w, ['--version'])).code).toBe(0);
  });
});

describe('with a place for state that cannot be read', () => {
  const obstacles: [string, (w: World) => void][] = [
    ['a file in its place', (w) => void write(w.state, 'in the way')],
    ['a link that leads to itself', (w) => symlinkSync('flowloom', w.state)],
    ['a file in place of the numbers', (w) => void write(join(w.state, 'seq'), 'in the way')],
    ['a file in place of the handoffs', (w) => void write(join(w.state, 'handoffs'), 'in the way')],
  ];
  test.each(obstacles)('%s: no command is surprised', async (_, put) => {
    const w = world();
    put(w);
    const surprised: unknown[] = [];
    for (const [args] of lookers) {
      const { code, stderr } = await type(w, args);
      if (trace.test(stderr)) surprised.push({ args, stderr });
      else if (code) expectSentence(stderr);
    }
    expect(surprised).toEqual([]);
  });

  test('an empty roster is not made of what cannot be read', async () => {
    const w = world();
    await w.session().start();
    rmSync(join(w.state, 'seq'), { recursive: true });
    write(join(w.state, 'seq'), 'in the way');
    const ran = await type(w, ['status', '--json']);
    const told = ran.code === 0 ? jsonOf<{ degraded: unknown }>(ran).degraded : ran.stderr;
    expect(told).toBeTruthy();
    expect(ran.stderr).not.toMatch(trace);
    const words = await type(w, ['status']);
    expect(words.stdout + words.stderr).toContain(w.state);
    expect(words.stdout).not.toMatch(/^No Claude Code session takes part here at the moment/);
  });
});

test('every command can be called twice, and answers the same', async () => {
  const w = world();
  for (const [args] of lookers) {
    const first = await type(w, args);
    expect([args, await type(w, args)]).toEqual([args, first]);
  }
});

test('every command can be called at the same time', async () => {
  const w = world();
  const one = w.session();
  await one.start();
  const all = await Promise.all(
    [...lookers.map(([args]) => args), ['promote', '1'], ['doctor']].map((args) => type(w, args)),
  );
  expect(all.map(({ stderr }) => stderr.match(trace)).filter(Boolean)).toEqual([]);
});

test('a reader that goes away is no error', async () => {
  const w = world();
  const script = '{ "$0" "$1" --help; "$0" "$1" status; "$0" "$1" status --json; "$0" "$1" doctor; } | true';
  const ran = await runProcess(['/bin/sh', '-c', script, process.execPath, commandPath], {
    cwd: w.root,
    env: cleanEnv(w),
  });
  expect(ran.stderr).toBe('');
});

test('the file is executable by itself', async () => {
  expect(readFileSync(commandPath, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  const cwd = scratch('executable');
  const ran = await runProcess([commandPath, '--version'], {
    cwd,
    env: cleanEnv({ home: cwd, temporary: cwd }),
  });
  expect(ran.stdout).toBe(`${packageVersion}\n`);
});
