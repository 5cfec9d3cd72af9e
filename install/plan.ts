/** What install and uninstall make of the text of a settings file. Pure; strict JSON in, strict JSON out. */
import { isDeepStrictEqual } from 'node:util';
import type { Node } from 'jsonc-parser';
import invariant from 'tiny-invariant';
import { isQuietWithout, type MatcherGroup, type SettingsBlock } from '../src/claude/settings.ts';
import { InstallError } from './error.ts';
import {
  append,
  blankInside,
  empty,
  isBlank,
  layOut,
  remove,
  replace,
  type Style,
  splitMark,
  styleOf,
} from './json-text.ts';
import { findOurs, parseSettings, read, valueAt } from './settings-tree.ts';

/**
 * The empty things that stood in a settings file before install filled them: what uninstall cannot tell from the
 * text alone. The manifest keeps it. A container not named here goes when the removal of our entries empties it.
 */
export interface Before {
  /** null: there was no file. A string: all that the file held, which was white space. */
  file?: string | null;
  /** The white space between the brackets of an empty root object, an empty `hooks`, empty event arrays. */
  root?: string;
  hooks?: string;
  events?: Record<string, string>;
  /** What was null: `hooks`, and events. */
  nullHooks?: true;
  nullEvents?: string[];
}

export interface Plan {
  /** The text to write; null when there should be no file. */
  text: string | null;
  changed: boolean;
  /** The events whose entry is added, renewed or removed. */
  events: string[];
  /** Whether the file already held entries of ours. */
  found: boolean;
  /** Whether an entry that was removed ends with an error where its script is missing. */
  loud: boolean;
  /** What `planRemoval` needs to restore the file; filled by `planInstall`. */
  before: Before;
}

/** The text between two edits, and what is known about it. */
interface Draft {
  text: string;
  readonly file: string;
  readonly style: Style;
  readonly before: Before;
  readonly events: Set<string>;
}

/**
 * Wires `block` into the settings `text` (null: no file). Each entry becomes a matcher group of its own at the end
 * of its event's array. An older entry of ours is renewed in its place, double ones become one; when all is in
 * place nothing changes. Everything else keeps its bytes.
 *
 * Throws InstallError (naming `file`) when the text is no strict JSON, or when something of the user's would have to be overwritten.
 */
export function planInstall(text: string | null, block: SettingsBlock, file = 'settings.json'): Plan {
  if (text === null || isBlank(text)) return planNewFile(text, block);
  const { mark, body } = splitMark(text);
  const root = parseSettings(body, file);
  checkShape(root, block, file);
  const found = findOurs(body, root).length > 0;

  const draft: Draft = { text: body, file, style: styleOf(body), before: {}, events: new Set() };
  ensureHooks(draft);
  removeSuperfluous(draft, block);
  for (const [event, [group]] of Object.entries(block.hooks)) {
    invariant(group, `the block has an entry for ${event}`);
    placeEntry(draft, event, group);
  }
  return finish(text, mark + draft.text, draft.events, found, draft.before);
}

/**
 * Takes our entries out of the settings `text`; with the `before` of the install it restores the original file
 * byte for byte unless it was edited since, and then nothing but our entries goes.
 *
 * Throws InstallError when the text is no strict JSON: an edit could not be trusted.
 */
export function planRemoval(text: string | null, before: Before = {}, file = 'settings.json'): Plan {
  const events = new Set<string>();
  if (text === null || isBlank(text)) return finish(text, text, events, false, {});
  const { mark, body } = splitMark(text);
  let rest = body;
  let loud = false;
  for (let entry = firstOurs(rest, file); entry; entry = firstOurs(rest, file)) {
    events.add(entry.event);
    loud ||= !isQuietWithout(read(rest, entry.handler));
    rest = removeEntry(rest, entry.handler, before);
  }
  const wasBlank = before.file !== undefined && events.size > 0 && /^\s*\{\s*\}\s*$/.test(rest);
  return {
    ...finish(text, wasBlank ? (before.file ?? null) : mark + rest, events, events.size > 0, {}),
    loud,
  };
}

/** What a further install has to remember: what the one before it did, as far as its entries were still there. */
export function mergeBefore(old: Before, { found, before }: Plan): Before {
  if (!found) return before;
  const events = { ...old.events, ...before.events };
  const nullEvents = [...new Set([...(old.nullEvents ?? []), ...(before.nullEvents ?? [])])];
  return {
    ...{ ...old, ...before },
    ...(Object.keys(events).length > 0 ? { events } : {}),
    ...(nullEvents.length > 0 ? { nullEvents } : {}),
  };
}

function planNewFile(text: string | null, block: SettingsBlock): Plan {
  const { mark, body } = splitMark(text ?? '');
  const style = styleOf(body);
  const content = mark + layOut(block, style) + style.eol;
  return finish(text, content, new Set(Object.keys(block.hooks)), false, { file: text });
}

function finish(
  from: string | null,
  to: string | null,
  events: Set<string>,
  found: boolean,
  before: Before,
): Plan {
  const changed = from !== to;
  if (changed && to !== null && !isBlank(to)) JSON.parse(splitMark(to).body); // Rather fail than write a broken file.
  return { text: to, changed, events: [...events], found, loud: false, before };
}

