/** Are the scripts that the settings name there, and the package's own? */
import fs from 'node:fs';
import { join, sep } from 'node:path';
import { listFiles } from '../../install/disk.ts';
import { type Fence, wayOut } from '../../install/fence.ts';
import { type Manifest, manifestName, parseManifest, sha256 } from '../../install/manifest.ts';
import { collectFiles } from '../../install/scripts.ts';
import { serverFile } from '../claude/servers.ts';
import { compareVersions } from '../core/versions.ts';
import { type FileText, readCapped } from '../io/read-capped.ts';
import { type Finding, finding } from './finding.ts';
import type { Installation } from './settings-files.ts';

const mostBytes = 8 << 20;

/** What runs this check, and with what it compares. */
export interface OwnPackage {
  readonly version: string;
  /** The directory with the compiled hooks of this version. */
  readonly hooksSource: string;
}

interface ScriptFacts {
  /** Version that the manifest names; null without a manifest of ours. */
  readonly version: string | null;
  /** With the manifest, as install counts them. */
  readonly files: number;
  readonly missing: readonly string[];
  /** Not as this package has them or, where it is no measure, not as the manifest says. */
  readonly edited: readonly string[];
  /** Copies of edited scripts that earlier versions left beside them. */
  readonly backups: readonly string[];
  /** This command was started from that very folder. */
  readonly isItself: boolean;
}

/** `worktree`: what scripts of a project must not lead out of. */
export const checkScripts = (
  installations: readonly Installation[],
  own: OwnPackage,
  worktree: string,
): Finding[] =>
  installations.flatMap((one) => {
    const facts = gatherScripts(one, own, worktree);
    const { scope, directory } = one;
    const { backups } = facts;
    return [
      judgeScripts(one, facts, own.version),
      ...(backups.length > 0
        ? [finding('info', 'scripts-backups', { scope, directory, files: backups })]
        : []),
    ];
  });

function gatherScripts(installation: Installation, own: OwnPackage, worktree: string): ScriptFacts {
  const { scope, directory, entries } = installation;
  const isRepositorys = (scope === 'project' || scope === 'local') && isBelow(directory, worktree);
  const read = (path: string): FileText | null => {
    const file = join(directory, path);
    return isRepositorys && wayOut(worktree, file) ? null : readCapped(file, mostBytes);
  };
  const text = read(manifestName);
  const manifest = parseManifest(text?.kind === 'read' ? text.text : null);
  const isItself = isSame(own.hooksSource, join(directory, 'hooks'));
  const hashes =
    isItself || manifest?.version !== own.version ? listed(manifest) : shipped(installation, own);
  const wired = entries.map(({ script }) => script.slice(directory.length + 1).replaceAll('\\', '/'));
  const found = [...new Set([...wired, ...hashes.keys()])].map((path) => ({ path, file: read(path) }));
  const isEdited = ({ path, file }: (typeof found)[number]): boolean =>
    !file || (file.kind === 'read' && hashes.has(path) && sha256(file.bytes) !== hashes.get(path));
  return {
    version: manifest?.version ?? null,
    files: found.length + (manifest ? 1 : 0),
    missing: found.filter(({ file }) => file && file.kind !== 'read').map(({ path }) => path),
    edited: [...found.filter(isEdited).map(({ path }) => path), ...(text === null ? [manifestName] : [])],
    backups: backupsIn(directory, isRepositorys ? worktree : null),
    isItself,
  };
}

function backupsIn(directory: string, fence: Fence): string[] {
  try {
    return listFiles(directory, fence).filter((path) => /\.[\w-]{6}\.bak$/.test(path));
  } catch {
    // Whatever is wrong with the folder is told of its scripts.
    return [];
  }
}

/** The manifest comes with the repository: it tells what was damaged, not what somebody forged. */
const listed = (manifest: Manifest | null): Map<string, string> =>
  new Map(Object.entries(manifest?.files ?? {}));

/** What this package would install there. */
function shipped({ scope, directory }: Installation, { hooksSource }: OwnPackage): Map<string, string> {
  const server = fs.existsSync(join(directory, serverFile));
  const files = collectFiles(hooksSource, scope, server);
  return new Map([...files].map(([path, content]) => [path, sha256(content)]));
}

const isBelow = (path: string, directory: string): boolean => path.startsWith(directory + sep);

function isSame(one: string, other: string): boolean {
  try {
    return fs.realpathSync(one) === fs.realpathSync(other);
  } catch {
    return false;
  }
}

function judgeScripts(
  { scope, settings, directory }: Installation,
  facts: ScriptFacts,
  current: string,
): Finding {
  const { version, files, missing, edited, isItself } = facts;
  if (missing.length > 0)
    return finding('error', 'scripts-missing', { scope, directory, settings, files: missing });
  const order = compareVersions(version ?? current, current);
  const replaceable = scope !== 'managed' && !isItself && order <= 0;
  if (edited.length > 0)
    return finding('warning', 'scripts-edited', { scope, directory, settings, files: edited, replaceable });
  if (version === null) return finding('warning', 'scripts-unverified', { scope, directory });
  if (isItself) return finding('info', 'scripts-itself', { scope, directory, version, files });
  if (order > 0) return finding('info', 'scripts-newer', { scope, directory, version, current });
  return order < 0 || version !== current
    ? finding('warning', 'scripts-outdated', { scope, directory, settings, version, current })
    : finding('ok', 'scripts-ok', { scope, directory, version, files });
}
