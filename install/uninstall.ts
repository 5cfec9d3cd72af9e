/** Uninstalls the hooks: settings first, scripts last, so that no hook ever points to a missing script. */
import { diffLines } from './diff.ts';
import { discardAll, isSymlink, readText, removeFile, stageAll } from './disk.ts';
import { InstallError } from './error.ts';
import type { Manifest } from './manifest.ts';
import { type Plan, planRemoval } from './plan.ts';
import type { UninstallReport } from './report.ts';
import { planScriptsRemoval, readManifest, removeScripts, type ScriptsRemoval } from './scripts.ts';
import { type Place, resolveTarget, type Target } from './target.ts';

export interface UninstallRequest extends Place {
  /** Plan and report, but remove nothing. */
  dryRun?: boolean;
}

export interface PreparedRemoval {
  target: Target;
  /** The settings file as it was read. */
  text: string | null;
  manifest: Manifest | null;
  settings: Plan;
  scripts: ScriptsRemoval;
}

/**
 * Takes our entries out of the settings of a scope and removes the scripts. Unless the settings were edited since
 * install, the file is again what it was before, byte for byte. Edited scripts and foreign files stay. Not being
 * installed is no error: see `installed` in the report.
 *
 * Throws InstallError when it cannot be done: with the settings file untouched, or free of our entries when only the
 * scripts could not be removed. It can be called again then.
 */
export function uninstall(request: UninstallRequest): UninstallReport {
  const { target, text, settings, scripts } = request.dryRun
    ? prepareRemoval(request)
    : uninstallNow(request);
  return {
    scope: target.scope,
    root: target.root,
    settingsFile: target.settingsFile,
    scriptsDir: target.scriptsDir,
    dryRun: Boolean(request.dryRun),
    installed: settings.found || scripts.files.length > 0,
    changed: settings.changed || scripts.files.length > 0,
    events: settings.events,
    files: scripts.files,
    diff: diffLines(text, settings.text),
    kept: scripts.kept,
  };
}

/** Reads and decides; removes nothing. */
export function prepareRemoval(request: UninstallRequest): PreparedRemoval {
  const target = resolveTarget(request);
  const text = readText(target.settingsFile);
  const manifest = readManifest(target);
  const settings = planRemoval(text, manifest?.before, target.settingsFile);
  // A link is the user's, whoever wrote the file behind it.
  if (settings.text === null && isSymlink(target.settingsFile)) settings.text = '{}\n';
  return { target, text, manifest, settings, scripts: planScriptsRemoval(target, manifest) };
}

/** Does what was prepared; false, with nothing touched, when somebody changed the settings file meanwhile. */
export function applyRemoval({ target, text, manifest, settings, scripts }: PreparedRemoval): boolean {
  if (settings.changed && !replaceSettings(target.settingsFile, text, settings.text)) return false;
  removeScripts(target, scripts.files, manifest);
  return true;
}

function replaceSettings(file: string, from: string | null, to: string | null): boolean {
  const staged = to === null ? [] : stageAll([{ file, content: to }]);
  try {
    if (readText(file) !== from) return false;
    for (const { commit } of staged) commit();
    if (to === null) removeFile(file);
    return true;
  } finally {
    discardAll(staged);
  }
}

function uninstallNow(request: UninstallRequest): PreparedRemoval {
  for (let attempt = 0; attempt < 3; attempt++) {
    const prepared = prepareRemoval(request);
    if (applyRemoval(prepared)) return prepared;
  }
  throw new InstallError({ code: 'changed-meanwhile', file: resolveTarget(request).settingsFile });
}
