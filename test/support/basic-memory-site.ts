/** A store whose basic-memory project is the given folder; also bundled into other processes. */
import { defaults } from '../../src/core/config.ts';
import type { Store } from '../../src/core/store.ts';
import { basicMemoryStore } from '../../src/stores/basic-memory-store.ts';
import type { Site } from '../../src/stores/open.ts';

const key = 'Shop.app_1-0a1b2c3d4e5';

/** Where the notes are below the project folder. */
export const notesFolder = `flowloom/${key}`;

export const siteIn = (
  project: string,
  more: Partial<Site> & { basicMemory?: Partial<Site['config']['basicMemory']> } = {},
): Site => ({
  place: `${project}/.git/flowloom`,
  scope: { key, root: project, commonDir: null, worktree: project, gitDir: null },
  config: {
    ...defaults,
    store: 'basic-memory',
    basicMemory: { ...defaults.basicMemory, ...(more.basicMemory ?? { path: project }) },
  },
  env: {},
  ...more,
});

export const openProject = (project: string): Store => basicMemoryStore(siteIn(project));
