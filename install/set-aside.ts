/** What is in the way of our scripts is kept in the private state of the user, where nobody commits it and no formatter walks. */
import { basename, join } from 'node:path';
import { makePrivateDirectory, replaceFile } from '../src/io/atomic-write.ts';
import { isLink } from '../src/io/own-directory.ts';
import { preparePlace, statePlaces } from '../src/io/places.ts';
import { locateScope } from '../src/io/scope.ts';
import { readBytes } from './disk.ts';
import { InstallError, onDisk } from './error.ts';
import { sha256 } from './manifest.ts';
import type { Target } from './target.ts';

/**
 * Copies the files to `set-aside/<hash>-<name>` in the place where the state of `target` lives, and returns that directory: they may
 * be somebody's work. The hash is of what is in them, so the same work is kept once. Throws InstallError when they cannot be kept.
 */
export function setAside(files: readonly string[], target: Target, env: NodeJS.ProcessEnv): string {
  const directory = prepareDirectory(target.root, env);
  for (const file of files) {
    const content = readBytes(file, target.fence);
    if (!content) continue;
    const copy = join(directory, `${sha256(content).slice(0, 12)}-${basename(file)}`);
    onDisk('cannot-write', copy, () => replaceFile(copy, content, { durable: true }));
  }
  return directory;
}

/** In the best place that can be written to; nothing is kept in a temporary directory. */
function prepareDirectory(root: string, env: NodeJS.ProcessEnv): string {
  let failure = new InstallError({ code: 'cannot-write', file: join(root, 'set-aside') });
  for (const place of onDisk('cannot-read', root, () => statePlaces(locateScope(root), env))) {
    if (place.what === 'temporary directory') continue;
    const directory = join(place.path, 'set-aside');
    try {
      return onDisk('cannot-write', directory, () => {
        preparePlace(place);
        if (isLink(directory)) throw new InstallError({ code: 'no-directory', file: directory });
        makePrivateDirectory(directory);
        return directory;
      });
    } catch (error) {
      if (!(error instanceof InstallError)) throw error;
      failure = error;
    }
  }
  throw failure;
}
