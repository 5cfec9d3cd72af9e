/**
 * What a session's last message asks, and what it calls the next step. Every stop looks for that, so by a few marks and words: the
 * patterns that would say the same take a fiftieth of a Node start to build.
 */
import { clip } from './quote.ts';
import type { Todo } from './transcript.ts';

const mostQuestions = 6;
const questionChars = 400;
const stepChars = { least: 3, most: 400 };

const spaces = ' \t\r\n\u00a0';
/** What may stand before the first word of a line or sentence. */
const bullets = `${spaces}>*#-`;
/** What may stand right after the mark that ends a sentence. */
const closing = `${spaces}"')*_]`;

const isSpace = (char: string | undefined): boolean => char === undefined || spaces.includes(char);

/** Where the first other character is, from there on. */
function after(text: string, from: number, chars: string): number {
  let at = from;
  while (at < text.length && chars.includes(text[at]!)) at++;
  return at;
}

/** Where the sentence begins that has a character there: after a line's end, or a mark before a space. Looks back to `least`. */
function beginning(text: string, at: number, least = 0): number {
  for (let from = at; from > least; from--) {
    const before = text[from - 1]!;
    if (before === '\n' || (isSpace(text[from]) && '.?!'.includes(before))) return from;
  }
  return least;
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
    if (next !== undefined && !closing.includes(next)) continue;
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
    const begin = beginning(lower, next, Math.max(0, next - leadChars));
    const lead = lower.slice(after(lower, begin, bullets), next).trim();
    if (lead !== '' && lead !== 'the') continue;
    let at = after(lower, next + 4, spaces);
    if (lower.startsWith('step', at)) at = after(lower, at + 4, 's');
    at = after(lower, at, `${spaces}*`);
    const verb = [':', 'is ', 'are '].find((word) => lower.startsWith(word, at));
    if (verb === undefined) continue;
    at = after(lower, at + verb.length, `${spaces}*`);
    const end = lower.indexOf('\n', at);
    const step = said.slice(at, end < 0 ? undefined : end).trim();
    if (step.length >= stepChars.least && step.length <= stepChars.most) return step;
  }
  return '';
}
