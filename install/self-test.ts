/** Runs the installed hooks once, as Claude Code would, and tells which of them work. */

import invariant from 'tiny-invariant';
import type { HookEvent } from '../src/claude/payload.ts';
import { projectDirVariable, type SettingsBlock, wiredHooks } from '../src/claude/settings.ts';
import { type Outcome, runProgram } from '../src/io/run-program.ts';
import { type Env, errorLine, firstLine, isolated } from './isolation.ts';

export interface HookProblem {
  code: 'no-node' | 'no-shell' | 'failed' | 'timeout' | 'bad-output' | 'no-role';
  /** The exit code or the first line of what it printed. */
  detail?: string;
}

export interface HookCheck {
  event: HookEvent;
  ok: boolean;
  ms: number;
  problem?: HookProblem;
}

const nodeLimitMs = 10_000;

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
export async function selfTest(root: string, block: SettingsBlock, env: Env): Promise<HookCheck[]> {
  return isolated(env, async (clean) => {
    const checks: HookCheck[] = [];
    // A shell that starts the hooks is silent where there is no Node.
    const node = await runProgram('node', ['--version'], {
      directory: root,
      env: clean,
      limitMs: nodeLimitMs,
    });
    if (node.kind === 'missing')
      return wiredHooks.map(({ event }) => ({ event, ok: false, ms: 0, problem: { code: 'no-node' } }));
    for (const { event } of wiredHooks)
      checks.push(await check(event, root, block, { ...clean, CLAUDE_PROJECT_DIR: root }));
    return checks;
  });
}

async function check(event: HookEvent, root: string, block: SettingsBlock, env: Env): Promise<HookCheck> {
  const handler = block.hooks[event][0]?.hooks[0];
  invariant(handler, `the block has an entry for ${event}`);
  const { command, timeout } = handler;
  // The line that loads a script is silent about one that fails. That it works is seen at SessionStart, which has to say something.
  const given = command === 'node' && event !== 'SessionStart' ? handler.args.slice(-1) : handler.args;
  const args = given.map((arg) => arg.replace(projectDirVariable, () => root));
  const outcome = await runProgram(command, args, {
    directory: root,
    env,
    input: JSON.stringify(payloadOf(event, root)),
    limitMs: timeout * 1000,
  });
  const problem = outcome.kind === 'missing' ? missing(command) : problemOf(event, outcome);
  const ms = outcome.kind === 'ended' ? outcome.ms : 0;
  return problem ? { event, ok: false, ms, problem } : { event, ok: true, ms };
}

function payloadOf(event: HookEvent, root: string): object {
  const common = { session_id: 'flowloom-self-test', transcript_path: '', cwd: root, hook_event_name: event };
  return { ...common, ...payloads[event] };
}

const missing = (command: string): HookProblem => ({ code: command === 'sh' ? 'no-shell' : 'no-node' });

function problemOf(
  event: HookEvent,
  outcome: Exclude<Outcome, { kind: 'missing' }>,
): HookProblem | undefined {
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
