/** Secrets beside a name: `password: x`, `--token x`, `"apiKey": "x"`, `<password>x</password>`, a table, a call, a block of YAML. */
import { isMnemonic, looksSecret, type Telling } from './looks.ts';
import { mark } from './mark.ts';
import { telling } from './names.ts';
import { nextOf } from './next.ts';

/** Scripts without spaces: there a name ends where letters of another script begin. */
const unspaced = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}ー';
const name = new RegExp(
  `[${unspaced}]{1,80}|[\\p{L}_](?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}_-]){0,80}`,
  'gu',
);
const isUnspaced = new RegExp(`[${unspaced}]$`, 'u');
/** What may close around a name: quotes, Markdown, brackets, a note in brackets. */
const closers = '(?:\\\\?["\'`*_\\])]|&quot;){0,5}';
const separator = new RegExp(
  `${closers}(?:[ \\t]\\([^()\\n]{1,30}\\))?[ \\t]{0,64}(?:` +
    // Assignments of all languages, arrows, full-width signs, percent escapes.
    '(?:===?|!==?|:[-=?+]|\\?=|\\+=|\\|\\|=|\\?\\?=|=>|->|::?|[=|：＝→⇒]|%3[AaDd]|&#(?:58|61);|(?<![ \\t])(?:&gt;|>))' +
    // A name and its value in two attributes, members or lines.
    '|,?\\s{1,40}(?:-\\s)?\\\\?["\']?(?:value|default|content|val)\\\\?["\']?[ \\t]{0,8}[:=]' +
    '|,[ \\t]{0,4}\\\\?["\'](?:value|default|content|val)\\\\?["\'][ \\t]{0,8}[:=]' +
    '|[ \\t]{0,8}\\{[^{}"\']{0,160}?(?:value|default)[ \\t]{0,16}=' +
    // A typed name.
    '|[ \\t][A-Za-z][\\w.<>[\\]?]{1,30}[ \\t]{1,16}:?=' +
    ')',
  'y',
);
const call = /(?:["'`]\]?)?[ \t]{0,4}(?:\([ \t]{0,4}(?=[@bfru]?["'`])|,[ \t]{0,8}(?=\\?["']))/y;
const opening =
  /(?:[ \t]|\*\*|__|&quot;){0,64}(?:[>|][+-]?\d?[ \t]{0,8}\r?\n[ \t]{1,64}|\\?\r?\n[ \t]{1,64}(?=["'\w][^\s:=]{7,200}[ \t]{0,8}(?:\n|$)))?/y;
const quote = /(?:[@$bfru]{0,2}(?=\\?["'`]))?(\\{0,3}(?:"""|'''|["'`])|&quot;|“|«|„|‘|「|『|<!\[CDATA\[)/y;
const closes: Readonly<Record<string, string>> = {
  '“': '”',
  '«': '»',
  '„': '“',
  '‘': '’',
  '「': '」',
  '『': '』',
  '<![CDATA[': ']]>',
};
const ends =
  /&[\w.[\]-]{1,64}=|&amp;|;(?=\s|$|\s?[A-Za-z][\w .-]{1,40}=)|,(?=\s|$|["'{[]|[\w.-]{1,40}[=:])|\\{0,3}["'`](?=[\s,;:.)}\]|&>\\]|$)|\\[nrt]|<\/|<br|&quot;|&lt;|%26|\*\*|[)}\]](?=[;,.)}\]]{0,8}(?:\s|$))/g;

interface Value {
  readonly from: number;
  readonly to: number;
  readonly quoted: boolean;
}

const mostChars = 4096;
const at = (pattern: RegExp, text: string, index: number): RegExpExecArray | null => {
  pattern.lastIndex = index;
  return pattern.exec(text);
};
/** Reads values in one text. Places are asked for from its beginning to its end. */
class Values {
  readonly text: string;
  readonly #line: (from: number) => number;
  readonly #space: (from: number) => number;
  readonly #end: (from: number) => number;
  readonly #closers = new Map<string, (from: number) => number>();

  constructor(text: string) {
    this.text = text;
    this.#line = nextOf(text, /\n/g);
    this.#space = nextOf(text, /\s/g);
    this.#end = nextOf(text, ends);
  }

  endOfLine(from: number): number {
    return Math.min(this.#line(from), from + mostChars);
  }

  /** Where the quote that was opened before `from` is closed on its line; -1 where it is not. */
  #closing(opened: string, from: number): number {
    let next = this.#closers.get(opened);
    if (!next) {
      const closer = (closes[opened] ?? opened).replace(/[\\[\]]/g, '\\$&');
      const whole = opened.startsWith('\\') ? closer : `(?:(?<!\\\\)|(?<=\\\\\\\\))${closer}`;
      next = nextOf(this.text, new RegExp(whole, 'g'));
      this.#closers.set(opened, next);
    }
    const found = next(from);
    return found < this.endOfLine(from) ? found : -1;
  }

  #unquoted(from: number): Value {
    let to = Math.min(this.#space(from), this.#end(from), from + mostChars);
    while (to > from && ',;.:!?'.includes(this.text[to - 1]!)) to--;
    return { from, to, quoted: false };
  }

  /** The value that starts at or after `start`. */
  at(start: number): Value {
    const from = start + (at(opening, this.text, start)?.[0].length ?? 0);
    const quoting = at(quote, this.text, from);
    if (!quoting) return this.#unquoted(from);
    const inside = from + quoting[0].length;
    const end = this.#closing(quoting[1]!, inside);
    return end < 0 ? this.#unquoted(inside) : { from: inside, to: end, quoted: true };
  }
}

/** Behind a type comes the value itself: `password: string = "x"`. */
function behindType(values: Values, value: Value): Value {
  const assigned = value.quoted
    ? null
    : at(/[^\n"'=;,(){}]{0,40}?=[ \t]{0,8}(?=[@bfru]?["'`])/y, values.text, value.from);
  return assigned ? values.at(value.from + assigned[0].length) : value;
}

/** A password of several words without quotes: up to the word that gives it away. */
function phrase(values: Values, value: Value): Value {
  const line = values.text.slice(value.from, Math.min(values.endOfLine(value.from), value.from + 120));
  const words = [...line.matchAll(/\S+/g)].slice(0, 6);
  const telling = words.findLast(
    ({ 0: word, index }) => index > 0 && looksSecret(word.replace(/[,;.:!?"'`*)]+$/, ''), 2, false),
  );
  if (!telling || looksSecret(words[0]![0], 3, false, false)) return value;
  return {
    from: value.from,
    to: value.from + telling.index + telling[0].replace(/[,;.:!?"'`*)]+$/, '').length,
    quoted: true,
  };
}

/** A name and its value with only a space between them, where a command, SQL or prose has it so. */
function spaced(values: Values, found: RegExpExecArray, told: Telling): Value | null {
  const { text } = values;
  const { index } = found;
  const end = index + found[0].length;
  const gap = at(
    /["'`]?[ \t]{1,16}(?:(?:is|was|ist|lautet|est|es|=|BY|TO|AS|to)[ \t]{1,4})?(?=[^\s:=,;.)\]|&<>])/y,
    text,
    end,
  );
  if (!gap) return null;
  const value = values.at(end + gap[0].length);
  const before = text.slice(Math.max(0, index - 80), index);
  const flag = /(?:^|[\s"'`=[(,])--?[\w-]{0,40}$/.test(before);
  const set =
    /(?:^|[\n;&|]|\bRUN)[ \t]{0,16}(?:set(?:x|env)?(?:[ \t]-\w+)*|ENV|ARG|export|-x)[ \t]{1,8}[\w]{0,40}$/.test(
      before,
    );
  const netrc = /\blogin[ \t]+\S+\s+$/.test(before) || /\bmachine[ \t]+\S+\s+$/.test(before);
  if (flag || set || netrc) return value;
  if (told < 3) return null;
  if (value.quoted)
    return /(?:WITH|USER|ROLE|BY|SET|IDENTIFIED)\b[^\n]*$/i.test(before) ||
      /[^\s"'`]/.test(gap[0]) ||
      /^(?=\S*\d)(?=\S*[A-Za-z])\S{6,}$/.test(text.slice(value.from, value.to))
      ? value
      : null;
  const word = text.slice(value.from, value.to);
  return /\d/.test(word) && /[A-Za-z]/.test(word) && word.length >= 6 && looksSecret(word, 2, false)
    ? value
    : null;
}

/** The value right behind a name of a script without spaces: in quotes, or as far as it is written in Latin letters. */
function glued(values: Values, end: number): Value | null {
  const from = end + at(/[ \t]{0,8}/y, values.text, end)![0].length;
  if (/["“「『]/.test(values.text[from] ?? '')) return values.at(from);
  const word = at(/[!-~]{6,128}/y, values.text, from)?.[0] ?? '';
  return /\d/.test(word) && /[A-Za-z]/.test(word) ? { from, to: from + word.length, quoted: false } : null;
}

function valueBeside(values: Values, found: RegExpExecArray, told: Telling): Value | null {
  const { text } = values;
  const end = found.index + found[0].length;
  const sign = at(separator, text, end) ?? at(call, text, end);
  if (!sign) return isUnspaced.test(found[0]) ? glued(values, end) : spaced(values, found, told);
  return behindType(values, values.at(end + sign[0].length));
}

/** The whole of a value that was broken over lines: what follows is nothing but more of the same. */
export function withContinuation(text: string, to: number): number {
  let end = to;
  for (let line = 0; line < 60; line++) {
    const more = at(/=?\\?\r?\n[ \t>|#*"']{0,16}([A-Za-z0-9+/=_-]{16,200})(?=[\s"'`,;.\\]|$)/y, text, end);
    if (!more || !/\d/.test(more[1]!) || !/[A-Z]/.test(more[1]!) || !/[a-z]/.test(more[1]!)) break;
    end += more[0].length;
  }
  return end;
}

/** The text without the values that look like secrets beside names that tell of them. */
export function withoutNamed(text: string): string {
  let kept = '';
  let done = 0;
  const values = new Values(text);
  name.lastIndex = 0;
  for (let found = name.exec(text); found; found = name.exec(text)) {
    const told = telling(found[0], text.slice(Math.max(0, found.index - 24), found.index));
    if (!told || found.index < done) continue;
    const value = valueBeside(values, found, told);
    if (!value || value.to <= value.from) continue;
    const read = (some: Value): string => text.slice(some.from, Math.min(some.to, some.from + 200));
    const alone =
      value.quoted || /^[.!]?(?:[ \t]*(?:\r?\n|$)|[&;"'`*<|})])/.test(text.slice(value.to, value.to + 8));
    let secret: Value | null = looksSecret(read(value), told, value.quoted, alone) ? value : null;
    if (/mnemonic|seed|phrase|words/i.test(found[0])) {
      const words = /^(?:[a-z]{3,8} ){11,24}[a-z]{3,8}/.exec(text.slice(value.from, value.from + 240))?.[0];
      if (words && isMnemonic(words.split(' ')))
        secret = { from: value.from, to: value.from + words.length, quoted: true };
    }
    if (told === 3 && !value.quoted) {
      const whole = phrase(values, value);
      if (whole !== value && (secret || looksSecret(read(whole), 3, true))) secret = whole;
    }
    if (!secret) continue;
    const to =
      secret.to - secret.from >= 16 && !secret.quoted ? withContinuation(text, secret.to) : secret.to;
    kept += text.slice(done, secret.from) + mark;
    done = to;
    name.lastIndex = Math.max(to, found.index + found[0].length);
  }
  return kept + text.slice(done);
}
