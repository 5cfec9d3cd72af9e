import { logDirectories } from '../../compose.ts';
import { readLog } from '../../io/log.ts';
import { logText } from '../../messages/cli.ts';
import { print, printJson } from '../terminal.ts';

/** What hooks of this scope had to report, oldest first. */
export function log(options: { json?: boolean; lines: number }): void {
  const entries = readLog(logDirectories(process.cwd(), process.env), options.lines);
  if (options.json) printJson(entries);
  else print(logText(entries));
}
