/**
 * Finds secrets in text. Hooks load it only for text that might hold one. Each rule reads the text once, however the text is made.
 * What none of them knows: a secret without a shape of its own and without a telling name next to it.
 */
import { withoutAddresses } from './secrets/addresses.ts';
import { withoutBlocks } from './secrets/blocks.ts';
import { withoutCommands } from './secrets/commands.ts';
import { withoutGiven } from './secrets/given.ts';
import { withoutNamed } from './secrets/named.ts';
import { withoutSpoken } from './secrets/spoken.ts';
import { withoutWords } from './secrets/words.ts';

const rules = [
  withoutBlocks,
  withoutAddresses,
  withoutCommands,
  withoutGiven,
  withoutSpoken,
  withoutNamed,
  withoutWords,
];
const once = (text: string): string => rules.reduce((left, rule) => rule(left), text);

/** The text with every recognised secret replaced by `[redacted]`. What is left holds nothing that would be replaced again. */
export function withoutSecrets(text: string): string {
  let left = text;
  // What stands beside a secret may look different once it is gone; this ends soon, because every change takes letters away.
  for (let turn = 0; turn < 8; turn++) {
    const next = once(left);
    if (next === left) return left;
    left = next;
  }
  return left;
}
