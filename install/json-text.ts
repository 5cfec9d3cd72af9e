/**
 * Edits of JSON text that leave everything else byte for byte as it is. A node is a position in the text it was
 * parsed from, so every function takes both and returns the new text; parse again before the next edit.
 */
import type { Node } from 'jsonc-parser';
import invariant from 'tiny-invariant';

/** How the author of a file lays out JSON, as far as new text has to follow it. */
export interface Style {
  eol: string;
  unit: string;
  /** False for a document on one line: what we add stays on that line too. */
  multiline: boolean;
}

export function styleOf(text: string): Style {
  const trimmed = text.trim();
  return {
    eol: /\r?\n/.exec(text)?.[0] ?? '\n',
    unit: /\n([ \t]+)"/.exec(text)?.[1] ?? '  ',
    multiline: trimmed.includes('\n') || /^(\{\s*\})?$/.test(trimmed),
  };
}

const byteOrderMark = '\uFEFF';

export function splitMark(text: string): { mark: string; body: string } {
  return text.startsWith(byteOrderMark)
    ? { mark: byteOrderMark, body: text.slice(1) }
    : { mark: '', body: text };
}

/** Nothing but white space, perhaps after a byte order mark. */
export function isBlank(text: string): boolean {
  return splitMark(text).body.trim() === '';
}

/** `value` as it is written at a place whose line begins with `indent`. */
export function layOut(value: unknown, style: Style, indent = ''): string {
  return JSON.stringify(value, null, style.unit).replaceAll('\n', style.eol + indent);
}

/** What stands between the brackets of an empty object or array; undefined when it is not empty. */
export function blankInside(text: string, container: Node): string | undefined {
  if (container.children?.length) return undefined;
  return text.slice(container.offset + 1, end(container) - 1);
}

/** Makes `blank` all that stands between the brackets of a container. */
export function empty(text: string, container: Node, blank: string): string {
  return splice(text, container.offset + 1, end(container) - 1, blank);
}

/** Adds an element to an array, or with `key` a property to an object, after the last one and laid out like it. */
export function append(text: string, container: Node, value: unknown, style: Style, key?: string): string {
  const last = container.children?.at(-1);
  if (!last) return fill(text, container, value, style, key);
  const indent = indentOf(text, last.offset);
  const piece = startsItsLine(text, last.offset)
    ? `,${style.eol}${indent}${labelled(key, layOut(value, style, indent), ' ')}`
    : `,${inline(value, style, key)}`;
  return splice(text, end(last), end(last), piece);
}

/** Puts another value in the place of `node`, on one line if the old one was. */
export function replace(text: string, node: Node, value: unknown, style: Style): string {
  const onOneLine = !text.slice(node.offset, end(node)).includes('\n');
  const piece = onOneLine ? JSON.stringify(value) : layOut(value, style, indentOf(text, node.offset));
  return splice(text, node.offset, end(node), piece);
}

/** Takes an element or a property out, together with the comma and the white space that set it apart. */
export function remove(text: string, node: Node): string {
  const container = node.parent;
  invariant(container?.children, 'only elements and properties can be removed');
  const index = container.children.indexOf(node);
  const previous = container.children[index - 1];
  const next = container.children[index + 1];
  if (previous) return splice(text, end(previous), end(node), '');
  if (next) return splice(text, node.offset, next.offset, '');
  return empty(text, container, '');
}

function fill(text: string, container: Node, value: unknown, style: Style, key?: string): string {
  if (!style.multiline) return empty(text, container, labelled(key, JSON.stringify(value), ''));
  const outer = indentOf(text, container.offset);
  const inner = outer + style.unit;
  const piece = labelled(key, layOut(value, style, inner), ' ');
  return empty(text, container, `${style.eol}${inner}${piece}${style.eol}${outer}`);
}

function inline(value: unknown, style: Style, key?: string): string {
  const gap = style.multiline ? ' ' : '';
  return gap + labelled(key, JSON.stringify(value), gap);
}

function labelled(key: string | undefined, json: string, gap: string): string {
  return key === undefined ? json : `${JSON.stringify(key)}:${gap}${json}`;
}

function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
}

function startsItsLine(text: string, offset: number): boolean {
  const start = lineStart(text, offset);
  return start > 0 && text.slice(start, offset).trim() === '';
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function end(node: Node): number {
  return node.offset + node.length;
}

function splice(text: string, from: number, to: number, piece: string): string {
  return text.slice(0, from) + piece + text.slice(to);
}
