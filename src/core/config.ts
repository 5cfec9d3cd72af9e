/** The configuration: its keys, defaults and the check of what somebody wrote. Where it is read from is `src/config`. */

import { oneLine } from './quote.ts';
import { isRecord } from './shape.ts';
import type { StoreKind } from './store.ts';

type Role = 'master' | 'worker';

/** The configuration in force: every key has a value. */
export interface Config {
  readonly store: StoreKind;
  /** `remote`: share through this remote of the repository; empty: local only. `share`: what leaves the machine. */
  readonly git: { readonly remote: string; readonly share: 'facts' | 'handoffs' };
  /** A folder, or a project of basic-memory; both empty: its default project. */
  readonly basicMemory: { readonly path: string; readonly project: string };
  /** The memory server's file; empty: the one that the client's MCP configuration names. */
  readonly memoryGraph: { readonly file: string };
  readonly unattended: 'worker' | 'eligible' | 'ignore';
  readonly prompt: 'always' | 'on-change';
  readonly roles: { readonly master: string; readonly worker: string };
  /** Roles whose text is a repository's, and so is quoted where it is told. No key of a file: it says where a text came from. */
  readonly foreignRoles: readonly Role[];
  readonly handoff: { readonly maxChars: number; readonly keep: number };
  readonly leaseHours: number;
}

export const defaults: Config = {
  store: 'file',
  git: { remote: '', share: 'facts' },
  basicMemory: { path: '', project: '' },
  memoryGraph: { file: '' },
  unattended: 'worker',
  prompt: 'always',
  roles: {
    master: 'plans and splits the work, and merges, commits shared files and releases.',
    worker: 'does its own part, keeps to its own files and leaves shared decisions to the master.',
  },
  foreignRoles: [],
  handoff: { maxChars: 6000, keep: 20 },
  leaseHours: 8,
};

/** One thing wrong with a configuration: where, and what would be right. */
export interface ConfigProblem {
  readonly key: string;
  readonly expected: string;
}

type Check = { ok: (value: unknown) => boolean; expected: string };

