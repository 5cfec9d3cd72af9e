/** Where a command prints to: text for a person, or one JSON value for a program. */
import pc from 'picocolors';
import type { Paint } from '../messages/cli.ts';

export const paint: Paint = pc.createColors(Boolean(process.stdout.isTTY) && !process.env.NO_COLOR);

export const columns = (): number => Math.min(process.stdout.columns || 80, 100);

/** Whoever reads may have seen enough, as `head` has. */
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause;
  process.exit();
});

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

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
  process.stderr.write(`${text}\n`);
  process.exitCode = code;
}
