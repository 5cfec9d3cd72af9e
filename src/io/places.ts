/** Where state may live, best first; the rungs of the degradation ladder that this machine offers. */
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { makePrivateDirectory } from './atomic-write.ts';
import type { Scope } from './scope.ts';
import { within } from './within.ts';

/** A directory that may hold the state of one scope. */
export interface Place {
  readonly path: string;
  /** Which rung it is, for people. */
  readonly what: 'FLOWLOOM_STATE_DIR' | 'git directory' | 'user state directory' | 'temporary directory';
}

function homeDirectory(env: NodeJS.ProcessEnv): string {
  if (env.HOME) return env.HOME;
  try {
    return os.homedir();
  } catch {
    return '';
  }
}

/** All rungs, whether or not they can be used. Several repositories never share one. */
export const statePlaces = (scope: Scope, env: NodeJS.ProcessEnv): Place[] => [...eachPlace(scope, env)];

/** As `statePlaces`, one after the other: a member is mostly at home in the first, and the others cost something to find. */
export function* eachPlace(scope: Scope, env: NodeJS.ProcessEnv): Generator<Place> {
  if (env.FLOWLOOM_STATE_DIR)
    yield { path: join(env.FLOWLOOM_STATE_DIR, scope.key), what: 'FLOWLOOM_STATE_DIR' };
  if (scope.commonDir) yield { path: within(scope.commonDir, 'flowloom'), what: 'git directory' };
  const home = homeDirectory(env);
  // A home that is gone is not made again.
  const state = env.XDG_STATE_HOME || (home && fs.existsSync(home) && join(home, '.local', 'state'));
  if (state) yield { path: join(state, 'flowloom', scope.key), what: 'user state directory' };
  const user = process.getuid?.() ?? env.USERNAME ?? 'user';
  yield { path: join(os.tmpdir(), `flowloom-${user}`, scope.key), what: 'temporary directory' };
}

/**
 * Makes the place ready to be written to, private to this user. Throws when it cannot be: somebody else's, a symbolic link,
 * not writable.
 */
export function preparePlace({ path, what }: Place): void {
  // Anybody may have made this user's part of the temporary directory first.
  if (what === 'temporary directory') makeOwn(dirname(path));
  makeOwn(path);
}

function makeOwn(path: string): void {
  makePrivateDirectory(path);
  const stat = fs.lstatSync(path);
  const uid = process.getuid?.();
  if (!stat.isDirectory()) throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR' });
  if (uid !== undefined && uid !== 0 && stat.uid !== uid)
    throw Object.assign(new Error(`${path} belongs to another user`), { code: 'EOWNER' });
  if ((stat.mode & 0o077) !== 0 && process.platform !== 'win32') fs.chmodSync(path, 0o700);
}
