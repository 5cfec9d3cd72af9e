/** Keeps a member's notebook beside its records, and lets only one of two parallel hooks do a thing. */
import fs from 'node:fs';
import { join } from 'node:path';
import type { MemberId } from '../core/member.ts';
import { asNotebook } from '../core/notebook.ts';
import type { Notebooks } from '../flows/session.ts';
import { makePrivateDirectory, replaceFile } from './atomic-write.ts';
import { safeRead } from './safe-read.ts';

const notebookBytes = 1 << 20;
/** Two hooks of one event start within a second of each other; later it is another event. */
const claimMs = 10_000;

export function notebooksIn(place: string): Notebooks {
  const home = (id: MemberId): string => join(place, 'members', id);
  return {
    read(id) {
      try {
        const text = safeRead(join(home(id), 'notebook.json'), notebookBytes);
        return text === null ? null : asNotebook(JSON.parse(text));
      } catch {
        return null;
      }
    },

    write(id, notebook) {
      makePrivateDirectory(home(id));
      replaceFile(join(home(id), 'notebook.json'), JSON.stringify(notebook));
    },

    claim(id, key) {
      const claims = join(home(id), 'claims');
      makePrivateDirectory(claims);
      const path = join(claims, key.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 120));
      try {
        fs.closeSync(fs.openSync(path, 'wx', 0o600));
        sweep(claims);
        return true;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        if (Date.now() - fs.lstatSync(path).mtimeMs < claimMs) return false;
        fs.rmSync(path, { force: true });
        fs.closeSync(fs.openSync(path, 'w', 0o600));
        return true;
      }
    },
  };
}

/** Claims are short-lived; a handful may lie around until the next sweep. */
function sweep(claims: string): void {
  const names = fs.readdirSync(claims);
  if (names.length < 16) return;
  for (const name of names) {
    const path = join(claims, name);
    try {
      if (Date.now() - fs.lstatSync(path).mtimeMs > 2 * claimMs) fs.rmSync(path, { force: true });
    } catch {
      // Another hook was faster.
    }
  }
}
