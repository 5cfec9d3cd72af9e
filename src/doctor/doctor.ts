/** The diagnosis: every check in the order in which one would look for the cause, none able to stop another. */
import fs from 'node:fs';
import { resolve } from 'node:path';
import { managedDirectory } from '../claude/read-settings.ts';
import { logDirectories, type Surroundings, surroundings } from '../compose.ts';
import { configOf } from '../config/find.ts';
import type { LoadedConfig } from '../config/load.ts';
import { messageOf } from '../core/message-of.ts';
import { wishFrom, wishText } from '../messages/consent.ts';
import { checkLog, checkSession, judgeReceipts, newestBeat, newestReceipts } from './check-activity.ts';
import { checkConfiguredStore } from './check-configured-store.ts';
import { checkGate } from './check-gate.ts';
import { checkClient, checkGit, checkNode } from './check-programs.ts';
import { checkScripts } from './check-scripts.ts';
import { checkServer } from './check-server.ts';
import { judgeDoubles, judgeSettings, judgeSilence } from './check-settings.ts';
import { judgeClock, judgeMoved, judgeStore } from './check-store.ts';
import { checkTrust } from './check-trust.ts';
import { type Finding, finding } from './finding.ts';
import { gatherSettings } from './settings-files.ts';
import { gatherPlace } from './store-facts.ts';

export { exitCodeOf, type Finding, type FindingCode, type Severity, worstOf } from './finding.ts';
export { isMendable, type Mend, mend } from './mend.ts';
export { jsonOf, renderFindings, renderMends } from './report.ts';

export interface DoctorRequest {
  /** Where sessions are started that should work. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of this command; installed scripts are compared with it. */
  readonly version: string;
  /** The directory with the compiled hooks of this version. */
  readonly hooksSource: string;
  /** Directory of the administrator's settings, where it is not the client's own. */
  readonly managedRoot?: string;
}

/**
 * Looks at everything that has to be right for sessions in this directory to coordinate, and changes nothing. Never throws: a check
 * that fails becomes a finding. Every program it runs and every file it reads is limited.
 */
export async function diagnose(request: DoctorRequest): Promise<Finding[]> {
  const { env, hooksSource, managedRoot = managedDirectory() } = request;
  const directory = realDirectory(request.directory);
  if (!directory) return [finding('error', 'directory-missing', { directory: resolve(request.directory) })];

  const now = Date.now();
  const logged = async (): Promise<Finding[]> => checkLog(logDirectories(directory, env), now);
  let around: Surroundings;
  try {
    around = surroundings(directory, env);
  } catch (cause) {
    // Of a directory that cannot even be asked there is nothing else to check.
    return [
      finding('error', 'check-failed', { check: 'git', reason: messageOf(cause) }),
      ...(await logged()),
    ];
  }
  const { scope } = around;
  const config = once(() => configOf(scope, env));
  const settings = once(async () => gatherSettings(scope, env, managedRoot));
  const places = once(async () => {
    const { leaseHours } = (await config()).config;
    return Promise.all(around.places.map((place) => gatherPlace(place, leaseHours)));
  });

  const checks: readonly [name: string, check: () => Promise<Finding[]>][] = [
    ['node', () => checkNode({ directory, env })],
    ['client', () => checkClient({ directory, env })],
    ['git', async () => checkGit(scope)],
    ['settings', async () => judgeSettings(await settings(), scope, directory)],
    ['silenced', async () => judgeSilence(await settings(), env)],
    ['scripts', async () => checkScripts((await settings()).installations, request, scope.worktree)],
    ['mcp', async () => checkServer(scope.worktree, (await settings()).files, env, hooksSource)],
    ['double', async () => judgeDoubles(await settings())],
    ['trust', async () => checkTrust(directory, env)],
    ['config', async () => judgeConfig(await config())],
    ['consent', async () => judgeConsent(await config())],
    ['store', async () => judgeStore(await places(), now)],
    ['store', async () => checkConfiguredStore(around, (await config()).config, env)],
    ['store', async () => judgeMoved((await settings()).files, env)],
    ['clock', async () => judgeClock(await places(), now)],
    ['gate', async () => checkGate(await settings(), { directory, env })],
    [
      'hook',
      async () =>
        judgeReceipts(newestReceipts(await places()), newestBeat(await places()), await settings(), now),
    ],
    ['log', logged],
    ['session', async () => checkSession(await places(), env)],
  ];
  const findings: Finding[] = [];
  // One after the other: programs that run at the same time would spoil the time that git is measured by.
  for (const [check, run] of checks) {
    try {
      findings.push(...(await run()));
    } catch (cause) {
      findings.push(finding('warning', 'check-failed', { check, reason: messageOf(cause) }));
    }
  }
  return findings;
}

function judgeConfig({ file, own, problems }: LoadedConfig): Finding[] {
  if (problems.length > 0) return problems.map((problem) => finding('warning', 'config-problem', problem));
  const files = [own, file].filter((path) => path !== null);
  return files.length > 0
    ? files.map((file) => finding('ok', 'config-ok', { file }))
    : [finding('ok', 'config-none', {})];
}

/** Not to agree is an answer too, so it is nothing to mend. */
function judgeConsent({ file, wants, agreed, config }: LoadedConfig): Finding[] {
  if (!wants) return [];
  const facts = { file: wishFrom(file, wants), wish: wishText(wants) };
  return agreed
    ? [finding('ok', 'consent-given', facts)]
    : [finding('info', 'consent-missing', { ...facts, store: config.store })];
}

function realDirectory(path: string): string | null {
  try {
    const real = fs.realpathSync(path);
    return fs.statSync(real).isDirectory() ? real : null;
  } catch {
    return null;
  }
}

/** Gathers facts when the first check asks for them; a failure is every asking check's own. */
function once<T>(gather: () => Promise<T>): () => Promise<T> {
  let facts: Promise<T> | undefined;
  return () => {
    facts ??= gather();
    return facts;
  };
}
