/**
 * Text that came from another session is data. These functions make it safe to show: nothing invisible, nothing that looks
 * like the client's own markup, no fence that it could close.
 */
import { withoutInvisible, withoutMarkup, withoutRoles } from './inert.ts';

/** Most text is plain, and the classes below cost a millisecond to build; so they are built where they are used. */
const plain = /^[\t\n\x20-\x7e]*$/;
/** Words of plain letters and signs with one space between them, and nothing that could be markup: one harmless line already. */
const tidy = /^(?:[!-;=-_a-~]+ )*[!-;=-_a-~]*$/;
/** The pattern remembers every word, and of millions it cannot. */
const isTidy = (text: string): boolean => text.length < 10_000 && tidy.test(text) && !speaks.test(text);

/** What is left of text when the part that makes it harmless is missing or cannot be read. */
const crudely = (text: string): string => text.replace(/[^\t\n\x20-\x7e]|[<[]/g, '?').replace(/:/g, ' ');

/** The text as it is seen: nothing in it that a terminal obeys or that nobody sees. */
export function visible(text: string): string {
  if (plain.test(text)) return text;
  try {
    return withoutInvisible(text);
  } catch {
    return crudely(text);
  }
}

/** Who speaks, as models were told before there were messages. */
const speaks = /Human:|Assistant:|\[\/?[A-Z]/;

/** Nobody means a longer run of backticks, and a fence has to be longer than any run that it holds. */
const withoutLongRuns = (text: string): string => text.replace(/`{12}(?=`)/g, (run) => `${run} `);

function unmarked(text: string): string {
  try {
    const left = text.includes('<') || !plain.test(text) ? withoutMarkup(text) : text;
    return speaks.test(left) ? withoutRoles(left) : left;
  } catch {
    return crudely(text);
  }
}

/** Several lines of foreign text, harmless. */
export function sanitize(text: string): string {
  const inert = unmarked(visible(text));
  return inert.includes('`````') ? withoutLongRuns(inert) : inert;
}

/** Cuts to at most `most` characters, the last one an ellipsis when something was cut; never through a surrogate pair. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '');
  return `${cut.trimEnd()}…`;
}

/** One harmless line of at most `most` characters. */
export function oneLine(text: string, most: number): string {
  if (isTidy(text)) return clip(text.trimEnd(), most);
  // What is far behind the cut is not worth being read; a tag is escaped to at most five characters for one.
  const whole = text.length > most * 8 + 4096 ? text.slice(0, most * 8 + 4096) : text;
  return clip(sanitize(sanitize(whole).replace(/\s+/g, ' ').trim()), most);
}

/** As `oneLine`, in double quotes that the text cannot close. */
export const quoted = (text: string, most: number): string => `"${oneLine(text, most).replaceAll('"', "'")}"`;

/** A Markdown code block around the text, with a fence longer than any run of backticks inside. */
export function fenced(text: string, info = 'text'): string {
  const runs = text.includes('```') ? text.match(/`{3,}/g)! : [];
  const fence = '`'.repeat(Math.max(2, ...runs.map((run) => run.length)) + 1);
  return `${fence}${info}\n${text}\n${fence}`;
}
