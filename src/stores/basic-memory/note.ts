/**
 * A note of ours as basic-memory keeps it: frontmatter, our text, and below a line whatever others add.
 *
 * Every value is quoted, because YAML turns 12:30:45 into a number. basic-memory drops the quotes, folds long lines and adds keys
 * when it rewrites a note, so a head that is not as it was written here is read as YAML, every value a string.
 */

/** Values by key: a text, or a list of them. */
export type Head = ReadonlyMap<string, string | readonly string[]>;

/** Ours ends here. What stands below belongs to whoever wrote it and is carried over when the note is replaced. */
const line = '<!-- flowloom: kept below this line, replaced above it -->';

const headPattern = /^\ufeff?\s*---[ \t]*\r?\n([\s\S]{0,50000}?\r?\n)---[ \t]*(?:\r?\n|$)/;

const isText = (value: unknown): value is string => typeof value === 'string';

const halfCharacter = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** JSON is YAML, but for what YAML calls unprintable and for half characters, which no file can hold. */
const written = (value: string | readonly string[]): string =>
  JSON.stringify(value, (_, one) => (isText(one) ? one.replace(halfCharacter, '\ufffd') : one)).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The head as text, with its fences. */
export const renderHead = (head: Head): string =>
  `---\n${[...head].map(([key, value]) => `${key}: ${written(value)}\n`).join('')}---\n`;

/** Head and body of a text; null when it does not begin with a head. */
export function splitHead(text: string): { block: string; body: string } | null {
  const match = text.match(headPattern);
  return match && { block: match[1]!, body: text.slice(match[0].length) };
}

/** A head as it was written here; null when another program has written it since. */
export function ownHead(block: string): Head | null {
  const head = new Map<string, string | string[]>();
  for (const row of block.trimEnd().split('\n')) {
    const at = row.indexOf(': ');
    let value: unknown;
    try {
      value = JSON.parse(row.slice(at + 2));
    } catch {
      return null;
    }
    if (at < 1 || !(isText(value) || (Array.isArray(value) && value.every(isText)))) return null;
    head.set(row.slice(0, at), value);
  }
  return head;
}

/** The head, whoever wrote it last; null when it is none. The reader of YAML is loaded only for what others wrote. */
export async function readHead(block: string): Promise<Head | null> {
  return ownHead(block) ?? (await import('./foreign-head.ts')).foreignHead(block);
}

/** Our part of a note, letter by letter, and what others added; `added` is null where our line is gone. */
export function splitNote(text: string): { own: string; added: string | null } {
  const at = text.lastIndexOf(`\n${line}`);
  const rest = at < 0 ? '' : text.slice(at + 1 + line.length);
  if (at < 0 || !/^(?:\r?\n|$)/.test(rest)) return { own: text, added: null };
  return { own: text.slice(0, at).replace(/\r$/, ''), added: rest.replace(/^\r?\n/, '') };
}

/** Ours and theirs as one note. */
export const joinNote = (own: string, added: string): string => `${own}\n${line}\n${added}`;

/**
 * What of the text in a place of ours is somebody else's: what stands below our line; everything, where neither the line nor a
 * head of ours is left.
 */
export function addedTo(text: string): string {
  const { added } = splitNote(text);
  if (added !== null) return added;
  return /^type: *["']?(?:flowloom_member|handoff)["']? *\r?$/m.test(splitHead(text)?.block ?? '')
    ? ''
    : text;
}
