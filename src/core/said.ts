/**
 * What a session's last message asks, and what it calls the next step. Every stop looks for that, so by a few marks and words:
 * patterns for it take a fiftieth of a Node start to build.
 */
import { clip } from './quote.ts';
import type { Todo } from './transcript.ts';

const mostQuestions = 6;
const questionChars = 400;
const stepChars = { least: 3, most: 400 };

const spaces = ' \t\r\n\u00a0';
/** What may stand before the first word of a line or sentence. */
const bullets = `${spaces}>*#-`;
/** What may stand between the mark that ends a sentence and the space after it. */
const closers = `"')*_]`;

const isSpace = (char: string | undefined): boolean => char === undefined || spaces.includes(char);
const isLetter = (char = ''): boolean => char.toLowerCase() !== char.toUpperCase();

/** Where the first other character is, from there on. */
function after(text: string, from: number, chars: string): number {
  let at = from;
  while (at < text.length && chars.includes(text[at]!)) at++;
  return at;
}

/** As `after`, of what may follow a word that is bold: stars, then spaces. */
const afterMark = (text: string, from: number): number => after(text, after(text, from, '*'), spaces);

/** Whether a sentence ends before that space. */
function endsBefore(text: string, space: number): boolean {
  let last = space - 1;
  while (last >= 0 && closers.includes(text[last]!)) last--;
  return last >= 0 && '.?!'.includes(text[last]!);
}

/** Where the line or sentence begins that has a character there; -1 when that is more than so many characters before. */
function beginning(text: string, at: number, most = text.length): number {
  const least = Math.max(0, at - most);
  for (let from = at; from > least; from--)
    if (text[from - 1] === '\n' || (isSpace(text[from]) && endsBefore(text, from))) return from;
  return least === 0 ? 0 : -1;
}

/** Question marks in code ask nothing; they are put back where the question around them does. */
const inCode = '\u2047';
function withoutCode(said: string): string {
  if (!said.includes('`')) return said;
  return said
    .replace(/^(`{3,})[\s\S]*?^\1/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replaceAll('?', inCode));
}

/** The last sentences that ask something, word for word. */
export function questionsIn(said: string): string[] {
  if (!said.includes('?')) return [];
  const prose = withoutCode(said);
  const questions: string[] = [];
  for (let at = prose.lastIndexOf('?'); at > 0; at = prose.lastIndexOf('?', at - 1)) {
    const next = prose[at + 1];
    if (!isSpace(next) && !closers.includes(next!)) continue;
    const begin = after(prose, beginning(prose, at), bullets);
    // Marks alone ask nothing.
    if (after(prose, begin, '.?!') > at) continue;
    questions.unshift(clip(prose.slice(begin, at + 1).replaceAll(inCode, '?'), questionChars));
    if (questions.length === mostQuestions) break;
  }
  return questions;
}

/** The first unfinished todo, or what the message itself calls the next step. */
export function nextStep(todos: readonly Todo[], said: string): string {
  const open =
    todos.find((todo) => todo.status === 'in_progress') ?? todos.find((todo) => todo.status === 'pending');
  return open ? open.text : announced(said);
}

/** The same letters in lower case, each in its place: of some letters the small one is two characters long. */
function lowered(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** No more than bullets and "the" stands between the beginning of the sentence and "next". */
const leadChars = 24;

/** What comes after "next:", "the next step is" and the like, where a sentence begins with that. */
function announced(said: string): string {
  const lower = lowered(said);
  for (let next = lower.indexOf('next'); next >= 0; next = lower.indexOf('next', next + 4)) {
    const begin = beginning(lower, next, leadChars);
    const lead = begin < 0 ? 'more' : lower.slice(after(lower, begin, bullets), next).trim();
    if (lead !== '' && lead !== 'the') continue;
    let at = after(lower, next + 4, spaces);
    if (lower.startsWith('step', at)) at = after(lower, at + 4, 's');
    at = after(lower, at, `${spaces}*`);
    const verb = ['is', 'are'].find(
      (word) => lower.startsWith(word, at) && !isLetter(lower[at + word.length]),
    );
    if (verb) at = afterMark(lower, at + verb.length);
    if (lower[at] === ':') at = afterMark(lower, at + 1);
    else if (!verb) continue;
    const end = lower.indexOf('\n', at);
    const step = said.slice(at, end < 0 ? undefined : end).trim();
    if (step.length >= stepChars.least && step.length <= stepChars.most) return step;
  }
  return '';
}
