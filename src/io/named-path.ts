/** A path as a configuration names it: absolute, below the home, or relative to a directory. */
import os from 'node:os';
import { join, resolve } from 'node:path';

/** The absolute path that is meant; links in it are as they are. */
export function namedPath(from: string, path: string, env: NodeJS.ProcessEnv): string {
  const below = /^~(?:[\\/]|$)/.test(path) ? join(env.HOME || os.homedir(), path.slice(1)) : path;
  return resolve(from, below);
}