/** Refuses what we would have to overwrite. What stands beside our entries may look as it likes; null holds nothing. */
function checkShape(root: Node, block: SettingsBlock, file: string): void {
  const hooks = valueAt(root, 'hooks', file);
  if (!hooks || hooks.type === 'null') return;
  if (hooks.type !== 'object') throw new InstallError({ code: 'hooks-not-object', file });
  for (const event of Object.keys(block.hooks)) {
    const groups = valueAt(hooks, event, file);
    if (groups && groups.type !== 'array' && groups.type !== 'null')
      throw new InstallError({ code: 'event-not-array', file, at: event });
    for (const group of groups?.children ?? []) if (group.type === 'object') valueAt(group, 'hooks', file);
  }
}

function ensureHooks(draft: Draft): void {
  const root = parseSettings(draft.text, draft.file);
  const hooks = valueAt(root, 'hooks', draft.file);
  if (hooks?.type === 'null') {
    draft.before.nullHooks = true;
    draft.text = replace(draft.text, hooks, {}, draft.style);
    return;
  }
  if (hooks) {
    const blank = blankInside(draft.text, hooks);
    if (blank !== undefined) draft.before.hooks = blank;
    return;
  }
  const blank = blankInside(draft.text, root);
  if (blank !== undefined) draft.before.root = blank;
  draft.text = append(draft.text, root, {}, draft.style, 'hooks');
}

/** Takes out second entries of an event, entries that Claude Code passes over, and those of events that are no longer wired. */
function removeSuperfluous(draft: Draft, block: SettingsBlock): void {
  for (;;) {
    const seen = new Set<string>();
    const extra = findOurs(draft.text, parseSettings(draft.text, draft.file)).find(({ event, handler }) => {
      const keep = event in block.hooks && !seen.has(event) && !isPassedOver(draft.text, handler);
      if (!keep) return true;
      seen.add(event);
      return false;
    });
    if (!extra) return;
    draft.events.add(extra.event);
    draft.text = removeEntry(draft.text, extra.handler, { hooks: '' });
  }
}

/** Claude Code passes over a group whose matcher is no string. */
function isPassedOver(text: string, handler: Node): boolean {
  const { matcher } = read(text, parentOf(parentOf(parentOf(handler)))) as { matcher?: unknown };
  return matcher !== undefined && typeof matcher !== 'string';
}

function placeEntry(draft: Draft, event: string, group: MatcherGroup): void {
  const { text, style, file } = draft;
  const root = parseSettings(text, file);
  const present = findOurs(text, root).find((entry) => entry.event === event);
  if (present && isDeepStrictEqual(read(text, present.handler), group.hooks[0])) return;
  draft.events.add(event);
  draft.text = present
    ? replace(text, present.handler, group.hooks[0], style)
    : appendGroup(draft, root, event, group);
}

function appendGroup(
  { text, style, file, before }: Draft,
  root: Node,
  event: string,
  group: MatcherGroup,
): string {
  const hooks = valueAt(root, 'hooks', file);
  invariant(hooks, 'ensureHooks ran before');
  const groups = valueAt(hooks, event, file);
  if (!groups) return append(text, hooks, [group], style, event);
  if (groups.type === 'null') {
    before.nullEvents = [...(before.nullEvents ?? []), event];
    const emptied = replace(text, groups, [], style);
    const [list] = groupsOf(emptied, event, file);
    invariant(list, 'it was put there just now');
    return append(emptied, list, group, style);
  }
  const blank = blankInside(text, groups);
  if (blank !== undefined) before.events = { ...before.events, [event]: blank };
  return append(text, groups, group, style);
}

function groupsOf(text: string, event: string, file: string): Node[] {
  const hooks = valueAt(parseSettings(text, file), 'hooks', file);
  return [hooks && valueAt(hooks, event, file)].filter((node) => node !== undefined);
}

function firstOurs(text: string, file: string) {
  return findOurs(text, parseSettings(text, file))[0];
}

/**
 * Removes a handler and, going outwards, each container that this leaves empty: its group unless that has a matcher
 * or other fields, its event and `hooks` unless they stood there empty `before`.
 */
function removeEntry(text: string, handler: Node, before: Before): string {
  const handlers = parentOf(handler);
  if (handlers.children?.length !== 1) return remove(text, handler);
  const group = parentOf(parentOf(handlers));
  if (group.children?.length !== 1) return empty(text, handlers, '');

  const groups = parentOf(group);
  if (groups.children?.length !== 1) return remove(text, group);
  const eventProperty = parentOf(groups);
  const event = String(eventProperty.children?.[0]?.value);
  const blankEvent = before.events?.[event];
  if (blankEvent !== undefined) return empty(text, groups, blankEvent);
  if (before.nullEvents?.includes(event)) return replaceByNull(text, groups);

  const hooks = parentOf(eventProperty);
  if (hooks.children?.length !== 1) return remove(text, eventProperty);
  if (before.hooks !== undefined) return empty(text, hooks, before.hooks);
  if (before.nullHooks) return replaceByNull(text, hooks);

  const hooksProperty = parentOf(hooks);
  const root = parentOf(hooksProperty);
  if (root.children?.length !== 1) return remove(text, hooksProperty);
  return empty(text, root, before.root ?? '');
}

const replaceByNull = (text: string, { offset, length }: Node): string =>
  `${text.slice(0, offset)}null${text.slice(offset + length)}`;

function parentOf(node: Node): Node {
  invariant(node.parent, 'a handler lies below the root of the settings');
  return node.parent;
}
