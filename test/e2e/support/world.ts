import type { SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliPath, findClient } from './client.ts';
import { type HeadlessRun, runHeadless } from './headless.ts';
import { until } from './processes.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { type StubApi, startStubApi } from './stub-api.ts';
import { openTerminals, type Terminal, type Terminals } from './terminal.ts';
import { readHookNotes } from './transcripts.ts';

/** Everything a scenario works with: the stub, a scratch repository, real sessions, and the command line of the product. */
export type World = {
  readonly api: StubApi;
  readonly scratch: Scratch;
  readonly terminals: Terminals;
  /** Installs the hooks with the product's own command. */
  install(scope: InstallScope): void;
  /** Runs the product's command line in a folder, the repository unless told. Never throws. */
  flowloom(args: string[], folder?: string): SpawnSyncReturns<string>;
  /** The same for a command that prints JSON; throws when it fails or prints something else. */
  json<T>(args: string[], folder?: string): T;
  status(folder?: string): Status;
  /** The live members, highest seq first. */
  roster(folder?: string): Member[];
  /** Starts an interactive session and waits until it is on the roster. */
  join(options?: { cwd?: string; args?: string[]; env?: Record<string, string> }): Promise<Terminal>;
  /** Runs `claude -p` to its end. */
  headless(prompt: string, options?: { cwd?: string; args?: string[] }): Promise<HeadlessRun>;
};

export type InstallScope = 'project' | 'local' | 'user';

type Status = {
  scope: { root: string; store: string; state: string };
  master: string | null;
  epoch: number;
  members: Member[];
  degraded: null | { from: string; to: string; reason: string };
};

type Member = {
  id: string;
  seq: number;
  role: 'master' | 'worker';
  liveness: 'alive' | 'dead' | 'unknown';
  name: string;
  sessionId: string;
  pid: number;
  cwd: string;
  branch: string;
  attended: boolean;
};

const client = findClient();

/** A group of scenarios; skipped as a whole without the client. */
export const scenarios = (name: string, body: () => void) => describe.skipIf(!client.found)(name, body);

/**
 * One scenario in a world of its own. After the story every scenario holds the hooks to the same account: no failure of
 * a hook on any screen or in the client's own notes, and no text over its budget.
 */
export function scenario(
  name: string,
  story: (world: World) => Promise<void>,
  options: { account?: (world: World) => void; folder?: string } = {},
): void {
  it(name, async () => {
    if (!client.found) return;
    const api = await startStubApi();
    const scratch = createScratch(api, options.folder);
    writeUserSettings(scratch.home);
    const world = createWorld(client.path, api, scratch);
    try {
      await story(world);
      await world.terminals.close();
      (options.account ?? holdToAccount)(world);
    } catch (error) {
      console.error(`The world of "${name}":\n${describeWorld(world)}`);
      throw error;
    } finally {
      await world.terminals.close();
      await scratch.dispose();
      await api.close();
    }
  });
}

/**
 * Nobody is there to be asked, so what the scenarios do is allowed beforehand. The client's own default, auto mode, asks
 * a server about tool calls, and asks the person whether it may become the default.
 */
function writeUserSettings(home: string): void {
  const settings = {
    permissions: { defaultMode: 'acceptEdits', disableAutoMode: 'disable', allow: ['Bash', 'Write'] },
  };
  mkdirSync(join(home, '.claude'), { recursive: true });
  writeFileSync(join(home, '.claude', 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);
}

function createWorld(clientPath: string, api: StubApi, scratch: Scratch): World {
  const terminals = openTerminals(clientPath, scratch, api);
  const world: World = {
    api,
    scratch,
    terminals,
    install(scope) {
      const run = world.flowloom(['install', '--scope', scope]);
      expect(run.status, `install: ${run.stdout}${run.stderr}`).toBe(0);
    },
    flowloom: (args, folder) => scratch.node([cliPath, ...args], folder),
    json<T>(args: string[], folder?: string) {
      const run = world.flowloom([...args, '--json'], folder);
      expect(run.status, `${args.join(' ')}: ${run.stdout}${run.stderr}`).toBe(0);
      return JSON.parse(run.stdout) as T;
    },
    status: (folder) => world.json<Status>(['status'], folder),
    roster: (folder) => world.status(folder).members.filter((member) => member.liveness === 'alive'),
    async join(options = {}) {
      const terminal = await terminals.start(options);
      await until(
        () => world.roster(options.cwd).some((member) => member.pid === terminal.pid),
        () => `process ${terminal.pid} on the roster:\n${JSON.stringify(world.status(options.cwd), null, 2)}`,
      );
      return terminal;
    },
    headless: (prompt, options) => runHeadless(clientPath, scratch, prompt, options),
  };
  return world;
}

/** The budgets of the protocol, in characters: 40 tokens a line, 400 without and 1,500 tokens with a handoff. */
const budgets = { promptLine: 160, sessionStart: 1600, sessionStartWithHandoff: 6000 };

function holdToAccount(world: World): void {
  expect(complaints(world), 'what the person saw of failing hooks').toEqual([]);
  const { contexts } = readHookNotes(world.scratch.home);
  expect(contexts.length, 'texts given by hooks').toBeGreaterThan(0);
  const briefed = new Set<string>();
  for (const { event, sessionId, text } of contexts) {
    // A session that joins late is told at a prompt what others are told at their start.
    if (event === 'SessionStart' || !briefed.has(sessionId)) {
      const budget = /^Handoff from/m.test(text) ? budgets.sessionStartWithHandoff : budgets.sessionStart;
      expect(text.length, `the text at a session start: ${text}`).toBeLessThanOrEqual(budget);
    } else if (event === 'UserPromptSubmit') {
      const lines = text.trimEnd().split('\n');
      expect(lines[0]!.length, `the line at a prompt: ${lines[0]}`).toBeLessThanOrEqual(budgets.promptLine);
      expect(lines.length, `one line, and one more for a change: ${text}`).toBeLessThanOrEqual(2);
    }
    briefed.add(sessionId);
  }
}

/** How this version of the client tells a person that a hook failed, was cancelled, or printed something unreadable. */
const complaint = /hook (failed|error|problem)|failed: Hook cancelled|Hook cancelled|hook.*timed out/i;

/** Failures of hooks that a person would have seen, from the screens and from the client's notes. */
export function complaints(world: World): string[] {
  const onScreen = world.terminals
    .shown()
    .flatMap((screen) => screen.split('\n'))
    .filter((line) => complaint.test(line))
    .map((line) => line.trim());
  return [...new Set([...onScreen, ...readHookNotes(world.scratch.home).failures])];
}

/** What one needs to understand a failed scenario: the roster, the last screens, what hooks told, and the log. */
function describeWorld(world: World): string {
  const told = readHookNotes(world.scratch.home).contexts.map(
    ({ event, sessionId, text }) => `[${sessionId.slice(0, 8)}] ${event}: ${text}`,
  );
  const status = world.flowloom(['status', '--json']);
  return [
    `status: ${status.stdout}${status.stderr}`,
    `screens:\n${world.terminals.shown().slice(-3).join('\n---\n')}`,
    `told:\n${told.join('\n')}`,
    ...logFiles(join(world.scratch.repository, '.git')),
  ].join('\n\n');
}

function logFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.includes('flowloom') && /\.log$|log\.jsonl$/.test(file))
    .map((file) => `${file}:\n${readFileSync(join(folder, file), 'utf8').slice(-4000)}`);
}
