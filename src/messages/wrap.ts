/** Breaking text into lines for a terminal. */
import { printedCommand } from './own-command.ts';

const words = new RegExp(`["\`(]?${printedCommand.source}|sudo chown .*|\\S+`, 'g');

/** Breaks at spaces. A path that is longer than a line stays whole, and so does a command, so that it can be copied. */
export function wrap(text: string, width = 80): string[] {
  const lines: string[] = [];
  for (const [word] of text.matchAll(words)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
