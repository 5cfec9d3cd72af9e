/** Programs that stand before others, and where the others are. */
import { chmodSync, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { write } from './scratch.ts';

/** A shell script that can be run. */
export function program(path: string, script: string): string {
  chmodSync(write(path, `#!/bin/sh\n${script}\n`), 0o755);
  return path;
}

/** Where a program of the machine is that tests cannot do without. */
export function programPath(name: string): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (!found) throw new Error(`These tests need ${name}, which is not on the PATH.`);
  return found;
}
