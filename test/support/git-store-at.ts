/** The git store at a place, for other processes: they know nothing but where it is. */
import { join } from 'node:path';
import { defaults } from '../../src/core/config.ts';
import type { Store } from '../../src/core/store.ts';
import { gitStore } from '../../src/stores/git-store.ts';

export function gitStoreAt(place: string): Store {
  const root = join(place, '..');
  const scope = { key: 'shop', root, commonDir: null, worktree: root, gitDir: null };
  return gitStore({ place, scope, config: { ...defaults, store: 'git' }, env: process.env });
}
