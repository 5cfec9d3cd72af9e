/** Are the scripts that the settings name there, as install wrote them, and of this version? */
import { join } from 'node:path';
import { manifestName, parseManifest, sha256 } from '../../install/manifest.ts';
import { readCapped } from '../io/read-capped.ts';
import { compareVersions } from './check-programs.ts';
import { type Finding, finding } from './finding.ts';
import type { Installation } from './settings-files.ts';

const mostBytes = 8 << 20;

interface ScriptFacts {
  /** Version that the manifest names; null without a manifest of ours. */
  readonly version: string | null;
  /** With the manifest, as install counts them. */
  readonly files: number;
  readonly missing: readonly string[];
  readonly edited: readonly string[];
}

export const checkScripts = (installations: readonly Installation[], version: string): Finding[] =>
  installations.map((one) => judgeScripts(one, gatherScripts(one), version));

function gatherScripts({ directory, entries }: Installation): ScriptFacts {
  const text = readCapped(join(directory, manifestName), mostBytes);
  const manifest = parseManifest(text.kind === 'read' ? text.text : null);
  const hashes = new Map(Object.entries(manifest?.files ?? {}));
  const wired = entries.map(({ script }) => script.slice(directory.length + 1).replaceAll('\\', '/'));
  const paths = [...new Set([...wired, ...hashes.keys()])];
  const found = paths.map((path) => ({ path, file: readCapped(join(directory, path), mostBytes) }));
  return {
    version: manifest?.version ?? null,
    files: paths.length + (manifest ? 1 : 0),
    missing: found.filter(({ file }) => file.kind !== 'read').map(({ path }) => path),
    edited: found
      .filter(
        ({ path, file }) =>
          file.kind === 'read' && hashes.has(path) && sha256(file.bytes) !== hashes.get(path),
      )
      .map(({ path }) => path),
  };
}

function judgeScripts(
  { scope, settings, directory }: Installation,
  facts: ScriptFacts,
  current: string,
): Finding {
  const { version, files, missing, edited } = facts;
  if (missing.length > 0)
    return finding('error', 'scripts-missing', { scope, directory, settings, files: missing });
  if (version === null) return finding('warning', 'scripts-unverified', { scope, directory });
  if (edited.length > 0) return finding('warning', 'scripts-edited', { scope, directory, files: edited });
  const order = compareVersions(version, current);
  if (order > 0) return finding('info', 'scripts-newer', { scope, directory, version, current });
  return order < 0 || version !== current
    ? finding('warning', 'scripts-outdated', { scope, directory, settings, version, current })
    : finding('ok', 'scripts-ok', { scope, directory, version, files });
}
