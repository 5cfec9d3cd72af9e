/** Runs the installed hooks once, as Claude Code would, and tells which of them work. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookEvent } from '../src/claude/payload.ts';
import { projectDirVariable, type SettingsBlock, wiredHooks } from '../src/claude/settings.ts';
import { type Outcome, runProgram } from '../src/io/run-program.ts';

export interface HookProblem {
  code: 'no-node' | 'failed' | 'timeout' | 'bad-output' | 'no-role';
  /** The exit code or the first line of what it printed. */
  detail?: string;
}

export interface HookCheck {
  event: HookEvent;
  ok: boolean;
  ms: number;
  problem?: HookProblem;
}

/** What differs between the events in the payloads of the test. */
const payloads: Record<HookEvent, object> = {
  SessionStart: { source: 'startup' },
  UserPromptSubmit: { prompt: 'flowloom-hooks self-test' },
  PostToolBatch: { tool_calls: [] },
  PostCompact: { trigger: 'manual', compact_summary: '' },
  Stop: { stop_hook_active: false },
  SessionEnd: { reason: 'other' },
};

/**
 * Each command of `block` is run once in `root`, one after the other, with its state in the files of a temporary directory
 * that is gone afterwards. A hook works when it exits with 0 in time and prints nothing or one JSON object; SessionStart must
 * also say which role the session has. Never throws because of a hook.
 */
export async function selfTest(
  root: string,
  block: SettingsBlock,
  env: Record<string, string | undefined>,
): Promise<HookCheck[]> {
  const state = await mkdtemp(join(tmpdir(), 'flowloom-self-test-'));
  try {
    const checks: HookCheck[] = [];
    for (const { event } of wiredHooks)
      checks.push(await check(event, root, block, hookEnv(env, root, state)));
    return checks;
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Without the surrounding session, whose identity the test must not take on, and without switches such as FLOWLOOM=off. */
function hookEnv(env: Record<string, string | undefined>, root: string, state: string) {
  const clean = Object.entries(env).filter(([name]) => !/^(CLAUDE|FLOWLOOM)/i.test(name));
  return {
    ...Object.fromEntries(clean),
    CLAUDE_PROJECT_DIR: root,
    FLOWLOOM_STATE_DIR: state,
    FLOWLOOM_STORE: 'file',
  };
}

async function check(
  event: HookEvent,
  root: string,
  block: SettingsBlock,
  env: Record<string, string | undefined>,
): Promise<HookCheck> {
  const handler = block.hooks[event][0]?.hooks[0];
  const args = (handler?.args ?? []).map((arg) => arg.replace(projectDirVariable, () => root));
  const outcome = await runProgram(handler?.command ?? 'node', args, {
    directory: root,
    env,
    input: JSON.stringify(payloadOf(event, root)),
    limitMs: (handler?.timeout ?? 5) * 1000,
  });
  const problem = problemOf(event, outcome);
  const ms = outcome.kind === 'ended' ? outcome.ms : 0;
  return problem ? { event, ok: false, ms, problem } : { event, ok: true, ms };
}

function payloadOf(event: HookEvent, root: string): object {
  const common = { session_id: 'flowloom-self-test', transcript_path: '', cwd: root, hook_event_name: event };
  return { ...common, ...payloads[event] };
}

function problemOf(event: HookEvent, outcome: Outcome): HookProblem | undefined {
  if (outcome.kind === 'missing') return { code: 'no-node' };
  if (outcome.kind === 'late') return { code: 'timeout' };
  const { exitCode, stdout, stderr, how } = outcome;
  if (exitCode !== 0) return { code: 'failed', detail: errorLine(stderr) ?? `exit ${exitCode ?? how}` };
  const output = stdout.trim() === '' ? {} : parseObject(stdout);
  if (!output) return { code: 'bad-output', detail: firstLine(stdout) };
  if (event === 'SessionStart' && !saysRole(output)) return { code: 'no-role' };
  return undefined;
}

function saysRole({ hookSpecificOutput }: Record<string, unknown>): boolean {
  const context = (hookSpecificOutput as Record<string, unknown> | undefined)?.additionalContext;
  return typeof context === 'string' && context.includes('You are');
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Node prints the place first and the error below it. */
function errorLine(stderr: string): string | undefined {
  return /^\w*Error\b.*$/m.exec(stderr)?.[0].slice(0, 200) ?? firstLine(stderr);
}

function firstLine(text: string): string | undefined {
  return text.trim().split('\n')[0]?.slice(0, 200) || undefined;
}
