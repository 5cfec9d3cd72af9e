/**
 * Text that came from another session is data. These functions make it safe to show: nothing invisible, nothing that looks
 * like the client's own markup, no fence that it could close.
 */

/** Most text is plain, and the classes below cost a millisecond to build; so they are built where they are used. */
const plain = /^[\t\n\x20-\x7e]*$/;
/** Words of plain letters and signs with one space between them, and nothing that could be markup: one harmless line already. */
const tidy = /^(?:[!-;=-_a-~]+ )*[!-;=-_a-~]*$/;
/** The pattern remembers every word, and of millions it cannot. */
const isTidy = (text: string): boolean => text.length < 10_000 && tidy.test(text);

/**
 * Without half characters, terminal sequences, controls except tab and newline, format characters (bidi, zero width, tags),
 * separators, and whatever Unicode says is not to be shown (variation selectors, fillers, also what it has yet to assign).
 */
const withoutInvisible = (text: string): string =>
  text
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/\r\n?/g, '\n')
    .replace(
      /\u001b\[[0-9;?]*[ -/]*[@-~]|(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
      '',
    );

/** Tags as the client writes them: names with `-`, `_` or `:` inside, and the few without. */
const withoutMarkup = (text: string): string =>
  text.replace(
    /<(?=\/?\s*(?:[a-z][a-z0-9]*(?:[-_:][a-z0-9]+)+|system|human|user|assistant|instructions?|important|invoke|parameter|thinking|context|function|result|tool|summary|event)\b)/gi,
    '&lt;',
  );

/** Nobody means a longer run of backticks, and a fence has to be longer than any run that it holds. */
const withoutLongRuns = (text: string): string => text.replace(/`{12}(?=`)/g, (run) => `${run} `);

/** Several lines of foreign text, harmless. */
export function sanitize(text: string): string {
  const visible = plain.test(text) ? text : withoutInvisible(text);
  const inert = visible.includes('<') ? withoutMarkup(visible) : visible;
  return inert.includes('`````') ? withoutLongRuns(inert) : inert;
}

/** Cuts to at most `most` characters, the last one an ellipsis when something was cut; never through a surrogate pair. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '');
  return `${cut.trimEnd()}…`;
}

/** One harmless line of at most `most` characters. */
export const oneLine = (text: string, most: number): string =>
  clip(isTidy(text) ? text.trimEnd() : sanitize(text).replace(/\s+/g, ' ').trim(), most);

/** As `oneLine`, in double quotes that the text cannot close. */
export const quoted = (text: string, most: number): string => `"${oneLine(text, most).replaceAll('"', "'")}"`;

/** A Markdown code block around the text, with a fence longer than any run of backticks inside. */
export function fenced(text: string, info = 'text'): string {
  const runs = text.includes('```') ? text.match(/`{3,}/g)! : [];
  const fence = '`'.repeat(Math.max(2, ...runs.map((run) => run.length)) + 1);
  return `${fence}${info}\n${text}\n${fence}`;
}
