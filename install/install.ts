/** Installs the hooks: scripts first, settings last, so that no hook ever points to a missing script. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { type Form, isOurs, type SettingsBlock, settingsBlock } from '../src/claude/settings.ts';
import { diffLines } from './diff.ts';
import { discardAll, readText, removeFile, stageAll } from './disk.ts';
import { InstallError } from './error.ts';
import { mergeBefore, type Plan, planInstall } from './plan.ts';
import type { InstallReport, Note } from './report.ts';
import {
  collectFiles,
  planScripts,
  readManifest,
  removeEmptyFolders,
  type ScriptsPlan,
  setAside,
} from './scripts.ts';
import { selfTest } from './self-test.ts';
import { formIn } from './settings-tree.ts';
import { otherTargets, type Place, resolveTarget, type Target } from './target.ts';

export interface InstallRequest extends Place {
  /** Plan and report, but write nothing and run nothing. */
  dryRun?: boolean;
  /** The directory with the compiled hooks. */
  hooksSource: string;
  version: string;
  /** Whether a shell answers first what it can. Left out: as it is installed, else as suits the scope and this machine. */
  posix?: boolean;
  /** The operating system, where it is not this one. */
  platform?: NodeJS.Platform;
}

/** Everything that will be written, worked out from one reading of the disk. */
export interface PreparedInstall {
  target: Target;
  /** The settings file as it was read. */
  text: string | null;
  form: Form;
  block: SettingsBlock;
  settings: Plan;
  scripts: ScriptsPlan;
}

/**
 * Installs or updates the hooks of a scope and runs each of them once. Changes nothing when all is in place.
 *
 * Throws InstallError, with the settings file untouched, when it cannot or should not be done. A hook that does not
 * work is no error: see `selfTest` in the report.
 */
export async function install(request: InstallRequest): Promise<InstallReport> {
  const { prepared, backups } = request.dryRun
    ? { prepared: prepareInstall(request), backups: [] }
    : installNow(request);
  const { target, text, form, block, settings, scripts } = prepared;
  const changed = settings.changed || scripts.writes.length > 0 || scripts.obsolete.length > 0;
  return {
    scope: target.scope,
    version: request.version,
    root: target.root,
    settingsFile: target.settingsFile,
    scriptsDir: target.scriptsDir,
    dryRun: Boolean(request.dryRun),
    changed,
    form,
    events: settings.events,
    files: scripts.writes.map(({ file }) => relative(target.scriptsDir, file)),
    diff: diffLines(text, settings.text),
    selfTest: request.dryRun ? null : await selfTest(target.root, block, request.env),
    notes: [...backups, ...(changed ? adviceFor(prepared) : []), ...warningsFor(request, prepared)],
  };
}

/** Reads and decides; writes nothing. */
export function prepareInstall(request: InstallRequest): PreparedInstall {
  const target = resolveTarget(request);
  const files = collectFiles(request.hooksSource, target);
  const text = readText(target.settingsFile);
  const form = formFor(request, text);
  const block = settingsBlock(target.commandDir, form);
  const settings = planInstall(text, block, target.settingsFile);
  const old = readManifest(target);
  const before = mergeBefore(old?.before ?? {}, settings);
  const createdDirectory = old?.createdDirectory || !existsSync(target.claudeDir);
  const scripts = planScripts(target, files, old, {
    version: request.version,
    ...(Object.keys(before).length > 0 ? { before } : {}),
    ...(createdDirectory ? { createdDirectory } : {}),
  });
  return { target, text, form, block, settings, scripts };
}

/**
 * Project settings are committed and read on every system, so there the form that works everywhere is taken unless somebody says
 * that no one needs it. The other two are of this machine.
 */
function formFor({ posix, scope, platform = process.platform }: InstallRequest, text: string | null): Form {
  if (posix !== undefined) return posix ? 'sh' : 'node';
  return formIn(text) ?? (scope !== 'project' && platform !== 'win32' ? 'sh' : 'node');
}

/**
 * Writes what was prepared. Returns the edited scripts it moved aside, or null when somebody changed the settings file
 * meanwhile: then that file is untouched and the preparation is out of date.
 */
export function applyInstall({ target, text, settings, scripts }: PreparedInstall): Note[] | null {
  const writes = [...scripts.writes];
  if (settings.changed) writes.push({ file: target.settingsFile, content: settings.text ?? '' });
  const staged = stageAll(writes);
  try {
    const backups = setAside(scripts.edited);
    for (const { file, commit } of staged) {
      if (file === target.settingsFile && readText(file) !== text) return null;
      commit();
    }
    for (const file of scripts.obsolete) removeFile(file);
    removeEmptyFolders(scripts.obsolete);
    return backups.map((file): Note => ({ code: 'set-aside', file }));
  } finally {
    discardAll(staged);
  }
}

function installNow(request: InstallRequest): { prepared: PreparedInstall; backups: Note[] } {
  for (let attempt = 0; attempt < 3; attempt++) {
    const prepared = prepareInstall(request);
    const backups = applyInstall(prepared);
    if (backups) return { prepared, backups };
  }
  throw new InstallError({ code: 'changed-meanwhile', file: resolveTarget(request).settingsFile });
}

/** What somebody should know who has just installed. */
function adviceFor({ target, text }: PreparedInstall): Note[] {
  if (target.scope === 'project') return [{ code: 'commit' }, { code: 'root-only' }];
  const isNew = target.scope === 'local' && text === null;
  return isNew ? [{ code: 'personal', file: target.settingsFile }] : [];
}

/** What keeps the hooks from running, or makes them run twice. */
function warningsFor(place: Place, { target, text }: PreparedInstall): Note[] {
  const isOff = looksAt(text, (settings) => settings.disableAllHooks === true);
  const others = otherTargets(place).filter(({ settingsFile }) => wiresOurs(settingsFile));
  return [
    ...(isOff ? [{ code: 'hooks-disabled', file: target.settingsFile } as const] : []),
    ...others.map(({ scope, settingsFile }): Note => ({ code: 'other-scope', file: settingsFile, scope })),
  ];
}

function wiresOurs(settingsFile: string): boolean {
  return looksAt(readIfPossible(settingsFile), ({ hooks }) =>
    Object.values(hooks ?? {})
      .flat()
      .some((group) => [(group as { hooks?: unknown } | null)?.hooks].flat().some(isOurs)),
  );
}

/** Other scopes' files are looked at for a note only: whatever is wrong with them is not our business here. */
function readIfPossible(file: string): string | null {
  try {
    return readText(file);
  } catch {
    return null;
  }
}

function looksAt(text: string | null, has: (settings: Record<string, unknown>) => boolean): boolean {
  try {
    return has(JSON.parse((text ?? '{}').replace(/^\uFEFF/, '')));
  } catch {
    return false;
  }
}
