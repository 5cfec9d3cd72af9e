/** The only caller of git. It never asks, never locks, never outlives its limit, and never answers for an inherited repository. */
import { type GitFacts, parseStatus } from '../core/git-facts.ts';
import { runAndWait } from './run-and-wait.ts';

/** Variables that would make git answer for another repository than the one it is asked about. */
const inherited = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_DEFAULT_HASH',
  'GIT_DEFAULT_REF_FORMAT',
  'GIT_TEMPLATE_DIR',
];

export type GitAnswer =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly why: 'missing' | 'too slow' | 'failed'; readonly message: string };

/** Runs git in a directory for at most `limitMs`, then kills it. */
export function git(directory: string, args: readonly string[], limitMs: number): GitAnswer {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
  for (const name of inherited) delete env[name];
  const { failure, exitCode, stdout, stderr } = runAndWait('git', ['-c', 'core.fsmonitor=false', ...args], {
    directory,
    env,
    limitMs,
  });
  if (failure === 'ENOENT') return { ok: false, why: 'missing', message: 'git is not on the PATH' };
  if (failure === 'ETIMEDOUT')
    return { ok: false, why: 'too slow', message: `git took longer than ${limitMs} ms` };
  if (exitCode !== 0) return { ok: false, why: 'failed', message: (stderr || failure).trim() };
  return { ok: true, output: stdout };
}

/** Branch, commit, changed and staged files of a work tree; null when git does not say in time. */
export function gitFacts(worktree: string, limitMs: number): GitFacts | null {
  const args = [
    'status',
    '--porcelain=v2',
    '--branch',
    '--no-ahead-behind',
    '-z',
    '--untracked-files=normal',
  ];
  const answer = git(worktree, args, limitMs);
  return answer.ok ? parseStatus(answer.output) : null;
}
