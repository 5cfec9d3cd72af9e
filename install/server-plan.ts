/** What install and uninstall make of the text of `.mcp.json`. Pure; strict JSON in, strict JSON out. */
import { isDeepStrictEqual } from 'node:util';
import type { Node } from 'jsonc-parser';
import { isOurServer, serverEntry, serverName } from '../src/claude/servers.ts';
import { InstallError } from './error.ts';
import {
  append,
  blankInside,
  empty,
  isBlank,
  layOut,
  remove,
  replace,
  splitMark,
  styleOf,
} from './json-text.ts';
import { parseSettings, read, valueAt } from './settings-tree.ts';

/** The empty things that stood in the file before install filled them. */
export interface ServerBefore {
  /** null: there was no file. A string: all that the file held, which was white space. */
  file?: string | null;
  /** The white space between the brackets of an empty root object, of empty `mcpServers`. */
  root?: string;
  servers?: string;
}

export interface ServerPlan {
  /** The text to write; null when there should be no file. */
  text: string | null;
  changed: boolean;
  /** Whether the file already held our server. */
  found: boolean;
  before: ServerBefore;
}

const key = 'mcpServers';

/**
 * Adds our server to the `.mcp.json` in `text` (null: no file). One that is there keeps what was added to it by hand, its arguments
 * are renewed. Everything else keeps its bytes.
 *
 * Throws InstallError (naming `file`) when the text is no strict JSON, has another shape, or has another server of this name.
 */
export function planServer(text: string | null, file: string): ServerPlan {
  const { mark, body } = splitMark(text ?? '');
  const style = styleOf(body);
  const all = { [key]: { [serverName]: serverEntry } };
  if (isBlank(body)) return finish(text, mark + layOut(all, style) + style.eol, false, { file: text });

  const root = parseSettings(body, file);
  const servers = valueAt(root, key, file);
  if (!servers) {
    const blank = blankInside(body, root);
    const before = blank === undefined ? {} : { root: blank };
    return finish(text, mark + append(body, root, all[key], style, key), false, before);
  }
  if (servers.type !== 'object') throw new InstallError({ code: 'servers-not-object', file });
  const entry = valueAt(servers, serverName, file);
  if (!entry) {
    const blank = blankInside(body, servers);
    const before = blank === undefined ? {} : { servers: blank };
    return finish(text, mark + append(body, servers, serverEntry, style, serverName), false, before);
  }
  const present = read(body, entry) as object;
  if (!isOurServer(present)) throw new InstallError({ code: 'foreign-server', file, at: serverName });
  const renewed = { ...present, ...serverEntry };
  const same = isDeepStrictEqual(present, renewed);
  return finish(text, same ? text : mark + replace(body, entry, renewed, style), true, {});
}

/**
 * Takes our server out; with the `before` of the install it restores the original file byte for byte unless it was edited since,
 * and then nothing but our entry goes. Another server of this name stays.
 */
export function planServerRemoval(text: string | null, before: ServerBefore, file: string): ServerPlan {
  if (text === null || isBlank(text)) return finish(text, text, false, {});
  const { mark, body } = splitMark(text);
  const entry = findServer(body, file);
  if (!entry) return finish(text, text, false, {});
  const rest = removeEntry(body, entry, before);
  const wasBlank = before.file !== undefined && /^\s*\{\s*\}\s*$/.test(rest);
  return finish(text, wasBlank ? (before.file ?? null) : mark + rest, true, {});
}

/** Whether our server is in the file. */
export const holdsServer = (text: string | null, file: string): boolean =>
  text !== null && !isBlank(text) && findServer(splitMark(text).body, file) !== undefined;

function findServer(body: string, file: string): Node | undefined {
  const servers = valueAt(parseSettings(body, file), key, file);
  const entry = servers?.type === 'object' ? valueAt(servers, serverName, file) : undefined;
  return entry && isOurServer(read(body, entry)) ? entry : undefined;
}

/** Removes the entry and, going outwards, what this leaves empty, unless it stood there empty `before`. */
function removeEntry(text: string, entry: Node, before: ServerBefore): string {
  const property = entry.parent!;
  const servers = property.parent!;
  if (servers.children?.length !== 1) return remove(text, property);
  if (before.servers !== undefined) return empty(text, servers, before.servers);
  const holder = servers.parent!;
  const root = holder.parent!;
  if (root.children?.length !== 1) return remove(text, holder);
  return empty(text, root, before.root ?? '');
}

function finish(from: string | null, to: string | null, found: boolean, before: ServerBefore): ServerPlan {
  // Rather fail than write a broken file.
  if (from !== to && to !== null && !isBlank(to)) JSON.parse(splitMark(to).body);
  return { text: to, changed: from !== to, found, before };
}
