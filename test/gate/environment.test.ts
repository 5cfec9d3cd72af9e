/** What a shell keeps away from every hook that it starts, and what it does where there is nothing to start. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsBlock, wiredHooks } from '../../src/claude/settings.ts';
import { gateArguments, hookNames, hooksFolder } from '../support/built.ts';
import { missing } from '../support/missing.ts';
import { scratch, write } from '../support/scratch.ts';
import { world } from '../support/world.ts';
import { shells } from './kit.ts';

/** Each of these ends or spoils a Node that is started with it. */
const surroundings = (folder: string): [name: string, env: Record<string, string>][] => [
  ['a preload that is gone', { NODE_OPTIONS: `--require=${folder}/gone.cjs` }],
  ['an option that no Node has', { NODE_OPTIONS: '--no-such-option-here' }],
  [
    'a preload that prints',
    { NODE_OPTIONS: `--require=${write(join(folder, 'loud.cjs'), "console.log('Debugger attached.')")}` },
  ],
  ['deprecations that are pending', { NODE_PENDING_DEPRECATION: '1' }],
  ['a channel to a parent', { NODE_CHANNEL_FD: '97' }],
  ['a number in a cluster', { NODE_UNIQUE_ID: '1' }],
  ['debugging of modules', { NODE_DEBUG: 'module,fs' }],
];

describe.each(shells)('$name', ({ name, shell, isHere }) => {
  test('keeps the environment of other programs away from every hook', async () => {
    if (!isHere) return missing(name);
    for (const [what, env] of surroundings(scratch('surroundings'))) {
      const session = world().session();
      for (const hook of hookNames) {
        const fired = await session.fire(hook, { gate: shell, env });
        expect([what, hook, fired.code, fired.stderr]).toEqual([what, hook, 0, '']);
        if (hook === 'session-start') expect(fired.context).toContain('You are master');
        else if (fired.stdout) JSON.parse(fired.stdout);
      }
    }
  });

  const program = spawnSync('/bin/sh', ['-c', `command -v ${shell[0]}`], { encoding: 'utf8' }).stdout.trim();

  /** Runs every hook of a copy of the folder after something happened to it. */
  function afterDamage(damage: (folder: string) => void, env: NodeJS.ProcessEnv = process.env) {
    const folder = join(scratch('damaged'), 'flowloom');
    cpSync(hooksFolder, join(folder, 'hooks'), { recursive: true });
    damage(folder);
    return wiredHooks.map(({ event }) => {
      const { args } = settingsBlock(folder, 'sh').hooks[event][0]!.hooks[0]!;
      const { PATH, HOME } = env;
      const ran = spawnSync(program, [...shell.slice(1), ...args], {
        input: JSON.stringify({ session_id: 'x', cwd: folder, hook_event_name: event }),
        env: { PATH, HOME, FLOWLOOM_STATE_DIR: join(folder, 'state') },
        encoding: 'utf8',
      });
      return { event, code: ran.status, stdout: ran.stdout };
    });
  }
  const silent = wiredHooks.map(({ event }) => ({ event, code: 0, stdout: '' }));

  test('does nothing, and blocks nobody, without the scripts', () => {
    if (!isHere) return missing(name);
    expect(afterDamage((folder) => rmSync(folder, { recursive: true }))).toEqual(silent);
    expect(
      afterDamage((folder) => {
        for (const hook of hookNames) rmSync(join(folder, 'hooks', `${hook}.cjs`));
      }),
    ).toEqual(silent);
  });

  test.each(['gone', 'torn', 'unreadable'])('goes on to Node when the gate is %s', (how) => {
    if (!isHere) return missing(name);
    const ran = afterDamage((folder) => {
      const gate = join(folder, 'hooks', 'gate.sh');
      if (how === 'gone') rmSync(gate);
      if (how === 'torn') write(gate, `${readFileSync(gate, 'utf8').slice(0, 2000)}\nif [ "`);
      if (how === 'unreadable') chmodSync(gate, 0);
    });
    expect(ran.map(({ code }) => code)).toEqual(silent.map(() => 0));
    expect(ran[0]!.stdout).toContain('You are master');
  });

  test('says once, when a session starts, that there is no Node', () => {
    if (!isHere) return missing(name);
    const [start, ...others] = afterDamage(() => {}, { PATH: scratch('no-node') });
    expect(start!.code).toBe(0);
    expect(JSON.parse(start!.stdout).systemMessage).toMatch(/no "node" on the PATH.*Install Node\.js 20\.19/);
    expect(others).toEqual(silent.slice(1));
  });
});

describe('Node without a shell', () => {
  const run = (folder: string, event: (typeof wiredHooks)[number]['event']) => {
    const { command, args } = settingsBlock(folder).hooks[event][0]!.hooks[0]!;
    const { status, stdout, stderr } = spawnSync(command, args, {
      input: JSON.stringify({ session_id: 'x', cwd: folder, hook_event_name: event }),
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, FLOWLOOM_STATE_DIR: join(folder, 'state') },
      encoding: 'utf8',
    });
    return { event, status, stdout, stderr };
  };

  test('is silent where the script is missing', () => {
    const folder = join(scratch('without-scripts'), 'shop');
    mkdirSync(folder);
    for (const { event } of wiredHooks)
      expect(run(join(folder), event)).toEqual({ event, status: 0, stdout: '', stderr: '' });
  });

  test('runs it where it is, whatever kind of modules the project has', () => {
    const folder = join(scratch("a 'project'"), 'flowloom');
    cpSync(hooksFolder, join(folder, 'hooks'), { recursive: true });
    write(join(folder, 'package.json'), '{ "type": "module" }\n');
    cpSync(join(folder, 'package.json'), join(folder, '..', 'package.json'));
    const ran = wiredHooks.map(({ event }) => run(folder, event));
    for (const one of ran) expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(ran[0]!.stdout).toContain('You are');
  });
});

test('the settings name the gate and the hook', () => {
  expect(gateArguments('stop').slice(2)).toEqual([join(hooksFolder, 'gate.sh'), 'stop']);
});
