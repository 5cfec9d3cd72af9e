/** The folder with the hook scripts: planned from what is there, so that nothing of somebody else's is touched. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { serverFile } from '../src/claude/servers.ts';
import { commandFiles, gateFile, wiredHooks } from '../src/claude/settings.ts';
import {
  type FileWrite,
  isSymlink,
  listFiles,
  readBytes,
  readText,
  removeFile,
  removeIfEmpty,
} from './disk.ts';
import { InstallError } from './error.ts';
import { type Fence, wayOut } from './fence.ts';
import { type Manifest, manifestName, manifestText, parseManifest, sha256 } from './manifest.ts';
import type { Scope, Target } from './target.ts';

export interface ScriptsPlan {
  /** The scripts that are missing or differ, and the manifest last. Empty when the folder is up to date. */
  writes: FileWrite[];
  /** Scripts that somebody edited or formatted: copies are kept before they are written over. */
  edited: string[];
  /** All files of the installation, the manifest included. */
  all: string[];
  /** Unmodified files of an older version. */
  obsolete: string[];
}

export interface ScriptsRemoval {
  /** Our unmodified files, relative to the folder; the manifest last. */
  files: string[];
  /** What stays: files that are not ours, or no longer as we wrote them. */
  kept: string[];
}

/** The files to install, by relative path: the compiled hooks, the command, the server if it is wanted, and a note to git about the folder. */
export function collectFiles(
  hooksSource: string,
  scope: Scope | 'managed',
  server: boolean,
): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const path of listFiles(hooksSource, null).sort()) {
    files.set(`hooks/${path}`, readBytes(join(hooksSource, path), null) ?? Buffer.alloc(0));
  }
  for (const file of [...wiredHooks.map((hook) => hook.file), gateFile]) {
    if (files.has(`hooks/${file}`)) continue;
    throw new InstallError({ code: 'incomplete-package', file: join(hooksSource, file) });
  }
  // The build puts them beside the hooks. The command goes along, so that what is printed can be called where nothing else is installed.
  for (const name of [...commandFiles, ...(server ? [serverFile] : [])]) {
    const source = join(dirname(hooksSource), name);
    const content = readBytes(source, null);
    const code = name === serverFile ? 'no-server' : 'incomplete-package';
    if (!content) throw new InstallError({ code, file: source });
    files.set(name, content);
  }
  // Nothing that would hide the folder from whoever reviews a change of it.
  if (scope === 'project') files.set('.gitattributes', Buffer.from('* -text\n'));
  // Formatters of the project walk in here, and honour what they find: prettier leaves files without its mark alone, biome all of them.
  if (scope === 'project' || scope === 'local') {
    files.set('.prettierrc', Buffer.from('{ "requirePragma": true }\n'));
    files.set('biome.json', Buffer.from('{ "root": false, "files": { "includes": ["!**"] } }\n'));
  }
  if (scope === 'local') files.set('.gitignore', Buffer.from('*\n'));
  return files;
}

export function readManifest(target: Target): Manifest | null {
  return parseManifest(readText(join(target.scriptsDir, manifestName), target.fence));
}

/** Throws InstallError when a file that we did not write is in the way. */
export function planScripts(
  target: Target,
  files: Map<string, Buffer>,
  old: Manifest | null,
  facts: Pick<Manifest, 'version' | 'before' | 'serverBefore' | 'createdDirectory'>,
): ScriptsPlan {
  const all = [...files.keys(), manifestName].map((path) => join(target.scriptsDir, path));
  const plan: ScriptsPlan = { writes: [], edited: [], all, obsolete: [] };
  const hashes: Manifest['files'] = {};
  for (const [path, content] of files) {
    hashes[path] = sha256(content);
    const file = join(target.scriptsDir, path);
    const current = readBytes(file, target.fence);
    if (current?.equals(content)) continue;
    if (current && !old?.files[path]) throw new InstallError({ code: 'foreign-file', file });
    if (current && sha256(current) !== old?.files[path]) plan.edited.push(file);
    plan.writes.push({ file, content });
  }
  for (const [path, hash] of Object.entries(old?.files ?? {})) {
    if (!files.has(path) && isUnmodified(target, path, hash))
      plan.obsolete.push(join(target.scriptsDir, path));
  }
  const manifest: Manifest = { name: 'flowloom-hooks', scope: target.scope, files: hashes, ...facts };
  const write = planManifest(target, manifest, old);
  if (write) plan.writes.push(write);
  return plan;
}

export function planScriptsRemoval(target: Target, manifest: Manifest | null): ScriptsRemoval {
  const entries = Object.entries(manifest?.files ?? {});
  const files = entries.filter(([path, hash]) => isUnmodified(target, path, hash)).map(([path]) => path);
  if (manifest) files.push(manifestName);
  const kept = listFiles(target.scriptsDir, target.fence).filter((path) => !files.includes(path));
  return { files, kept };
}

/** Removes our files and every directory that this leaves empty; `.claude` only if install made it. */
export function removeScripts(target: Target, files: readonly string[], manifest: Manifest | null): void {
  const { scriptsDir, claudeDir, fence } = target;
  for (const path of files) removeFile(join(scriptsDir, path), fence);
  removeEmptyFolders(
    files.map((path) => join(scriptsDir, path)),
    fence,
  );
  if (existsSync(scriptsDir) && !isSymlink(scriptsDir)) removeIfEmpty(scriptsDir, fence);
  if (manifest?.createdDirectory) removeIfEmpty(claudeDir, fence);
}

/** Removes the folders of removed files, innermost first. */
export function removeEmptyFolders(files: readonly string[], fence: Fence): void {
  const folders = new Set(files.map((file) => dirname(file)));
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) removeIfEmpty(folder, fence);
}

function planManifest(target: Target, manifest: Manifest, old: Manifest | null): FileWrite | undefined {
  const file = join(target.scriptsDir, manifestName);
  const content = manifestText(manifest);
  const current = readText(file, target.fence);
  if (current === content) return undefined;
  if (current !== null && !old) throw new InstallError({ code: 'foreign-file', file });
  return { file, content };
}

/** What lies outside of the fence, or is no file, is not what we wrote. */
function isUnmodified({ scriptsDir, fence }: Target, path: string, hash: string): boolean {
  const file = join(scriptsDir, path);
  if (wayOut(fence, file) || !statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
  const current = readBytes(file, fence);
  return current !== null && sha256(current) === hash;
}
