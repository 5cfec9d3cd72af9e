/** Where state may live, best first; the rungs of the degradation ladder that this machine offers. */
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { makePrivateDirectory } from './atomic-write.ts';
import { isLink, isOwn } from './own-directory.ts';
import type { Scope } from './scope.ts';
import { within } from './within.ts';

/** A directory that may hold the state of one scope. */
export interface Place {
  readonly path: string;
  /** Which rung it is, for people. */
  readonly what: 'FLOWLOOM_STATE_DIR' | 'git directory' | 'user state directory' | 'temporary directory';
}

/** The user's home; empty where nothing says which that is. */
export function homeDirectory(env: NodeJS.ProcessEnv): string {
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

/** Directories of the place that everybody's records are in. */
const parts = ['seq', 'members', 'handoffs', 'seals'] as const;

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** What is wrong with a directory that another user may have made first; null when nothing is, or it is not there. */
function wrongWith(path: string): Error | null {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return null;
  if (stat.isSymbolicLink()) return failure(`${path} is a symbolic link`, 'ELOOP');
  if (!stat.isDirectory()) return failure(`${path} is not a directory`, 'ENOTDIR');
  return isOwn(path, stat) ? null : failure(`${path} belongs to another user`, 'EOWNER');
}

/** The directories that have to be this user's own: anybody may have made its part of the temporary directory first. */
const ownPartsOf = ({ path, what }: Place): string[] =>
  what === 'temporary directory' ? [dirname(path), path] : [path];

/** Why nothing that lies in this place is to be believed: it is somebody else's. Null when it may be, and when there is none. */
export const ownerRefusalOf = (place: Place): Error | null =>
  ownPartsOf(place).map(wrongWith).find(Boolean) ?? null;

/** A part of the place that leads elsewhere: nothing is read or written there. Null when there is none. */
export function linkIn({ path: place }: Place): Error | null {
  const links = parts.map((part) => within(place, part)).filter(isLink);
  return links[0] ? failure(`${links[0]} is a symbolic link`, 'ELOOP') : null;
}

/** Why no record is read or written in this place; null when it may be. */
export const refusalOf = (place: Place): Error | null => ownerRefusalOf(place) ?? linkIn(place);

/** As `refusalOf`, for who only passes over what is to be; also what could not be looked at. */
export function isBelieved(place: Place): boolean {
  try {
    return refusalOf(place) === null;
  } catch {
    return false;
  }
}

/**
 * Makes the place ready to be written to, private to this user. Throws when it cannot be: somebody else's, a symbolic link,
 * not writable.
 */
export function preparePlace(place: Place): void {
  for (const path of ownPartsOf(place)) makeOwn(path);
  const refusal = refusalOf(place);
  if (refusal) throw refusal;
}

function makeOwn(path: string): void {
  makePrivateDirectory(path);
  const refusal = wrongWith(path);
  if (refusal) throw refusal;
  if ((fs.lstatSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') fs.chmodSync(path, 0o700);
}
