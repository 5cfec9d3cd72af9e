/** Clones of one bare remote, each as if it were on a machine of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { observerOf } from '../../src/compose.ts';
import { type Config, resolveConfig } from '../../src/core/config.ts';
import type { Roster } from '../../src/core/election.ts';
import type { Birth, Domain, Presence } from '../../src/core/member.ts';
import { blankSight } from '../../src/core/notebook.ts';
import type { Store } from '../../src/core/store.ts';
import { survey } from '../../src/flows/survey.ts';
import { startOf, thisDomain } from '../../src/io/processes.ts';
import { locateScope } from '../../src/io/scope.ts';
import { sync } from '../../src/stores/git/sync.ts';
import type { SyncReport } from '../../src/stores/git/sync-report.ts';
import { gitStore } from '../../src/stores/git-store.ts';
import type { Site } from '../../src/stores/open.ts';
import { commandPath } from '../cli/command.ts';
import { birth, presence } from '../support/records.ts';
import { contentsBelow, filesBelow, git, scratch, write } from '../support/scratch.ts';
import { writeOwnConfig } from '../support/trust.ts';

/** Another machine than this one: nobody here can see its processes. */
export const elsewhere = (name: string): Domain => ({
  host: `host-of-${name}`,
  boot: 'boot',
  namespace: 'ns',
});
const here = thisDomain();

export interface Machine {
  readonly name: string;
  readonly root: string;
  readonly place: string;
  readonly coord: string;
  readonly env: NodeJS.ProcessEnv;
  site(): Site;
  store(): Store;
  /** Configures the store anew. */
  configure(written: Record<string, unknown>): void;
  /** A member whose process lives in this test, or that of another domain. */
  join(id: string, more?: Partial<Birth>, told?: Partial<Presence>): Promise<number>;
  sync(limitMs?: number): Promise<SyncReport>;
  /** The command as it ships, in a process of its own. */
  command(
    env?: Record<string, string>,
    through?: readonly string[],
  ): Promise<{ code: number | null; report: SyncReport }>;
  /** Who has which number. */
  numbers(): Promise<Record<number, string>>;
  roster(): Promise<Roster>;
  /** What the user has: everything but our state. */
  untouched(): unknown;
}

export interface Fleet {
  readonly base: string;
  readonly remote: string;
  clone(name: string): Machine;
}

export const livingProcess = { pid: process.pid, start: startOf(process.pid)!, domain: here };

function machine(fleet: { base: string; remote: string }, name: string): Machine {
  const root = join(fleet.base, name, 'shop');
  const home = join(fleet.base, name, 'home');
  mkdirSync(home, { recursive: true });
  git(fleet.base, 'clone', '-q', fleet.remote, root);
  const place = join(root, '.git', 'flowloom');
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1' };
  let config: Config;
  const made: Machine = {
    name,
    root,
    place,
    coord: join(place, 'coord.git'),
    env,
    site: () => ({ place, scope: locateScope(root), config, env }),
    store: () => gitStore(made.site()),
    configure(written) {
      config = resolveConfig({ store: 'git', ...written }).config;
      writeOwnConfig(home, { store: 'git', ...written });
    },
    async join(id, more = {}, told = {}) {
      const store = made.store();
      const seq = await store.join(
        birth(id, { process: livingProcess, joinedAt: new Date().toISOString(), ...more }),
        0,
      );
      await store.announce(id, presence({ name: id, ...told }));
      return seq;
    },
    sync: (limitMs) => sync(made.site(), limitMs),
    async command(more = {}, through = []) {
      const { code, stdout, stderr } = await runCommand(
        { ...made, env: { ...env, ...more } },
        ['sync', '--json'],
        through,
      );
      if (!stdout) throw new Error(`sync in ${name} printed nothing: ${stderr}`);
      return { code, report: JSON.parse(stdout) as SyncReport };
    },
    async numbers() {
      const store = made.store();
      const found: Record<number, string> = {};
      for (const seq of (await store.numbers()).above) found[seq] = (await store.birth(seq))?.id ?? '';
      return found;
    },
    async roster() {
      return (await survey(made.store(), observerOf(here, 8), blankSight)).roster;
    },
    untouched: () => ({
      status: git(root, 'status', '--porcelain=v2', '--branch'),
      refs: git(root, 'for-each-ref'),
      log: git(root, 'log', '--all', '--format=%H'),
      objects: git(root, 'count-objects', '-v'),
      fsck: git(root, 'fsck'),
      index: readFileSync(join(root, '.git', 'index'), 'latin1'),
      files: filesBelow(root).filter((file) => !file.startsWith('.git/flowloom/')),
      git: Object.entries(contentsBelow(join(root, '.git'))).filter(
        ([file]) => !file.startsWith('flowloom/'),
      ),
    }),
  };
  made.configure({ git: { remote: 'origin' } });
  // What git writes into the index when it is first asked is not our doing.
  git(root, 'status');
  return made;
}

/** A bare remote with one commit, and clones of it. */
export function fleet(format = 'sha1'): Fleet {
  const base = scratch('fleet');
  const remote = join(base, 'remote.git');
  git(base, 'init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, remote);
  const seed = join(base, 'seed');
  git(base, 'init', '-q', '-b', 'main', `--object-format=${format}`, seed);
  write(join(seed, 'README.md'), 'A shop.\n');
  git(seed, 'add', '.');
  git(seed, 'commit', '-q', '-m', 'Open the shop');
  git(seed, 'push', '-q', remote, 'main');
  const made = { base, remote };
  return { ...made, clone: (name) => machine(made, name) };
}

/** Syncs all of them, in turn, until nobody has anything left to say. */
export async function settle(machines: readonly Machine[]): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const reports: SyncReport[] = [];
    for (const one of machines) reports.push(await one.sync());
    if (
      reports.every(
        ({ outcome, sent, received, removed }) => outcome === 'synced' && sent + received + removed === 0,
      )
    )
      return;
  }
  throw new Error('they do not settle');
}

/** Everything that the remote holds of ours, as text. */
export function held(remote: string): string {
  const all = git(
    remote,
    'cat-file',
    '--batch-all-objects',
    '--batch-check=%(objectname) %(objecttype)',
  ).split('\n');
  return all
    .filter((line) => line.endsWith(' commit') || line.endsWith(' blob'))
    .map((line) => git(remote, 'cat-file', '-p', line.split(' ')[0]!))
    .join('\n');
}

/** Runs a command of ours in a clone, as a person does. */
export async function runCommand(
  { root, env }: Machine,
  args: readonly string[],
  through: readonly string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program, ...rest] = [...through, process.execPath, commandPath, '-C', root, ...args];
  const child = spawn(program!, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/** Waits until no process that a hook started syncs here any more. */
export async function quiet(place: string): Promise<void> {
  const isAtWork = (): boolean =>
    readdirSync('/proc').some((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('git-sync.cjs') && command.includes(place);
      } catch {
        return false;
      }
    });
  await expect.poll(isAtWork, { timeout: 90_000, interval: 50 }).toBe(false);
}
