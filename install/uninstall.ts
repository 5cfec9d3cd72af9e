/** Uninstalls the hooks: settings first, scripts last, so that no hook ever points to a missing script. */
import { serverFile } from '../src/claude/servers.ts';
import { diffLines } from './diff.ts';
import { discardAll, isSymlink, readText, removeFile, stageAll } from './disk.ts';
import { InstallError } from './error.ts';
import type { Manifest } from './manifest.ts';
import { type Plan, planRemoval } from './plan.ts';
import type { UninstallReport } from './report.ts';
import { planScriptsRemoval, readManifest, removeScripts, type ScriptsRemoval } from './scripts.ts';
import { planServerRemoval, type ServerPlan } from './server-plan.ts';
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
  /** `.mcp.json`; null when there is nothing of ours in it. */
  server: { file: string; text: string | null; plan: ServerPlan } | null;
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
  const { target, text, settings, server, scripts } = request.dryRun
    ? prepareRemoval(request)
    : uninstallNow(request);
  return {
    scope: target.scope,
    root: target.root,
    settingsFile: target.settingsFile,
    scriptsDir: target.scriptsDir,
    dryRun: Boolean(request.dryRun),
    installed: settings.found || server !== null || scripts.files.length > 0,
    changed: settings.changed || server !== null || scripts.files.length > 0,
    events: settings.events,
    files: scripts.files,
    diff: diffLines(text, settings.text),
    server: server && { file: server.file, diff: diffLines(server.text, server.plan.text) },
    kept: scripts.kept,
  };
}

/** Reads and decides; removes nothing. */
export function prepareRemoval(request: UninstallRequest): PreparedRemoval {
  const target = resolveTarget(request);
  const text = readText(target.settingsFile, target.fence);
  const manifest = readManifest(target);
  const settings = planRemoval(text, manifest?.before, target.settingsFile);
  // A link is the user's, whoever wrote the file behind it.
  if (settings.text === null && isSymlink(target.settingsFile)) settings.text = '{}\n';
  const server = prepareServerRemoval(target, manifest);
  return { target, text, manifest, settings, server, scripts: planScriptsRemoval(target, manifest) };
}

/** A `.mcp.json` that cannot be read matters only when we wrote into it. */
function prepareServerRemoval(
  { serversFile: file, fence }: Target,
  manifest: Manifest | null,
): PreparedRemoval['server'] {
  if (file === null) return null;
  try {
    const text = readText(file, fence);
    const plan = planServerRemoval(text, manifest?.serverBefore ?? {}, file);
    // A link is the user's here too.
    if (plan.text === null && isSymlink(file)) plan.text = '{}\n';
    return plan.changed ? { file, text, plan } : null;
  } catch (error) {
    if (error instanceof InstallError && !manifest?.files[serverFile]) return null;
    throw error;
  }
}

/** Does what was prepared; false when somebody changed the settings file or `.mcp.json` meanwhile: that file is untouched then. */
export function applyRemoval({
  target,
  text,
  manifest,
  settings,
  server,
  scripts,
}: PreparedRemoval): boolean {
  if (settings.changed && !replaceText(target, target.settingsFile, text, settings.text)) return false;
  if (server && !replaceText(target, server.file, server.text, server.plan.text)) return false;
  if (settings.loud && scripts.files.length > 0) untilClientsNotice();
  removeScripts(target, scripts.files, manifest);
  return true;
}

/** A client that runs goes on starting the hooks that it has read for a second or so (seen: 1.4 s, 2.1.332). */
const noticeMs = 3000;

const untilClientsNotice = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, noticeMs);
};

function replaceText({ fence }: Target, file: string, from: string | null, to: string | null): boolean {
  const staged = to === null ? [] : stageAll([{ file, content: to }], fence);
  try {
    if (readText(file, fence) !== from) return false;
    for (const { commit } of staged) commit();
    if (to === null) removeFile(file, fence);
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
