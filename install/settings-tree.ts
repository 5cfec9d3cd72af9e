/** Reading the text of a settings file: where its hooks are, and which of them are ours. Pure. */
import { type Node, type ParseError, parse, parseTree } from 'jsonc-parser';
import invariant from 'tiny-invariant';
import { type Form, isOurs, type OwnHandler, ownHandler } from '../src/claude/settings.ts';
import { InstallError } from './error.ts';

/** A handler of ours and the event it is wired to. */
export interface Found {
  event: string;
  handler: Node;
}

/**
 * The tree of a settings file, whose root is an object. Accepts strict JSON only, as Claude Code does: it
 * ignores a whole file for the sake of one comment.
 */
export function parseSettings(text: string, file: string): Node {
  try {
    JSON.parse(text);
  } catch (cause) {
    const line = errorLine(text);
    throw new InstallError({ code: isRelaxedJson(text) ? 'relaxed-json' : 'not-json', file, line }, cause);
  }
  const root = treeOf(text, file);
  if (root.type !== 'object') throw new InstallError({ code: 'root-not-object', file });
  return root;
}

/** The values of all properties with this name: more than one when the author repeated a key. */
function valuesAt(object: Node, key: string): Node[] {
  return (object.children ?? []).flatMap(({ children }) =>
    children?.[0]?.value === key && children[1] ? [children[1]] : [],
  );
}

/** The value of the property with this name, or undefined. Refuses a repeated key: an edit could hit the wrong one. */
export function valueAt(object: Node, key: string, file: string): Node | undefined {
  const [first, second] = valuesAt(object, key);
  if (second) throw new InstallError({ code: 'duplicate-key', file, at: key });
  return first;
}

/** Every handler of ours below `root`, in the order of the text. Passes over what does not look like hooks. */
export function findOurs(text: string, root: Node): Found[] {
  return valuesAt(root, 'hooks')
    .flatMap((hooks) => (hooks.type === 'object' ? (hooks.children ?? []) : []))
    .flatMap((property) => {
      const [key, groups] = property.children ?? [];
      return elements(groups)
        .flatMap((group) => (group.type === 'object' ? valuesAt(group, 'hooks') : []))
        .flatMap(elements)
        .filter((handler) => isOurs(read(text, handler)))
        .map((handler) => ({ event: String(key?.value), handler }));
    });
}

/** The handlers of ours in this text as they are wired; none when it is no JSON. */
function wiredIn(text: string | null): OwnHandler[] {
  const body = (text ?? '').replace(/^\uFEFF/, '');
  try {
    return findOurs(body, parseSettings(body, '')).flatMap(
      ({ handler }) => ownHandler(read(body, handler)) ?? [],
    );
  } catch {
    return [];
  }
}

/** How the hot hooks of ours are wired in this text; null when none of ours is in it. */
export function formIn(text: string | null): Form | null {
  const forms = wiredIn(text).map(({ form }) => form);
  if (forms.length === 0) return null;
  return forms.includes('sh') ? 'sh' : 'node';
}

/** The folders in which the hooks of this text are, as it names them. */
export const foldersIn = (text: string | null): string[] => [
  ...new Set(wiredIn(text).map(({ script }) => script.replace(/[\\/]hooks[\\/][^\\/]*$/, ''))),
];

/** The plain value a node stands for. */
export function read(text: string, node: Node): unknown {
  return JSON.parse(text.slice(node.offset, node.offset + node.length));
}

function elements(node: Node | undefined): Node[] {
  return node?.type === 'array' ? (node.children ?? []) : [];
}

function treeOf(text: string, file: string): Node {
  try {
    const root = parseTree(text, [], { disallowComments: true });
    invariant(root, 'text that JSON.parse accepts has a tree');
    return root;
  } catch (cause) {
    // Nesting deeper than the parser's stack: legal JSON, but nothing a settings file should hold.
    throw new InstallError({ code: 'not-json', file }, cause);
  }
}

function isRelaxedJson(text: string): boolean {
  const errors: ParseError[] = [];
  parse(text, errors, { allowTrailingComma: true });
  return errors.length === 0;
}

function errorLine(text: string): number {
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true });
  const offset = errors[0]?.offset ?? 0;
  return text.slice(0, offset).split('\n').length;
}
