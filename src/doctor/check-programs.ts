/** The programs around the hooks: the Node that runs them, the client that starts them, the git they ask. */
import { compareVersions } from '../core/versions.ts';
import { git } from '../io/git.ts';
import { type Outcome, runProgram } from '../io/run-program.ts';
import type { Scope } from '../io/scope.ts';
import { oldestNode } from '../messages/old-node.ts';
import { type Finding, finding } from './finding.ts';

interface Where {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

const programLimitMs = 5000;
/** Knows hooks in exec form. */
const oldestClient = '2.1.139';
/** Names its process to hooks. */
const naming = '2.1.214';
const gitLimitMs = 1000;
/** As long as a session waits for git when it ends and when it takes over; a turn never waits. */
const gitPatienceMs = 500;
/** On a busy machine it takes longer than here. */
const slowGitMs = 300;

/** The Node that a hook command `node` gets from this directory. */
export async function checkNode(where: Where): Promise<Finding[]> {
  const ask = 'process.stdout.write(process.version + " " + process.execPath)';
  return [judgeNode(answerOf(await runProgram('node', ['-e', ask], { ...where, limitMs: programLimitMs })))];
}

type ProgramAnswer =
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'ran'; readonly output: string };

function answerOf(outcome: Outcome): ProgramAnswer {
  if (outcome.kind === 'missing') return outcome;
  if (outcome.kind === 'late')
    return { kind: 'failed', reason: `no answer within ${programLimitMs / 1000} s` };
  const { exitCode, stdout, stderr, how } = outcome;
  if (exitCode === 0) return { kind: 'ran', output: stdout.trim() };
  return { kind: 'failed', reason: stderr.trim().split('\n')[0] || how || `exit code ${exitCode}` };
}

function judgeNode(answer: ProgramAnswer): Finding {
  if (answer.kind === 'missing') return finding('error', 'node-missing', {});
  if (answer.kind === 'failed') return finding('error', 'node-broken', { reason: answer.reason });
  const [, version, path] = /^v(\d\S*) (.+)$/.exec(answer.output) ?? [];
  if (!version || !path) return finding('error', 'node-broken', { reason: answer.output.slice(0, 200) });
  return compareVersions(version, oldestNode) < 0
    ? finding('error', 'node-old', { version, path, needed: oldestNode })
    : finding('ok', 'node-ok', { version, path });
}

export async function checkClient(where: Where): Promise<Finding[]> {
  return [
    judgeClient(answerOf(await runProgram('claude', ['--version'], { ...where, limitMs: programLimitMs }))),
  ];
}

function judgeClient(answer: ProgramAnswer): Finding {
  if (answer.kind === 'missing') return finding('info', 'client-missing', {});
  if (answer.kind === 'failed') return finding('info', 'client-unreadable', { reason: answer.reason });
  const version = /\d+\.\d+\.\d+/.exec(answer.output)?.[0];
  if (!version) return finding('info', 'client-unreadable', { reason: answer.output.slice(0, 200) });
  if (compareVersions(version, oldestClient) < 0)
    return finding('error', 'client-too-old', { version, needed: oldestClient });
  return compareVersions(version, naming) < 0
    ? finding('warning', 'client-old', { version, needed: naming })
    : finding('ok', 'client-ok', { version });
}

/** Asks git what a hook asks it at the end of a turn. */
export function checkGit(scope: Scope): Finding[] {
  if (!scope.commonDir) return [finding('info', 'git-none', { directory: scope.worktree })];
  const version = git(scope.worktree, ['--version'], gitLimitMs);
  const started = performance.now();
  const status = git(
    scope.worktree,
    ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal'],
    gitLimitMs,
  );
  const ms = Math.round(performance.now() - started);
  if (!status.ok) {
    if (status.why === 'missing') return [finding('warning', 'git-missing', {})];
    if (status.why === 'too slow') return [finding('warning', 'git-hangs', { limitMs: gitLimitMs })];
    if (status.message.includes('dubious ownership'))
      return [finding('warning', 'git-dubious', { directory: scope.worktree })];
    return [finding('warning', 'git-failed', { reason: status.message.split('\n')[0] ?? '' })];
  }
  if (ms > slowGitMs) return [finding('warning', 'git-slow', { ms, limitMs: gitPatienceMs })];
  const number = version.ok ? (/\d+(?:\.\d+)+/.exec(version.output)?.[0] ?? '') : '';
  return [finding('ok', 'git-ok', { version: number, ms })];
}
