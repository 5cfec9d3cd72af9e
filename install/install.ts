/** Installs the hooks: scripts first, settings last, so that no hook ever points to a missing script. */
import { statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { serverFile } from '../src/claude/servers.ts';
import { type Form, type SettingsBlock, settingsBlock } from '../src/claude/settings.ts';
import { compareVersions } from '../src/core/versions.ts';
import { diffLines } from './diff.ts';
import { discardAll, readBytes, readText, removeFile, stageAll } from './disk.ts';
import { InstallError } from './error.ts';
import { askIgnored, type Ignored } from './ignored.ts';
import { type Manifest, manifestName, parseManifest, sha256 } from './manifest.ts';
import { obstaclesFor } from './obstacles.ts';
import { mergeBefore, type Plan, planInstall } from './plan.ts';
import type { InstallReport, Note } from './report.ts';
import { collectFiles, planScripts, readManifest, removeEmptyFolders, type ScriptsPlan } from './scripts.ts';
import { selfTest } from './self-test.ts';
import { holdsServer, planServer, type ServerBefore, type ServerPlan } from './server-plan.ts';
import { serverTest } from './server-test.ts';
import { setAside } from './set-aside.ts';
import { foldersIn, formIn } from './settings-tree.ts';
import { otherTargets, type Place, resolveTarget, type Target } from './target.ts';

export interface InstallRequest extends Place {
  /** Plan and report, but write nothing and run nothing. */
  dryRun?: boolean;
  /** The directory with the compiled hooks. */
  hooksSource: string;
  version: string;
  /** Add the MCP server too; one that is there is kept up to date without it. */
  mcp?: boolean;
  /** Whether a shell answers first what it can. Left out: as it is installed, else as suits the scope and this machine. */
  posix?: boolean;
  /** Put this version over a newer one; without it that is refused. */
  downgrade?: boolean;
  /** Directory of the administrator's settings, where it is not the client's own. */
  managedRoot?: string;
  /** The operating system, where it is not this one. */
  platform?: NodeJS.Platform;
}

/** `.mcp.json`, if it is to hold our server. */
interface PreparedServer {
  file: string;
  /** The file as it was read. */
  text: string | null;
  plan: ServerPlan;
}

/** Everything that will be written, worked out from one reading of the disk. */
export interface PreparedInstall {
  target: Target;
  /** The settings file as it was read. */
  text: string | null;
  form: Form;
  block: SettingsBlock;
  settings: Plan;
  /** Null when `.mcp.json` is not our business. */
  server: PreparedServer | null;
  scripts: ScriptsPlan;
  env: Place['env'];
}

/**
 * Installs or updates the hooks of a scope and runs each of them once. Changes nothing when all is in place.
 *
 * Throws InstallError, with the settings file untouched, when it cannot or should not be done. A hook that does not
 * work is no error: see `selfTest` in the report.
 */
export async function install(request: InstallRequest): Promise<InstallReport> {
  const { prepared, kept } = request.dryRun
    ? { prepared: prepareInstall(request), kept: [] }
    : installNow(request);
  const { target, text, form, block, settings, server, scripts } = prepared;
  const ignored = target.scope === 'project' ? askIgnored(target, committedFiles(prepared)) : null;
  const changed =
    settings.changed ||
    Boolean(server?.plan.changed) ||
    scripts.writes.length > 0 ||
    scripts.obsolete.length > 0;
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
    server: server && {
      file: server.file,
      changed: server.plan.changed,
      diff: diffLines(server.text, server.plan.text),
      test: request.dryRun ? null : await serverTest(target.root, request.env),
    },
    obstacles: obstaclesFor(request, target, settings.text ?? ''),
    selfTest: request.dryRun ? null : await selfTest(target.root, block, request.env),
    notes: [
      ...kept,
      ...(ignored ? [{ code: 'ignored', ...ignored } as const] : []),
      ...(changed ? adviceFor(prepared, ignored) : []),
      ...warningsFor(request, prepared),
    ],
  };
}

/** Reads and decides; writes nothing. */
export function prepareInstall(request: InstallRequest): PreparedInstall {
  const target = resolveTarget(request);
  const old = readManifest(target);
  refuseDowngrade(request, target, old);
  const { server, wanted } = prepareServer(request, target, old);
  refuseEditedSource(request.hooksSource);
  const files = collectFiles(request.hooksSource, target.scope, wanted);
  const text = readText(target.settingsFile, target.fence);
  const form = formFor(request, text);
  const block = settingsBlock(target.commandDir, form);
  const settings = planInstall(text, block, target.settingsFile);
  const before = mergeBefore(old?.before ?? {}, settings);
  const serverBefore = server ? mergeServerBefore(old, server.plan) : old?.serverBefore;
  // Throws when it cannot be asked: what is not known to be missing is not ours to remove later.
  const createdDirectory = old?.createdDirectory || !statSync(target.claudeDir, { throwIfNoEntry: false });
  const scripts = planScripts(target, files, old, {
    version: request.version,
    ...(Object.keys(before).length > 0 ? { before } : {}),
    ...(wanted && serverBefore && Object.keys(serverBefore).length > 0 ? { serverBefore } : {}),
    ...(createdDirectory ? { createdDirectory } : {}),
  });
  return {
    target,
    text,
    form,
    block,
    settings,
    server,
    scripts,
    env: { ...request.env, HOME: request.home },
  };
}

