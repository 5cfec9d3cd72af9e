/**
 * Finds what sessions coordinate over, without a git process: git's own files say it in a tenth of a millisecond, and work
 * when git is missing, hangs or distrusts the directory.
 */
import fs from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fingerprint } from './fingerprint.ts';
import { askTwice, mayPass } from './passing.ts';
import { within } from './within.ts';

/** What sessions coordinate over, and where in it this directory lies. */
export interface Scope {
  /** One word for people and machines: the directory's name and a hash of where it is. */
  readonly key: string;
  /** What the scope is: the main work tree's directory, the bare repository or, outside git, the project directory. */
  readonly root: string;
  /** Git's directory that all work trees share; null outside git. */
  readonly commonDir: string | null;
  /** Top of this work tree; outside git the project directory. */
  readonly worktree: string;
  /** Directory of this work tree inside git; null outside git. */
  readonly gitDir: string | null;
}

/** Null where there is none. Throws when it only could not be asked: another scope must not be concluded from that. */
function asked<T>(ask: () => T): T | null {
  try {
    return askTwice(ask);
  } catch (cause) {
    if (mayPass(cause)) throw cause;
    return null;
  }
}

const isThere = (path: string): boolean => Boolean(asked(() => fs.statSync(path, { throwIfNoEntry: false })));

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants;
const flag = (O_RDONLY | O_NONBLOCK) as unknown as string;

/** More is in no file of git's that is one line. */
const lineBytes = 4096;
/** Every ref of a large repository. */
const packedBytes = 1 << 20;

/**
 * The text of a regular file; null when there is none, or more in it than there can be. Whatever else may be called so is not opened:
 * a FIFO would hold every hook, and a device has no end.
 */
function textOf(path: string, most: number): string | null {
  return asked(() => {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() && stat.size <= most ? fs.readFileSync(path, { encoding: 'utf8', flag }) : null;
  });
}

const readLine = (path: string): string | null => textOf(path, lineBytes)?.trim() ?? null;

/** The real path where there is one; a directory that was deleted keeps the name it had. */
function real(path: string): string {
  return asked(() => fs.realpathSync.native(path)) ?? resolve('/', path);
}

/** Git's directory for a work tree whose top is `directory`; null when it is not one. */
function gitDirOf(directory: string): string | null {
  const dotGit = within(directory, '.git');
  const stat = asked(() => fs.statSync(dotGit, { throwIfNoEntry: false }));
  if (!stat) return null;
  const named = stat.isFile() ? readLine(dotGit)?.match(/^gitdir:\s*(.+)$/)?.[1] : undefined;
  const gitDir = stat.isDirectory() ? dotGit : named && resolve(directory, named);
  // As git does: what names no HEAD is no repository, say the work tree of one that was moved away.
  return gitDir && isThere(within(gitDir, 'HEAD')) ? gitDir : null;
}

/** Walks up from the directory to the work tree it lies in. */
export function locateScope(directory: string): Scope {
  const start = real(directory);
  for (let at = start; ; at = dirname(at)) {
    const gitDir = gitDirOf(at);
    if (gitDir) {
      const shared = readLine(within(gitDir, 'commondir'));
      const own = real(gitDir);
      const commonDir = shared ? real(resolve(gitDir, shared)) : own;
      const root = basename(commonDir) === '.git' ? dirname(commonDir) : commonDir;
      return { key: keyOf(root, commonDir), root, commonDir, worktree: at, gitDir: own };
    }
    if (dirname(at) === at) return scopeByName(start);
  }
}

/** What a directory is as far as its name says, where nothing could be asked: for what has to be told in any case. */
export function scopeByName(directory: string): Scope {
  const start = resolve('/', directory);
  return { key: keyOf(start, start), root: start, commonDir: null, worktree: start, gitDir: null };
}

const keyOf = (root: string, identity: string): string =>
  `${
    basename(root)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(0, 40) || 'root'
  }-${fingerprint(identity)}`;

/**
 * Whether a directory that somebody named lies in this repository. Git runs what the configuration of a repository says, so it
 * is asked only in the one that the user works in.
 */
export const isWorktreeOf = (scope: Scope, directory: string): boolean =>
  scope.commonDir !== null && locateScope(directory).commonDir === scope.commonDir;

/**
 * The work tree in which a session works now. It may go to another one of its repository (EnterWorktree, `cd`) while the client goes
 * on naming the directory it was started in; of what lies outside of the repository nothing is taken.
 */
export function workplaceIn(scope: Scope, cwd: string): Scope {
  if (scope.commonDir === null || cwd === scope.worktree) return scope;
  try {
    const here = locateScope(cwd);
    return here.commonDir === scope.commonDir ? here : scope;
  } catch {
    // It could not be asked; where the session was started could.
    return scope;
  }
}

/** What a work tree has checked out. */
export interface Head {
  readonly branch: string;
  readonly commit: string;
}

/** What HEAD says in a repository that keeps its refs in tables. */
const inTables = 'refs/heads/.invalid';

/** Git's files do not say what this work tree has checked out: only git knows. */
export function onlyGitKnows(scope: Scope): boolean {
  try {
    return scope.gitDir !== null && readLine(within(scope.gitDir, 'HEAD')) === `ref: ${inTables}`;
  } catch {
    return false;
  }
}

/** Branch and commit of a work tree, read from git's files; empty where they do not say, see `onlyGitKnows`. */
export function readHead(scope: Scope): Head {
  try {
    return headOf(scope);
  } catch {
    return { branch: '', commit: '' };
  }
}

function headOf(scope: Scope): Head {
  if (!scope.gitDir || !scope.commonDir) return { branch: '', commit: '' };
  const head = readLine(within(scope.gitDir, 'HEAD')) ?? '';
  const ref = head.match(/^ref:\s*(refs\/\S+)$/)?.[1];
  if (!ref) return { branch: head ? '(detached)' : '', commit: head };
  if (ref === inTables) return { branch: '', commit: '' };
  const branch = ref.replace(/^refs\/heads\//, '');
  const loose = readLine(within(scope.gitDir, ref)) ?? readLine(within(scope.commonDir, ref));
  return { branch, commit: loose ?? packed(scope.commonDir, ref) };
}

function packed(commonDir: string, ref: string): string {
  try {
    const lines = textOf(within(commonDir, 'packed-refs'), packedBytes)?.split('\n') ?? [];
    return lines.find((entry) => entry.endsWith(` ${ref}`))?.split(' ')[0] ?? '';
  } catch {
    return '';
  }
}
