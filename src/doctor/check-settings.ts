/** What the settings say: are our hooks wired, does the client read that, does anything silence them, do they run twice? */
import type { Dislike } from '../claude/judge-settings.ts';
import { wiredHooks } from '../claude/settings.ts';
import { isSwitchedOn, silencesIn, silencingVariables } from '../claude/settings-in-play.ts';
import { asObject } from '../io/read-capped.ts';
import type { Scope } from '../io/scope.ts';
import { type Finding, finding } from './finding.ts';
import type { Entry, SettingsFacts, SettingsFile } from './settings-files.ts';

/** Every file, and then what follows from all of them for a session that starts in `directory`. */
export function judgeSettings(facts: SettingsFacts, scope: Scope, directory: string): Finding[] {
  const findings = [...facts.managed, ...facts.files].flatMap(judgeFile);
  const { installations, plugin } = facts;
  if (plugin) findings.push(finding('ok', 'settings-plugin', { file: plugin }));
  return [
    ...findings,
    ...judgeReach(facts, scope, directory),
    ...(installations.length === 0 && !plugin && !mainOnly(facts) && facts.files.every(isRead)
      ? [finding('error', 'settings-missing', { directory: scope.worktree })]
      : []),
  ];
}

/** Of a file that is not, nobody can say whether it names the hooks; that is told already. */
const isRead = ({ state }: SettingsFile): boolean => state === 'absent' || state === 'read';

function judgeFile(settings: SettingsFile): Finding[] {
  const { label: scope, file, state, line, reason, entries, dislikes } = settings;
  if (state === 'absent') return [finding('ok', 'settings-absent', { scope, file })];
  if (state === 'relaxed') return [finding('error', 'settings-relaxed', { scope, file, line })];
  if (state === 'broken') return [finding('error', 'settings-broken', { scope, file, line })];
  if (state === 'unreadable') return [finding('error', 'settings-unreadable', { scope, file, reason })];
  if (state === 'refused') return [finding('error', 'settings-refused', { file, line })];
  if (state === 'skipped') return [finding('error', 'settings-skipped', { scope, file, dislikes })];
  const problems = [...judgeEntries(scope, file, entries), ...judgeOwnDislikes(settings)];
  return [
    ...(problems.length > 0
      ? problems
      : [finding('ok', 'settings-fine', { scope, file, hooks: entries.length })]),
    ...judgeOtherDislikes(settings),
  ];
}

const judgeOwnDislikes = ({ label: scope, file, ownDislikes }: SettingsFile): Finding[] =>
  ownDislikes.length > 0
    ? [finding('warning', 'settings-dropped', { scope, file, dislikes: ownDislikes })]
    : [];

/** Entries of others, which are none of our business: told, and nothing to be done for us. */
function judgeOtherDislikes({ file, dislikes, ownDislikes }: SettingsFile): Finding[] {
  const others: readonly Dislike[] = dislikes.filter((dislike) => !ownDislikes.includes(dislike));
  return others.length > 0 ? [finding('info', 'settings-ignored', { file, dislikes: others })] : [];
}

function judgeEntries(scope: string, file: string, entries: readonly Entry[]): Finding[] {
  const findings: Finding[] = [];
  const events = entries.map(({ event }) => event);
  const missing = wiredHooks.map(({ event }) => event).filter((event) => !events.includes(event));
  if (entries.length > 0 && missing.length > 0)
    findings.push(finding('warning', 'settings-partial', { scope, file, missing }));
  const repeated = [...new Set(events.filter((event, index) => events.indexOf(event) !== index))];
  if (repeated.length > 0)
    findings.push(finding('warning', 'settings-repeated', { scope, file, events: repeated }));
  for (const { event, matcher, edited } of entries) {
    if (matcher !== null) findings.push(finding('warning', 'settings-matcher', { file, event, matcher }));
    if (edited.length === 0) continue;
    // An asynchronous hook is killed with its session and its text reaches nobody; the rest is a matter of taste.
    const severity = edited.includes('async') || edited.includes('event') ? 'warning' : 'info';
    findings.push(finding(severity, 'settings-edited', { file, event, keys: edited }));
  }
  return findings;
}

/** The main work tree has the project's hooks, this one has none at all. */
const mainOnly = ({ installations, plugin, mainProject }: SettingsFacts): boolean =>
  installations.length === 0 && !plugin && (mainProject?.entries.length ?? 0) > 0;

/** Project settings do not reach subdirectories, and reach other work trees and clones only through a commit. */
function judgeReach(facts: SettingsFacts, scope: Scope, directory: string): Finding[] {
  const findings: Finding[] = [];
  const { installations, committed, mainProject } = facts;
  const project = installations.find((one) => one.scope === 'project');
  if (project && directory !== scope.worktree && installations.every((one) => one.scope === 'project'))
    findings.push(
      finding('info', 'settings-subdirectory', { directory, root: scope.worktree, file: project.settings }),
    );
  if (mainProject?.entries.length && !project)
    findings.push(
      finding(mainOnly(facts) ? 'error' : 'info', 'settings-worktree', {
        worktree: scope.worktree,
        file: mainProject.file,
      }),
    );
  if (project && committed?.settings && !committed.scripts)
    findings.push(finding('warning', 'settings-scripts-uncommitted', { directory: project.directory }));
  else if (project && committed && !committed.settings)
    findings.push(finding('info', 'settings-uncommitted', { file: project.settings }));
  return findings;
}

/** Everything that keeps wired hooks from running. */
export function judgeSilence(facts: SettingsFacts, env: NodeJS.ProcessEnv): Finding[] {
  const findings: Finding[] = [];
  const files = [...facts.files, ...facts.managed].filter(({ state }) => state === 'read');
  const managedOnes = facts.managed.some(({ entries }) => entries.length > 0);
  for (const { file, key, variable, managedRun } of silencesIn(files)) {
    if (managedRun && managedOnes) continue;
    if (variable !== null) findings.push(finding('error', 'silenced-variable', { file, variable }));
    else if (facts.managed.some((one) => one.file === file))
      findings.push(finding('error', 'silenced-managed', { file, key }));
    else findings.push(finding('error', 'silenced-disabled', { file }));
  }
  for (const variable of silencingVariables)
    if (isSwitchedOn(env[variable])) findings.push(finding('warning', 'silenced-client', { variable }));
  for (const { file, value } of [...facts.managed, ...facts.files])
    if (asObject(value.env)?.FLOWLOOM === 'off')
      findings.push(finding('error', 'silenced-environment', { file }));
  if (env.FLOWLOOM === 'off') findings.push(finding('warning', 'silenced-shell', {}));
  return findings.length > 0 ? findings : [finding('ok', 'silenced-no', {})];
}

/** Two files that name the same script run it once; two copies of the scripts run both. */
export function judgeDoubles({ installations, plugin }: SettingsFacts): Finding[] {
  const copies = [...new Map(installations.map((one) => [one.directory, one])).values()];
  const scopes = copies.map(({ scope }) => scope);
  const files = copies.map(({ settings }) => settings);
  const findings: Finding[] = [];
  if (copies.length > 1) findings.push(finding('warning', 'double-scopes', { scopes, files }));
  if (plugin && copies.length > 0)
    findings.push(finding('warning', 'double-plugin', { file: plugin, files }));
  if (findings.length > 0 || (copies.length === 0 && !plugin)) return findings;
  return [finding('ok', 'double-no', {})];
}
