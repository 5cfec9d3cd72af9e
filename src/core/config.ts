/** The configuration: its keys, defaults and the check of what somebody wrote. Where it is read from is `src/config`. */

import type { StoreKind } from './store.ts';

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

/** Takes every good value and the default for the rest; each unknown key and bad value is a problem. Never throws. */
export function resolveConfig(written: unknown): { config: Config; problems: ConfigProblem[] } {
  const config: Record<string, unknown> = { ...defaults };
  for (const group of groups) config[group] = { ...defaults[group] };
  const problems: ConfigProblem[] = [];
  const take = (value: unknown, target: Record<string, unknown>, prefix: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.push({ key: prefix.slice(0, -1) || '(the whole file)', expected: 'an object' });
      return;
    }
    for (const [name, entry] of Object.entries(value)) {
      const key = prefix + name;
      // Mostly it is the default, and good.
      if (entry === target[name] && Object.hasOwn(target, name)) continue;
      if (prefix === '' && (groups as readonly string[]).includes(name))
        take(entry, target[name] as Record<string, unknown>, `${name}.`);
      else if (!Object.hasOwn(checks, key)) problems.push({ key, expected: 'no such key' });
      else if (!checks[key]!.ok(entry)) problems.push({ key, expected: checks[key]!.expected });
      else target[name] = entry;
    }
  };
  if (written !== undefined && written !== null) take(written, config, '');
  return { config: config as unknown as Config, problems };
}
