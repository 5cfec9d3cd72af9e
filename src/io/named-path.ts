/** A path as a configuration names it: absolute, below the home, or relative to a directory. */
import { join, resolve } from 'node:path';
import { homeDirectory } from './places.ts';

/** The absolute path that is meant; links in it are as they are. Without a home `~` is a name like any other. */
export function namedPath(from: string, path: string, env: NodeJS.ProcessEnv): string {
  const home = /^~(?:[\\/]|$)/.test(path) ? homeDirectory(env) : '';
  return resolve(from, home ? join(home, path.slice(1)) : path);
}
