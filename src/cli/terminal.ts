/** Where a command prints to: text for a person, or one JSON value for a program. */
import pc from 'picocolors';
import { visible } from '../core/quote.ts';
import type { Paint } from '../messages/cli.ts';

export const paint: Paint = pc.createColors(Boolean(process.stdout.isTTY) && !process.env.NO_COLOR);

export const columns = (): number => Math.min(process.stdout.columns || 80, 100);

/** Whoever reads may have seen enough, as `head` has. */
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause;
  process.exit();
});

/** The colours that messages are painted with; the only sequences of a terminal that a command ever prints. */
const colours = /(\u001b\[(?:[12]|22|3[1-6]|39)m)/;

/** Foreign text may be anywhere in what is printed: nothing of it reaches the terminal that would not be seen. */
export const harmless = (text: string): string =>
  text
    .split(colours)
    .map((part, index) => (index % 2 === 1 && pc.isColorSupported ? part : visible(part)))
    .join('');

/** For a person. */
export function print(text: string): void {
  const shown = harmless(text);
  process.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`);
}

/** JSON writes controls as escapes by itself; here also what is invisible or changes the direction, so that nothing is lost. */
const escaped = (json: string): string =>
  json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (char) =>
    char === '\n'
      ? char
      : char
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
  );

/** One value for a program. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${escaped(JSON.stringify(value, null, 2))}\n`);
};

/** The current directory; null when it was deleted. */
export function currentDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}

/** What a person has to know because it did not work; the exit code says it to a program. */
export function fail(text: string, code = 1): void {
  process.stderr.write(`${harmless(text)}\n`);
  process.exitCode = code;
}
