import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type HookCheck, selfTest } from '../../install/self-test.ts';
import {
  projectScriptsDir,
  type SettingsBlock,
  settingsBlock,
  wiredHooks,
} from '../../src/claude/settings.ts';
import { scratch, snapshot, writeHooks } from './scratch.ts';

interface Setup {
  scripts?: Record<string, string>;
  env?: Record<string, string | undefined>;
  change?: (block: SettingsBlock) => void;
}

async function run({ scripts, env = { PATH: process.env.PATH }, change }: Setup = {}) {
  const { project } = scratch();
  writeHooks(join(project, '.claude/flowloom/hooks'), scripts);
  const block = settingsBlock(projectScriptsDir);
  change?.(block);
  const before = snapshot(project);
  const checks = await selfTest(project, block, env);
  expect(snapshot(project)).toEqual(before);
  return { checks, project, problems: checks.filter((check) => !check.ok).map(problemOf) };
}

const problemOf = ({ event, problem }: HookCheck) => [event, problem?.code, problem?.detail];

it('runs every hook and finds that it works', async () => {
  const { checks } = await run({ scripts: { 'stop.cjs': 'console.log(" {} ")' } });
  expect(checks.map((check) => check.event)).toEqual(wiredHooks.map((hook) => hook.event));
  expect(checks.every((check) => check.ok && check.ms > 0)).toBe(true);
});

it('says what is wrong with each hook that does not work', async () => {
  const { problems } = await run({
    scripts: {
      'session-start.cjs': 'console.log("{}")',
      'user-prompt-submit.cjs': 'process.exit(1)',
      'post-tool-batch.cjs': 'console.log("garbage\\nmore")',
      'post-compact.cjs': 'throw new TypeError("no such thing")',
      'stop.cjs': 'setInterval(() => {}, 1000)',
      'session-end.cjs': 'console.log("{}"); console.log("{}")',
    },
    change: (block) => {
      block.hooks.Stop[0]!.hooks[0]!.timeout = 1;
    },
  });
  expect(problems).toEqual([
    ['SessionStart', 'no-role', undefined],
    ['UserPromptSubmit', 'failed', 'exit 1'],
    ['PostToolBatch', 'bad-output', 'garbage'],
    ['PostCompact', 'failed', 'TypeError: no such thing'],
    ['Stop', 'timeout', undefined],
    ['SessionEnd', 'bad-output', '{}'],
  ]);
});

it('notices that there is no node', async () => {
  const { problems } = await run({ env: { PATH: '/nowhere' } });
  expect(problems.map(([, code]) => code)).toEqual(Array(6).fill('no-node'));
});

it.each(['sh', 'node'] as const)('notices that there is no node for %s', async (form) => {
  const { project } = scratch();
  const folder = join(project, '.claude/flowloom');
  writeHooks(join(folder, 'hooks'));
  const bin = join(project, 'bin');
  mkdirSync(bin);
  symlinkSync('/bin/sh', join(bin, 'sh'));
  const checks = await selfTest(project, settingsBlock(folder, form), { PATH: bin });
  expect(checks.map(({ problem }) => problem?.code)).toEqual(Array(6).fill('no-node'));
});

it('notices that there is no shell', async () => {
  const { project } = scratch();
  const folder = join(project, '.claude/flowloom');
  writeHooks(join(folder, 'hooks'));
  const bin = join(project, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const checks = await selfTest(project, settingsBlock(folder, 'sh'), { PATH: bin });
  expect(checks.map(({ problem }) => problem?.code)).toEqual(Array(6).fill('no-shell'));
});

it('notices that a script is missing', async () => {
  const { problems } = await run({
    change: (block) => {
      const { args } = block.hooks.Stop[0]!.hooks[0]!;
      args[args.length - 1] = '/nowhere/stop.cjs';
    },
  });
  expect(problems).toEqual([['Stop', 'failed', expect.stringContaining('Cannot find module')]]);
});

it('gives the hooks a payload and nothing of the session around it', async () => {
  const log = realpathSync(mkdtempSync(join(tmpdir(), 'flowloom-self-test-log-')));
  onTestFinished(() => rmSync(log, { recursive: true }));
  const record = `
    const { env } = process;
    const names = Object.keys(env).filter((name) => /^(CLAUDE|FLOWLOOM)/.test(name)).sort();
    const state = env.FLOWLOOM_STATE_DIR;
    require('fs').writeFileSync(state + '/trace', '');
    const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    require('fs').writeFileSync(env.LOG + '/out.json', JSON.stringify({ names, state, cwd: process.cwd(), dir: env.CLAUDE_PROJECT_DIR, input }));`;
  const { project, problems } = await run({
    scripts: { 'stop.cjs': record },
    env: {
      PATH: process.env.PATH,
      LOG: log,
      CLAUDECODE: '1',
      CLAUDE_PID: '1',
      CLAUDE_PROJECT_DIR: '/elsewhere',
      CLAUDE_CODE_MESSAGING_TOKEN: 'secret',
      FLOWLOOM: 'off',
      FLOWLOOM_ROLE: 'worker',
    },
  });
  expect(problems).toEqual([]);
  const seen = JSON.parse(readFileSync(join(log, 'out.json'), 'utf8'));
  expect(seen).toMatchObject({
    cwd: project,
    dir: project,
    names: ['CLAUDE_PROJECT_DIR', 'FLOWLOOM_STATE_DIR', 'FLOWLOOM_STORE'],
  });
  expect(seen.input).toMatchObject({ hook_event_name: 'Stop', cwd: project, stop_hook_active: false });
  expect(readdirSync(join(seen.state, '..'))).not.toContain(seen.state.split('/').at(-1));
});
