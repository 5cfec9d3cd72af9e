/** What keeps hooks that are installed from running: what Claude Code makes of all settings files in play. Reads, and changes nothing. */
import { join } from 'node:path';
import { type Dislike, judgeSettings } from '../src/claude/judge-settings.ts';
import { managedDirectory, managedFiles, readSettingsFile } from '../src/claude/read-settings.ts';
import { isOurs } from '../src/claude/settings.ts';
import { type FileInPlay, type Silence, silencesIn } from '../src/claude/settings-in-play.ts';
import { locateScope } from '../src/io/scope.ts';
import { otherTargets, type Place, type Scope, type Target } from './target.ts';

export type Obstacle =
  /** Claude Code skips the file that names our hooks. */
  | { code: 'file-skipped'; file: string; dislikes: readonly Dislike[] }
  /** It is larger than Claude Code reads. */
  | { code: 'file-too-large'; file: string }
  /** A file of the administrator is no JSON object, and Claude Code does not start. */
  | { code: 'client-refuses'; file: string }
  /** A settings file keeps hooks from running. */
  | { code: 'silenced'; silence: Silence; managed: boolean };

/** All of them, for hooks that `text` names in the settings file of `target`. */
export function obstaclesFor(
  place: Place & { managedRoot?: string },
  target: Target,
  text: string,
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const inPlay: FileInPlay[] = [];
  const own = judgeSettings(text);
  if (own.kind === 'skipped')
    obstacles.push({ code: 'file-skipped', file: target.settingsFile, dislikes: own.dislikes });
  if (own.kind === 'unread') obstacles.push({ code: 'file-too-large', file: target.settingsFile });
  for (const { scope, file } of filesInPlay(place, target)) {
    if (file === target.settingsFile) {
      if (own.kind === 'read') inPlay.push({ scope, file, value: own.value });
      continue;
    }
    const reading = readSettingsFile(file, scope);
    if (reading.kind !== 'judged') continue;
    if (reading.verdict.kind === 'read') inPlay.push({ scope, file, value: reading.verdict.value });
    else if (scope === 'managed') obstacles.push({ code: 'client-refuses', file });
  }
  const managedOnes = inPlay.some(({ scope, value }) => scope === 'managed' && wiresOurs(value.hooks));
  for (const silence of silencesIn(inPlay)) {
    if (silence.managedRun && managedOnes) continue;
    const managed = inPlay.some(({ file, scope }) => scope === 'managed' && file === silence.file);
    obstacles.push({ code: 'silenced', silence, managed });
  }
  return obstacles;
}

/** The strongest last. Which project a user's hooks will run in is not known, so then only the user's file and the managed ones. */
function filesInPlay(
  place: Place & { managedRoot?: string },
  target: Target,
): { scope: FileInPlay['scope']; file: string }[] {
  const targets = target.scope === 'user' ? [target] : [target, ...otherTargets(place)];
  const of = (scope: Scope) =>
    targets.filter((one) => one.scope === scope).map(({ settingsFile }) => settingsFile);
  return [
    ...of('user').map((file) => ({ scope: 'user' as const, file })),
    ...of('project').map((file) => ({ scope: 'project' as const, file })),
    ...[...mainLocal(target), ...of('local')].map((file) => ({ scope: 'local' as const, file })),
    ...managedFiles(place.managedRoot ?? managedDirectory()).map((file) => ({
      scope: 'managed' as const,
      file,
    })),
  ];
}

/** In a linked work tree the local settings of the main one are read too. */
function mainLocal(target: Target): string[] {
  if (target.scope === 'user') return [];
  try {
    const { commonDir, gitDir, root } = locateScope(target.root);
    return commonDir !== gitDir ? [join(root, '.claude', 'settings.local.json')] : [];
  } catch {
    // All is installed by now: what cannot be asked is no reason to fail.
    return [];
  }
}

const wiresOurs = (value: unknown): boolean =>
  isOurs(value) || (typeof value === 'object' && value !== null && Object.values(value).some(wiresOurs));