const oneOf = (...values: string[]): Check => ({
  ok: (value) => values.includes(value as string),
  expected: `one of ${values.join(', ')}`,
});
const sentence: Check = {
  ok: (value) => typeof value === 'string' && value.trim() !== '' && value.length <= 200,
  expected: 'a text of 1 to 200 characters',
};
/** Not taken for an option by the programs that it is given to. */
const name: Check = {
  ok: (value) => typeof value === 'string' && /^(?![-.])[\w./ -]{0,200}$/.test(value),
  expected: 'a name of letters, digits and . _ / - that does not begin with a dash',
};
const place: Check = {
  ok: (value) => typeof value === 'string' && value.length <= 4096 && !/[\0\n]/.test(value),
  expected: 'a path',
};
const number = (least: number, most: number, whole = true): Check => ({
  ok: (value) =>
    typeof value === 'number' &&
    value >= least &&
    value <= most &&
    (whole ? Number.isInteger(value) : Number.isFinite(value)),
  expected: `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
});

const checks: Readonly<Record<string, Check>> = {
  store: oneOf('file', 'git', 'basic-memory', 'memory-graph'),
  'git.remote': name,
  'git.share': oneOf('facts', 'handoffs'),
  'basicMemory.path': place,
  'basicMemory.project': name,
  'memoryGraph.file': place,
  unattended: oneOf('worker', 'eligible', 'ignore'),
  prompt: oneOf('always', 'on-change'),
  'roles.master': sentence,
  'roles.worker': sentence,
  'handoff.maxChars': number(1000, 20_000),
  'handoff.keep': number(1, 1000),
  leaseHours: number(0.01, 24 * 30, false),
};

const groups = ['git', 'basicMemory', 'memoryGraph', 'roles', 'handoff'] as const;

/** Whoever reads of these has enough to do; a file may hold a hundred thousand. */
const mostProblems = 20;

/**
 * Takes every good value, and for the rest what is in `base`; each unknown key and bad value is a problem, of which the first
 * twenty are told. Never throws.
 */
export function resolveConfig(
  written: unknown,
  base: Config = defaults,
): { config: Config; problems: ConfigProblem[] } {
  const config: Record<string, unknown> = { ...base };
  for (const group of groups) config[group] = { ...base[group] };
  const problems: ConfigProblem[] = [];
  const wrong = (key: string, expected: string): void => {
    if (problems.length < mostProblems) problems.push({ key: oneLine(key, 80), expected });
  };
  const take = (value: unknown, target: Record<string, unknown>, prefix: string): void => {
    if (!isRecord(value)) {
      wrong(prefix.slice(0, -1) || '(the whole file)', 'an object');
      return;
    }
    for (const [name, entry] of Object.entries(value)) {
      const key = prefix + name;
      // Mostly it is the default, and good.
      if (entry === target[name] && Object.hasOwn(target, name)) continue;
      if (prefix === '' && (groups as readonly string[]).includes(name))
        take(entry, target[name] as Record<string, unknown>, `${name}.`);
      else if (!Object.hasOwn(checks, key)) wrong(key, 'no such key');
      else if (!checks[key]!.ok(entry)) wrong(key, checks[key]!.expected);
      else target[name] = entry;
    }
  };
  if (written !== undefined && written !== null) take(written, config, '');
  return { config: config as unknown as Config, problems };
}

/** A configuration as a notebook keeps it. What a text is not known to be the user's own is quoted. */
export function keptConfig(value: unknown): Config {
  const { foreignRoles, ...written } = isRecord(value) ? value : {};
  const { config } = resolveConfig(written);
  const isForeign = (role: Role): boolean =>
    Array.isArray(foreignRoles) ? foreignRoles.includes(role) : config.roles[role] !== defaults.roles[role];
  return { ...config, foreignRoles: (['master', 'worker'] as const).filter(isForeign) };
}

/** The keys that say where records lie and what is sent: a repository's count only where the user agreed. */
const placeKeys: readonly string[] = ['store', 'git', 'basicMemory', 'memoryGraph'];

/** Where records lie and what is sent, as far as a configuration uses it: the same text for the same. */
export type Places =
  | { readonly store: 'file' }
  | ({ readonly store: 'git' } & Config['git'])
  | ({ readonly store: 'basic-memory' } & Config['basicMemory'])
  | ({ readonly store: 'memory-graph' } & Config['memoryGraph']);

/** What of the configuration is about places and sharing; what its store does not look at is left out. */
export function placesIn({ store, git, basicMemory, memoryGraph }: Config): Places {
  if (store === 'git') return { store, remote: git.remote, share: git.remote ? git.share : 'facts' };
  if (store === 'basic-memory') return { store, path: basicMemory.path, project: basicMemory.project };
  if (store === 'memory-graph') return { store, file: memoryGraph.file };
  return { store };
}

/** What somebody wrote: the user, and who wrote the repository. `store` is named in the environment, by the user; empty if not. */
export interface Written {
  readonly own: unknown;
  readonly repository: unknown;
  readonly store: string;
}

/**
 * The configuration where the user agreed to what the repository wants of places and sharing, and where not. Agreed: the
 * repository's values win. Else the user's own stand, of the repository's those count that are not about places, and only where
 * the user said nothing. A repository never has fewer handoffs kept than the user: what is over goes for good.
 */
export function layered({ own, repository, store }: Written): { agreed: Config; otherwise: Config } {
  const harmless = isRecord(repository)
    ? Object.fromEntries(Object.entries(repository).filter(([key]) => !placeKeys.includes(key)))
    : undefined;
  const mine = resolveConfig(own).config;
  const named = (config: Config): Config => {
    const foreignRoles = (['master', 'worker'] as const).filter(
      (role) => config.roles[role] !== mine.roles[role],
    );
    const keep = Math.max(config.handoff.keep, mine.handoff.keep);
    return {
      ...config,
      handoff: { ...config.handoff, keep },
      foreignRoles,
      store: store ? resolveConfig({ store }, config).config.store : config.store,
    };
  };
  return {
    agreed: named(resolveConfig(repository, mine).config),
    otherwise: named(resolveConfig(own, resolveConfig(harmless).config).config),
  };
}
