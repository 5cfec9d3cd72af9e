/**
 * Reads the configuration: data formats only, since a hook must not execute what lies in a repository.
 *
 * Of cosmiconfig only the loaders for JSON and YAML are used, on text read here. Its search would follow a `$import` key and a
 * `.config/config.js` beside it, and both can name JavaScript.
 */
import fs from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { defaultLoadersSync } from 'cosmiconfig';
import {
  type Config,
  type ConfigProblem,
  layered,
  placesIn,
  resolveConfig,
  type Written,
} from '../core/config.ts';
import { isRecord } from '../core/shape.ts';
import { readCapped, readJsonObject } from '../io/read-capped.ts';
import type { Scope } from '../io/scope.ts';
import { isAgreed, type Wants, wantsOf } from './consent.ts';

/** One thing wrong, and where it was written: a file, or `the environment`. */
export interface WrittenProblem extends ConfigProblem {
  readonly file: string;
}

export interface LoadedConfig {
  /** What is in force. */
  readonly config: Config;
  /** The repository's file; null when there is none. */
  readonly file: string | null;
  /** The user's own file; null when there is none. */
  readonly own: string | null;
  readonly problems: readonly WrittenProblem[];
  /** What the repository wants of places and sharing; null when that changes nothing. In force only where it is agreed. */
  readonly wants: Wants | null;
  readonly agreed: boolean;
}

/** Where to look, and what is there. */
export interface Sources {
  readonly scope: Scope;
  readonly env: NodeJS.ProcessEnv;
  /** Files of the repository, relative to the work tree, in the order in which they are asked. */
  readonly names: readonly string[];
  readonly own: string | null;
}

/** What a file says, unchecked; `value` is undefined when it says nothing. */
interface Said {
  readonly file: string | null;
  readonly value: unknown;
  readonly problems: readonly WrittenProblem[];
}

const silent: Said = { file: null, value: undefined, problems: [] };
/** Of a file of ours. A YAML of a megabyte can be written so that it takes seconds. */
const mostBytes = 16 << 10;
const packageBytes = 1 << 20;

/** A file without an extension is YAML, of which JSON is a part. */
const parsed = (path: string, text: string): unknown =>
  defaultLoadersSync[extname(path) === '.json' ? '.json' : '.yaml'](path, text);

/** What a file says about flowloom; undefined when it says nothing or is not there. Throws when it cannot be read or parsed. */
function read(path: string): unknown {
  const isPackage = basename(path) === 'package.json';
  const ask = () => readCapped(path, isPackage ? packageBytes : mostBytes);
  let found = ask();
  // A drive that stumbled, or a scanner that held it.
  if (found.kind === 'unreadable') found = ask();
  if (found.kind === 'unreadable') throw new Error(found.reason);
  if (found.kind === 'absent' || found.text.trim() === '') return undefined;
  const value = parsed(path, found.text);
  return isPackage ? (value as { flowloom?: unknown } | null)?.flowloom : value;
}

function sayingOf(file: string, check: () => void = () => {}): Said {
  try {
    check();
    const value = read(file) ?? undefined;
    if (value === undefined) return silent;
    const problems = resolveConfig(value).problems.map((problem) => ({ ...problem, file }));
    return { file, value, problems };
  } catch (cause) {
    const expected = `a file that can be read (${(cause as Error).message.split('\n')[0]})`;
    return { file, value: undefined, problems: [{ key: '(the whole file)', expected, file }] };
  }
}

/** Nobody but the user, or an administrator, can have written the user's own configuration. Links of a dotfiles manager are followed. */
function checkOwn(file: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const real = fs.realpathSync(file);
  for (const path of [real, dirname(real)]) {
    const stat = fs.statSync(path);
    if (uid !== 0 && stat.uid !== uid && stat.uid !== 0) throw new Error(`${path} belongs to another user`);
    if ((stat.mode & 0o002) !== 0) throw new Error(`anybody can write to ${path}: chmod o-w it`);
  }
}

/**
 * What memory servers of the repository's `.mcp.json` are told of their file. A memory graph without a file of its own lies there, so
 * that is a place that the repository chose, whoever chose the store.
 */
function serverFiles({ worktree, root }: Scope, env: NodeJS.ProcessEnv): string[] {
  const directories = new Set([env.CLAUDE_PROJECT_DIR || worktree, worktree, root]);
  return [...directories].flatMap((directory) => {
    const servers = readJsonObject(join(directory, '.mcp.json'), packageBytes)?.mcpServers;
    return Object.values(isRecord(servers) ? servers : {}).flatMap((server) => {
      const path = isRecord(server) && isRecord(server.env) ? server.env.MEMORY_FILE_PATH : undefined;
      return typeof path === 'string' && path !== '' ? [path] : [];
    });
  });
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Reads what there is and says what of it is in force. Never throws. */
export function loadConfig({ scope, env, names, own }: Sources): LoadedConfig {
  const mine = own === null ? silent : sayingOf(own, () => checkOwn(own));
  let theirs = silent;
  for (const name of names) {
    theirs = sayingOf(join(scope.worktree, name));
    if (theirs.file !== null) break;
  }
  const { FLOWLOOM_STORE: store = '' } = env;
  const unknownStore = store ? resolveConfig({ store }).problems : [];
  const written: Written = { own: mine.value, repository: theirs.value, store };
  const { agreed, otherwise } = layered(written);
  const isByServer = ({ store, memoryGraph }: Config): boolean =>
    store === 'memory-graph' && memoryGraph.file === '';
  const servers = isByServer(agreed) || isByServer(otherwise) ? serverFiles(scope, env) : [];
  const asked = servers.length > 0 || !same(placesIn(agreed), placesIn(otherwise));
  const wants = asked ? wantsOf(placesIn(agreed), servers, scope, env) : null;
  const isIn = wants !== null && isAgreed(wants, scope, env);
  const alone: Config =
    servers.length > 0 && isByServer(otherwise) ? { ...otherwise, store: 'file' } : otherwise;
  return {
    config: isIn ? agreed : alone,
    file: theirs.file,
    own: mine.file,
    problems: [
      ...mine.problems,
      ...theirs.problems,
      ...unknownStore.map(({ expected }) => ({ key: 'FLOWLOOM_STORE', expected, file: 'the environment' })),
    ],
    wants,
    agreed: isIn,
  };
}
