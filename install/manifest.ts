/** `manifest.json` in the installed folder: what install wrote there, so that uninstall takes exactly that away. */
import { createHash } from 'node:crypto';
import type { Before } from './plan.ts';
import type { ServerBefore } from './server-plan.ts';
import { type Scope, scopes } from './target.ts';

export const manifestName = 'manifest.json';

export interface Manifest {
  name: 'flowloom-hooks';
  version: string;
  scope: Scope;
  /** SHA-256 of every file by its path below the folder; the manifest itself is not listed. */
  files: Record<string, string>;
  /** The empty things that stood in the settings file before install; left out when there were none. */
  before?: Before;
  /** The same for `.mcp.json`. */
  serverBefore?: ServerBefore;
  /** Install made the `.claude` directory; left out when it was there. */
  createdDirectory?: true;
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * The manifest in `text`; null when there is none or it is not one of ours. A manifest comes with the repository, so
 * it is not trusted: paths that lead out of the folder and text that is not white space are dropped.
 */
export function parseManifest(text: string | null): Manifest | null {
  const value = parseObject(text);
  if (value?.name !== 'flowloom-hooks' || typeof value.version !== 'string') return null;
  if (!scopes.includes(value.scope as Scope)) return null;
  const files = Object.entries(asObject(value.files)).filter(isFileEntry);
  return {
    name: 'flowloom-hooks',
    version: value.version,
    scope: value.scope as Scope,
    files: Object.fromEntries(files),
    ...(value.before === undefined ? {} : { before: cleanBefore(asObject(value.before)) }),
    ...(value.serverBefore === undefined
      ? {}
      : { serverBefore: cleanServerBefore(asObject(value.serverBefore)) }),
    ...(value.createdDirectory === true ? { createdDirectory: true } : {}),
  };
}

function cleanBefore({ file, root, hooks, events, nullHooks, nullEvents }: Record<string, unknown>): Before {
  const nulls = Array.isArray(nullEvents) ? nullEvents.filter((event) => typeof event === 'string') : [];
  const blankEvents = Object.entries(asObject(events)).filter((entry): entry is [string, string] =>
    isJsonBlank(entry[1]),
  );
  return {
    ...(isBlankFile(file) ? { file } : {}),
    ...(isJsonBlank(root) ? { root } : {}),
    ...(isJsonBlank(hooks) ? { hooks } : {}),
    ...(blankEvents.length > 0 ? { events: Object.fromEntries(blankEvents) } : {}),
    ...(nullHooks === true ? { nullHooks } : {}),
    ...(nulls.length > 0 ? { nullEvents: nulls } : {}),
  };
}

function cleanServerBefore({ file, root, servers }: Record<string, unknown>): ServerBefore {
  return {
    ...(isBlankFile(file) ? { file } : {}),
    ...(isJsonBlank(root) ? { root } : {}),
    ...(isJsonBlank(servers) ? { servers } : {}),
  };
}

function isBlankFile(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.trim() === '');
}

function isJsonBlank(value: unknown): value is string {
  return typeof value === 'string' && /^[ \t\r\n]*$/.test(value);
}

function isFileEntry(entry: [string, unknown]): entry is [string, string] {
  const [path, hash] = entry;
  const isPlain = path.split('/').every((part) => /^[\w.-]*[\w-]$/.test(part));
  return isPlain && path !== manifestName && typeof hash === 'string';
}

function parseObject(text: string | null): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text ?? 'null'));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
