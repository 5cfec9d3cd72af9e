/**
 * Who this machine is, where the system keeps no id that can be read without a process: a random text in a directory that stays on
 * the machine, since homes may be shared between machines and host names follow the network.
 *
 *     /var/tmp/flowloom-501/machine-id      3f0c9a61b2d84e7a5510c7e2
 */
import fs from 'node:fs';
import os from 'node:os';
import { createFile, makePrivateDirectory } from './atomic-write.ts';
import { isOwnDirectory } from './own-directory.ts';
import { safeRead } from './safe-read.ts';
import { within } from './within.ts';

const anId = /^[0-9a-f]{24}$/;

/** `/var/tmp` outlives a boot, and `TMPDIR` may be another one for each shell. */
function directoryHere(): string {
  if (process.platform !== 'win32') return `/var/tmp/flowloom-${process.getuid?.()}`;
  return within(process.env.LOCALAPPDATA || os.tmpdir(), 'flowloom');
}

function idIn(path: string): string | null {
  const text = safeRead(path, 1024)?.trim() ?? '';
  return anId.test(text) ? text : null;
}

const random = (): string =>
  Array.from({ length: 3 }, () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');

/** The id, made when there is none yet; null where none can be kept. Never throws. */
export function machineId(): string | null {
  const directory = directoryHere();
  const path = within(directory, 'machine-id');
  try {
    if (!fs.existsSync(path)) {
      makePrivateDirectory(directory);
      if (isOwnDirectory(directory)) createFile(path, random(), { durable: true });
    }
    return isOwnDirectory(directory) ? idIn(path) : null;
  } catch {
    return null;
  }
}
