/**
 * How foreign text is made harmless where it is not plain: nothing invisible, nothing that looks like the client's own markup. Most
 * text needs none of it, so hooks load it only for text that does.
 */

/**
 * Without half characters, terminal sequences as a whole, overprinted letters, controls except tab and newline, format characters
 * (bidi, zero width, tags), separators, and whatever Unicode says is not to be shown (variation selectors, fillers, also what it has
 * yet to assign).
 */
export const withoutInvisible = (text: string): string =>
  text
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/\r+\n?/g, '\n')
    .replace(/[^\n\u001b\u0080-\u009f]\u0008/gu, '')
    .replace(
      // A sequence with a string (title, clipboard, link), one with numbers, a short one, and whatever else is not seen.
      /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f\n]{0,8192}(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]|\u001b[ -/]{1,4}[0-~]|\u001b[0-OQ-WYZ\\`-~](?![\w-])|(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
      '',
    );

/** Letters of other scripts that look like Latin ones, and what they look like. */
const alike: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ..."аaсcԁdеeɡgһhіiıiјjкkмmнhоoрpԛqѕsтtυuνvѡwхxуyαaεeιiκkοoρpτtꜱsʏyᴛtᴇeᴍmɪiɴnʀrᴅdᴀaᴏoʟlᴜuᴄcʜhꞌ'∕/⁄/⧸/‐-‑-‒-–-—-−-⁃-ǀ|∣|",
  ]
    .map((letter, index, all) => [letter, all[index + 1] ?? ''])
    .filter((_, index) => index % 2 === 0),
);
const asItLooks = (text: string): string =>
  /^[\x00-\x7f]*$/.test(text)
    ? text
    : text
        .normalize('NFKD')
        .replace(/\p{M}+/gu, '')
        .replace(/\P{ASCII}/gu, (letter) => alike[letter.toLowerCase()] ?? letter);

const name =
  '(?:[a-z][a-z0-9]*(?:\\s?[-_:]\\s?[a-z0-9]+)+|system|sys|human|user|assistant|instructions?|important|invoke|parameter|thinking|context|function|result|tool|summary|event)';
/** Tags as the client writes them: names with `-`, `_` or `:` inside, and the few without. With a space before, only whole tags. */
const tag = new RegExp(
  `^(?:(?:\\/\\s*)?${name.replaceAll('\\s?', '')}\\b|\\s*\\/?\\s*${name}\\b[^<>]{0,80}>|\\s*\\|\\s?[^|<>\\s]{1,40}\\s?\\|\\s?>)`,
  'i',
);
/** Everything that looks like an opening angle bracket. */
const brackets = /[<＜﹤‹〈⟨❮˂ᐸ𐒷](?=([^<＜﹤‹〈⟨❮˂ᐸ𐒷]{0,120}))/gu;

/** The text in which every bracket that opens something like a tag of the client is written `&lt;`, however the tag is disguised. */
export const withoutMarkup = (text: string): string =>
  text.replace(brackets, (bracket, next: string) => (tag.test(asItLooks(next)) ? '&lt;' : bracket));

/** How models were told who speaks, before there were messages. */
const roles =
  /(?<=^|\n)([ \t]{0,8}(?:Human|Assistant)):|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\])/g;
/** The text in which no line begins as another speaker, and no mark of a prompt format is whole. */
export const withoutRoles = (text: string): string =>
  text.replace(roles, (_, speaker?: string) => (speaker === undefined ? '&#91;' : `${speaker}&#58;`));
