/** Opens the store of a kind. Every kind but the default is loaded only where it is configured. */
import type { Config } from '../core/config.ts';
import type { Store, StoreKind } from '../core/store.ts';
import type { Scope } from '../io/scope.ts';
import { fileStore } from './file-store.ts';

/** What a store may have to know of where it is. */
export interface Site {
  /** The local directory for the state of this scope. It belongs to the file store; another keeps what it needs in a part of its own. */
  readonly place: string;
  readonly scope: Scope;
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
}

/** The store; nothing is made yet. Throws when it cannot be had here, with a sentence that says why. */
export async function openStore(kind: StoreKind, site: Site): Promise<Store> {
  switch (kind) {
    case 'file':
      return fileStore(site.place);
    case 'git': {
      const { gitStore } = await import('./git-store.ts');
      return gitStore(site);
    }
    case 'basic-memory': {
      const { basicMemoryStore } = await import('./basic-memory-store.ts');
      return basicMemoryStore(site);
    }
    case 'memory-graph': {
      const { memoryGraphStore } = await import('./memory-graph-store.ts');
      return memoryGraphStore(site);
    }
  }
}
