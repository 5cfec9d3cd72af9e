/** A scratch machine: a home, a repository, programs on a PATH of its own, client processes and hooks that really fire. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, vi } from 'vitest';
import { install } from '../../install/install.ts';
import type { Scope } from '../../install/target.ts';
import type { HookEvent } from '../../src/claude/payload.ts';
import { wiredHooks } from '../../src/claude/settings.ts';
import type { Birth } from '../../src/core/member.ts';
import { type DoctorRequest, diagnose, type Finding } from '../../src/doctor/doctor.ts';
import { thisDomain } from '../../src/io/processes.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { program, programPath } from '../support/program.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const hooksSource = join(root, 'dist/hooks');
export const version = '9.9.9';

if (!fs.existsSync(join(hooksSource, 'session-start.cjs')))
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'ignore' });

// Every hook is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 60_000 });

const real = { git: programPath('git'), sleep: programPath('sleep'), sh: programPath('sh') };

export interface World {
  readonly base: string;
  readonly home: string;
  readonly project: string;
  readonly bin: string;
  readonly managedRoot: string;
  /** Where the state of the project belongs. */
  readonly state: string;
  /** Environment of a shell in this world; tests may change it. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes a file below `base`; an object becomes JSON. Returns its path. */
  write(path: string, content: string | object): string;
  /** A program on the PATH, as the body of a shell script. */
  program(name: string, script: string): void;
  git(...args: string[]): string;
  install(scope: Scope, directory?: string): Promise<void>;
  /** A process that stands for a running client. */
  client(): ChildProcess & { pid: number };
  /** Fires an installed hook as that client would, and returns what it printed. */
  fire(event: HookEvent, client: { pid: number }, fields?: object): string;
  request(more?: Partial<DoctorRequest>): DoctorRequest;
  diagnose(more?: Partial<DoctorRequest>): Promise<Finding[]>;
}

/** Everything in it is gone after the test. */
export function createWorld(): World {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'flowloom-doctor-')));
  const [home, project, bin, managedRoot, temporary] = ['home', 'project', 'bin', 'managed', 'tmp'].map(
    (name) => {
      fs.mkdirSync(join(base, name));
      return join(base, name);
    },
  ) as [string, string, string, string, string];
  const clients: ChildProcess[] = [];
  onTestFinished(() => {
    for (const client of clients) client.kill('SIGKILL');
    vi.unstubAllEnvs();
    fs.rmSync(base, { recursive: true, force: true, maxRetries: 3 });
  });
  fs.symlinkSync(process.execPath, join(bin, 'node'));
  fs.symlinkSync(real.git, join(bin, 'git'));
  fs.symlinkSync(real.sh, join(bin, 'sh'));
  const env: NodeJS.ProcessEnv = {
    PATH: bin,
    HOME: home,
    TMPDIR: temporary,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.invalid',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.invalid',
  };
  // git and the temporary directory are asked of the process itself.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  for (const name of ['CLAUDE_CONFIG_DIR', 'CLAUDE_PID', 'FLOWLOOM', 'FLOWLOOM_STATE_DIR', 'XDG_STATE_HOME'])
    vi.stubEnv(name, undefined);

  const world: World = {
    base,
    home,
    project,
    bin,
    managedRoot,
    state: join(project, '.git/flowloom'),
    env,
    write(path, content) {
      const file = join(base, path);
      fs.mkdirSync(dirname(file), { recursive: true });
      fs.writeFileSync(file, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
      return file;
    },
    program(name, script) {
      fs.rmSync(join(bin, name), { force: true });
      program(join(bin, name), script);
    },
    git: (...args) =>
      execFileSync(real.git, args, { cwd: project, env: { ...process.env, ...env }, encoding: 'utf8' }),
    async install(scope, directory = project) {
      const report = await install({ directory, scope, env, home, hooksSource, version });
      expect(report.selfTest?.filter((check) => !check.ok)).toEqual([]);
    },
    client() {
      const client = spawn(real.sleep, ['600'], { stdio: 'ignore' });
      clients.push(client);
      return client as ChildProcess & { pid: number };
    },
    fire(event, { pid }, fields = {}) {
      const { file } = wiredHooks.find((hook) => hook.event === event)!;
      const run = spawnSync(join(bin, 'node'), [join(hooksSource, file)], {
        cwd: project,
        env: { ...env, CLAUDE_PID: String(pid), CLAUDE_PROJECT_DIR: project },
        input: JSON.stringify({
          session_id: `session-${pid}`,
          cwd: project,
          hook_event_name: event,
          ...fields,
        }),
        encoding: 'utf8',
      });
      expect(run.status).toBe(0);
      return run.stdout;
    },
    request: (more) => ({ directory: project, env, version, managedRoot, hooksSource, ...more }),
    diagnose: (more) => diagnose(world.request(more)),
  };
  world.git('init', '--quiet', '--initial-branch=main');
  world.program('claude', 'echo "2.1.330 (Claude Code)"');
  return world;
}

export interface Turn {
  prompt?: string;
}

/** One turn of a session, from its start to its stop. */
export function playTurn(
  world: World,
  client: { pid: number },
  { prompt = 'Mend the parser' }: Turn = {},
): void {
  world.fire('SessionStart', client, { source: 'startup' });
  world.fire('UserPromptSubmit', client, { prompt, prompt_id: 'prompt-1' });
  world.fire('PostToolBatch', client, { tool_calls: [{ tool_use_id: 'tool-1', tool_name: 'Read' }] });
  world.fire('PostCompact', client, { compact_summary: 'The parser is half mended.' });
  world.fire('Stop', client, { last_assistant_message: 'Done.' });
}

/** Files births of processes that are no more. */
export async function addGhosts(place: string, count: number, fields: Partial<Birth> = {}): Promise<void> {
  for (let index = 0; index < count; index++) await fileStore(place).join({ ...ghost(index), ...fields }, 0);
}

const ghost = (index: number): Birth => ({
  version: 1,
  id: `ghost-${index}`,
  process: { pid: 4_000_000 + index, start: '1', domain: thisDomain() },
  host: 'here',
  candidacy: 'eligible',
  attended: true,
  cause: 'startup',
  joinedAt: new Date().toISOString(),
});
