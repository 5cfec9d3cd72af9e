import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { processesWith, processStart, until } from './processes.ts';
import type { StubApi } from './stub-api.ts';

/**
 * A world of its own for one scenario: a HOME, a git repository and an environment that hold nothing of the machine the
 * tests run on. `dispose` removes it all and ends only processes that were handed to `owns`.
 */
export type Scratch = {
  readonly root: string;
  readonly home: string;
  /** A git repository with one commit on `main`. */
  readonly repository: string;
  /** The whole environment of everything that is started in here. */
  readonly env: Readonly<Record<string, string>>;
  /** Says yes to the client's trust question for a folder, before a session starts there. */
  trust(folder: string): void;
  git(...args: string[]): string;
  gitIn(folder: string, ...args: string[]): string;
  /** Runs a node script in a folder (the repository unless told) with `env`. Never throws. */
  node(args: string[], folder?: string): SpawnSyncReturns<string>;
  /** Remembers a process this scenario started, to be ended by `dispose` when it still runs. */
  owns(pid: number): void;
  dispose(): Promise<void>;
};

/** The key is never sent anywhere but to the stub. The client asks about the last 20 characters of a new key. */
const dummyKey = 'sk-ant-dummy-key-for-the-stub-on-loopback';

export function createScratch(api: StubApi, folder = 'shop'): Scratch {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'flowloom-e2e-')));
  const home = join(root, 'home');
  const repository = join(root, folder);
  const trusted = new Set<string>();
  const started = new Map<number, string | null>();
  const tmp = join(root, 'tmp');
  for (const folder of [home, repository, tmp]) mkdirSync(folder, { recursive: true });

  const env: Record<string, string> = {
    HOME: home,
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    // The client's own sockets and task files would otherwise lie in a folder shared with other sessions of the user.
    TMPDIR: tmp,
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: dummyKey,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    GIT_AUTHOR_NAME: 'Dev',
    GIT_AUTHOR_EMAIL: 'dev@example.com',
    GIT_COMMITTER_NAME: 'Dev',
    GIT_COMMITTER_EMAIL: 'dev@example.com',
    GIT_CONFIG_NOSYSTEM: '1',
  };

  const gitIn = (folder: string, ...args: string[]) =>
    execFileSync('git', args, {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();

  const scratch: Scratch = {
    root,
    home,
    repository,
    env,
    trust(folder) {
      trusted.add(folder);
      writeClientState(home, trusted);
    },
    git: (...args) => gitIn(repository, ...args),
    gitIn,
    node: (args, folder = repository) =>
      spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8', input: '' }),
    owns(pid) {
      started.set(pid, processStart(pid));
    },
    async dispose() {
      for (const [pid, start] of started) {
        // The number may have gone to another process since: only the one that was handed in is ended.
        if (start !== null && processStart(pid) === start) process.kill(pid, 'SIGKILL');
      }
      await endService(home);
      // A client that is just ending may still write, which makes a removal fail once.
      rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };

  scratch.trust(repository);
  scratch.git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repository, 'README.md'), '# Shop\n');
  mkdirSync(join(repository, 'web'));
  writeFileSync(join(repository, 'web', 'index.html'), '<h1>Shop</h1>\n');
  scratch.git('add', '.');
  scratch.git('commit', '--quiet', '-m', 'Begin');
  return scratch;
}

/**
 * The client's background service outlives the session that started it, and starts processes of its own. They are told by their
 * HOME, which is nobody else's, and keep their sockets in a directory that their command lines name.
 */
async function endService(home: string): Promise<void> {
  const places = new Set<string>();
  const end = (): boolean => {
    const left = processesWith('HOME', home);
    for (const { pid, command } of left) {
      const place = /\/\S*\/cc-daemon-\d+\/[0-9a-f]{8}(?=\/)/.exec(command)?.[0];
      if (place) places.add(place);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    return left.length === 0;
  };
  await until(end, `the end of everything that runs with HOME=${home}`);
  for (const place of places) rmSync(place, { recursive: true, force: true });
}

/** Only before the first session: once the client runs, the file is the client's. */
function writeClientState(home: string, trusted: Set<string>): void {
  const file = join(home, '.claude.json');
  if (existsSync(join(home, '.claude', 'sessions')))
    throw new Error('Trust folders before the first session.');
  const projects = Object.fromEntries([...trusted].map((folder) => [folder, trust]));
  const state = {
    hasCompletedOnboarding: true,
    theme: 'dark',
    customApiKeyResponses: { approved: [dummyKey.slice(-20)], rejected: [] },
    projects,
  };
  writeFileSync(file, JSON.stringify(state, null, 2));
}

const trust = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
