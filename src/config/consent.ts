/**
 * Whether the user agreed to what a repository's configuration wants of places and sharing.
 *
 *     <state of the clone>/trust.json    {"version":1,"agreed":["9f2c…","41ab…"]}: seals of what was agreed to, newest first
 *     <user state>/flowloom/trust.key    32 random bytes in hex, of this user on this machine; made by the first consent
 *
 * A seal is made with the user's key, so a file that came with an unpacked archive holds none. It is of the values and of this
 * clone: a copy of the clone is asked about anew, one that was moved is not. Of each agreement there are two, one by the
 * repository's path and one by its inode, since either may change. Values that no seal fits are not agreed to, and so is
 * everything where a file is not the user's, is a link, or cannot be read.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Places } from '../core/config.ts';
import { list, object, text } from '../core/shape.ts';
import { createFile, makePrivateDirectory, replaceFile } from '../io/atomic-write.ts';
import { namedPath } from '../io/named-path.ts';
import { homeDirectory, preparePlace, statePlaces } from '../io/places.ts';
import { safeRead, safeReadWithStat } from '../io/safe-read.ts';
import type { Scope } from '../io/scope.ts';

/** What a repository wants of places and sharing. */
export interface Wants {
  readonly places: Places;
  /** The folder or file that is named, without links: another one is another wish. Null where none is named. */
  readonly where: string | null;
  /** What memory servers in `.mcp.json` are told of their file, where no other is named. */
  readonly servers: readonly string[];
}

/** What is wanted, as this machine understands it. */
export function wantsOf(
  places: Places,
  servers: readonly string[],
  scope: Scope,
  env: NodeJS.ProcessEnv,
): Wants {
  const named =
    places.store === 'basic-memory' ? places.path : places.store === 'memory-graph' ? places.file : '';
  const where = named ? withoutLinks(namedPath(scope.root, named, env)) : null;
  return { places, where, servers: places.store === 'memory-graph' && !places.file ? servers : [] };
}

/** The real path, of what is not there yet as far as it is. */
function withoutLinks(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return dirname(path) === path
      ? path
      : join(withoutLinks(dirname(path)), path.slice(dirname(path).length));
  }
}

const keyBytes = 1024;
const fileBytes = 64 << 10;
/** Work trees of one clone may want different things. */
const mostSeals = 100;

const isKey = (key: string): boolean => /^[0-9a-f]{64}$/.test(key);

/** Where this user's key lies; null where the user has no place for state. */
function keyFile(env: NodeJS.ProcessEnv): string | null {
  const { XDG_STATE_HOME: configured = '' } = env;
  const home = homeDirectory(env);
  const state = isAbsolute(configured) ? configured : home && join(home, '.local', 'state');
  return state ? join(state, 'flowloom', 'trust.key') : null;
}

/** The key; null when there is none. Throws when what is there cannot be one. */
function keyIn(file: string): string | null {
  const found = safeReadWithStat(file, keyBytes);
  if (!found) return null;
  const key = found.text.trim();
  if (process.platform !== 'win32' && (found.stat.mode & 0o077) !== 0)
    throw new Error(`${file} can be read by others: remove it, and agree again`);
  if (!isKey(key)) throw new Error(`${file} holds no key: remove it, and agree again`);
  return key;
}

/** The key, made when there is none. */
function keyFor(env: NodeJS.ProcessEnv): string {
  const file = keyFile(env);
  if (!file) throw new Error('there is no home directory to keep the key of your consent in');
  const key = keyIn(file);
  if (key) return key;
  makePrivateDirectory(dirname(file));
  createFile(file, `${crypto.randomBytes(32).toString('hex')}\n`, { durable: true });
  // Of two that make one at the same time, one does.
  return keyIn(file)!;
}

/** What these wants are known by in this clone. */
function sealsOf(wants: Wants, scope: Scope, key: string): string[] {
  const identity = scope.commonDir ?? scope.root;
  const inode = String(fs.statSync(identity, { bigint: true }).ino);
  return [
    ['path', identity],
    ['inode', inode],
  ].map((of) =>
    crypto
      .createHmac('sha256', key)
      .update(JSON.stringify([1, ...of, wants.places, wants.where, wants.servers]))
      .digest('hex'),
  );
}

const trustFiles = (scope: Scope, env: NodeJS.ProcessEnv): string[] =>
  statePlaces(scope, env).map(({ path }) => join(path, 'trust.json'));

const kept = object<{ agreed: string[] }>({ agreed: list(text) });

function sealsIn(file: string): string[] {
  try {
    return kept(JSON.parse(safeRead(file, fileBytes) ?? '{}'))?.agreed ?? [];
  } catch {
    return [];
  }
}

/** Whether the user agreed to just this in this clone. Never throws: what cannot be found out is not agreed to. */
export function isAgreed(wants: Wants, scope: Scope, env: NodeJS.ProcessEnv): boolean {
  try {
    const agreed = trustFiles(scope, env).flatMap(sealsIn);
    const file = agreed.length > 0 ? keyFile(env) : null;
    const key = file && keyIn(file);
    return Boolean(key && sealsOf(wants, scope, key).some((seal) => agreed.includes(seal)));
  } catch {
    return false;
  }
}

/** Keeps that the user agreed, in the first place of this clone that takes it. Throws when none does. */
export function agree(wants: Wants, scope: Scope, env: NodeJS.ProcessEnv): void {
  const seals = sealsOf(wants, scope, keyFor(env));
  let failure: unknown;
  for (const place of statePlaces(scope, env)) {
    const file = join(place.path, 'trust.json');
    try {
      preparePlace(place);
      const agreed = [...new Set([...seals, ...sealsIn(file)])].slice(0, mostSeals);
      replaceFile(file, `${JSON.stringify({ version: 1, agreed })}\n`, { durable: true });
      return;
    } catch (cause) {
      failure ??= cause;
    }
  }
  throw failure;
}

/** Takes back everything that was agreed to in this clone; whether there was anything. Throws when it cannot be taken back. */
export function revoke(scope: Scope, env: NodeJS.ProcessEnv): boolean {
  const files = trustFiles(scope, env).filter(isThere);
  for (const file of files) fs.rmSync(file, { force: true, recursive: true });
  return files.length > 0;
}

/** What this user cannot even look at is nothing that was agreed to. */
function isThere(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether there is something to agree to, and whether the user did. */
export const trustOf = ({
  wants,
  agreed,
}: {
  wants: Wants | null;
  agreed: boolean;
}): 'not-needed' | 'given' | 'missing' => (wants === null ? 'not-needed' : agreed ? 'given' : 'missing');