/** A team's newer scripts are not replaced by whoever has an older package in some cache. */
function refuseDowngrade({ downgrade, version }: InstallRequest, target: Target, old: Manifest | null): void {
  if (downgrade || !old || compareVersions(old.version, version) <= 0) return;
  throw new InstallError({ code: 'newer-installed', file: target.scriptsDir, at: old.version, version });
}

/** An installed command copies its own folder: what somebody edited there must not be taken for what was released. */
function refuseEditedSource(hooksSource: string): void {
  const folder = dirname(hooksSource);
  const manifest = parseManifest(readText(join(folder, manifestName), null));
  for (const [path, hash] of Object.entries(manifest?.files ?? {})) {
    const content = readBytes(join(folder, path), null);
    if (content && sha256(content) !== hash)
      throw new InstallError({ code: 'edited-source', file: join(folder, path) });
  }
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
 * What becomes of `.mcp.json`, and whether the server belongs to the scripts. Without being asked for, one that was installed is kept
 * as long as `.mcp.json` names it, and a file that cannot be read is left for another time.
 */
function prepareServer(
  { mcp = false }: InstallRequest,
  { serversFile: file, scope, root, fence }: Target,
  old: Manifest | null,
): { server: PreparedServer | null; wanted: boolean } {
  if (file === null) {
    if (mcp) throw new InstallError({ code: 'server-scope', file: root, at: scope });
    return { server: null, wanted: false };
  }
  if (!mcp && !old?.files[serverFile]) return { server: null, wanted: false };
  try {
    const text = readText(file, fence);
    if (!mcp && !holdsServer(text, file)) return { server: null, wanted: false };
    return { server: { file, text, plan: planServer(text, file) }, wanted: true };
  } catch (error) {
    if (mcp || !(error instanceof InstallError)) throw error;
    return { server: null, wanted: true };
  }
}

/** As `mergeBefore`. */
const mergeServerBefore = (old: Manifest | null, { found, before }: ServerPlan): ServerBefore =>
  found ? { ...old?.serverBefore, ...before } : before;

/**
 * Writes what was prepared. Returns what it tells about edited scripts, or null when somebody changed the settings file
 * or `.mcp.json` meanwhile: then that file is untouched and the preparation is out of date.
 */
export function applyInstall({
  target,
  text,
  settings,
  server,
  scripts,
  env,
}: PreparedInstall): Note[] | null {
  const writes = [...scripts.writes];
  const read = new Map([[target.settingsFile, text]]);
  if (settings.changed) writes.push({ file: target.settingsFile, content: settings.text ?? '' });
  if (server?.plan.changed) {
    read.set(server.file, server.text);
    writes.push({ file: server.file, content: server.plan.text ?? '' });
  }
  const staged = stageAll(writes, target.fence);
  try {
    const kept = keepEdited(target, scripts, env);
    for (const { file, commit } of staged) {
      if (read.has(file) && readText(file, target.fence) !== read.get(file)) return null;
      commit();
    }
    for (const file of scripts.obsolete) removeFile(file, target.fence);
    removeEmptyFolders(scripts.obsolete, target.fence);
    return kept;
  } finally {
    discardAll(staged);
  }
}

function keepEdited(target: Target, { edited }: ScriptsPlan, env: Place['env']): Note[] {
  if (edited.length === 0) return [];
  const files = edited.map((file) => relative(target.scriptsDir, file));
  return [{ code: 'set-aside', files, directory: setAside(edited, target, env) }];
}

function installNow(request: InstallRequest): { prepared: PreparedInstall; kept: Note[] } {
  for (let attempt = 0; attempt < 3; attempt++) {
    const prepared = prepareInstall(request);
    const kept = applyInstall(prepared);
    if (kept) return { prepared, kept };
  }
  throw new InstallError({ code: 'changed-meanwhile', file: resolveTarget(request).settingsFile });
}

/** Everything that teammates and other work trees get only through a commit. */
const committedFiles = ({ target, server, scripts }: PreparedInstall): string[] => [
  target.settingsFile,
  ...scripts.all,
  ...(server ? [server.file] : []),
];

/** What somebody should know who has just installed. */
function adviceFor({ target, text, server }: PreparedInstall, ignored: Ignored | null): Note[] {
  if (target.scope === 'project')
    return [
      ...(ignored ? [] : [{ code: 'commit' } as const]),
      { code: 'root-only' },
      ...(server?.plan.changed ? [{ code: 'server-approval', file: server.file } as const] : []),
    ];
  const isNew = target.scope === 'local' && text === null;
  return isNew ? [{ code: 'personal', file: target.settingsFile }] : [];
}

/** What others may miss, and what makes the hooks run twice. */
function warningsFor(place: Place, { target, text }: PreparedInstall): Note[] {
  const others = otherTargets(place).filter((other) => foldersIn(readIfPossible(other)).length > 0);
  // Somebody else may share this file, in a container for example, where the scripts lie elsewhere.
  const replaced = foldersIn(text).filter((folder) => folder !== target.commandDir);
  return [
    ...replaced.map((folder): Note => ({ code: 'path-replaced', file: target.settingsFile, folder })),
    ...others.map(({ scope, settingsFile }): Note => ({ code: 'other-scope', file: settingsFile, scope })),
  ];
}

/** Other scopes' files are looked at for a note only: whatever is wrong with them is not our business here. */
function readIfPossible({ settingsFile, fence }: Target): string | null {
  try {
    return readText(settingsFile, fence);
  } catch {
    return null;
  }
}
