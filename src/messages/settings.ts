/** What people read about what Claude Code dislikes in a settings file. */
import type { Dislike } from '../claude/judge-settings.ts';
import type { Expected } from '../claude/settings-rules.ts';
import { oneLine } from '../core/quote.ts';

const mostNamed = 4;

/** One place, and what should be there, as a sentence. */
export function dislikeText(dislike: Dislike | undefined): string {
  if (!dislike) return '';
  const { why } = dislike;
  const path = oneLine(dislike.path, 120);
  if (why.code === 'stray-guard')
    return `"${path}" holds hooks that may forbid tools (PreToolUse, PermissionRequest) where no hooks belong.`;
  return `"${path}" should be ${expectedText(why.expected)}.`;
}

/** Several of them; of many the first. */
export function dislikesText(dislikes: readonly Dislike[]): string {
  const named = dislikes.slice(0, mostNamed).map(dislikeText).join(' ');
  const more = dislikes.length - mostNamed;
  return more > 0 ? `${named} And ${more} more.` : named;
}

const simple: Readonly<Record<string, string>> = {
  anything: 'there',
  string: 'a string',
  text: 'a string that is not empty',
  url: 'a URL',
  name: 'a name',
  boolean: 'true or false',
  number: 'a number',
  positive: 'a number above 0, without quotes',
  whole: 'a whole number above 0, without quotes',
  natural: 'a whole number, without quotes',
  null: 'null',
  marketplace: 'a marketplace with a source that Claude Code knows',
};

function expectedText(expected: Expected): string {
  if (typeof expected === 'string') return simple[expected] ?? expected;
  if (Array.isArray(expected)) {
    const words = expected.map((word) => `"${word}"`);
    if (words.length > 8) return 'one of the names that Claude Code knows';
    return words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
  }
  const rule = expected as Exclude<Expected, string | readonly string[]>;
  if ('listOf' in rule) return rule.listOf === 'string' ? 'a list of strings' : 'a list';
  // The first alternative is the sensible one; the others are passed over, or mean the same.
  if ('either' in rule) return expectedText(rule.either[0] ?? 'anything');
  return 'an object';
}
