/** A memory graph as its server writes it, and our store on it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaults } from '../../src/core/config.ts';
import type { Store } from '../../src/core/store.ts';
import { memoryGraphStore } from '../../src/stores/memory-graph-store.ts';
import type { Site } from '../../src/stores/open.ts';

export const scopeKey = 'shop-abc';

/** What a user and a model put into their graph before we came. Without a newline at the end, as the server leaves it. */
export const theirs = [
  { type: 'entity', name: 'Ada', entityType: 'person', observations: ['likes tea', 'flowloom: is a word'] },
  { type: 'entity', name: 'shop', entityType: 'project', observations: ['sells :shop-abc: things'] },
  { type: 'relation', from: 'Ada', to: 'shop', relationType: 'owns' },
]
  .map((item) => JSON.stringify(item))
  .join('\n');

export const graphOf = (place: string): string => join(place, 'memory.jsonl');
export const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n');

export const siteAt = (place: string, more: Partial<Site> = {}): Site => ({
  place: join(place, 'state'),
  scope: { key: scopeKey, root: place, commonDir: null, worktree: place, gitDir: null },
  config: { ...defaults, store: 'memory-graph', memoryGraph: { file: graphOf(place) } },
  env: { HOME: place },
  ...more,
});

/** The store with its graph in this directory and its own part beside it, or elsewhere. */
export const graphAt = (place: string, state = join(place, 'state')): Store =>
  memoryGraphStore(siteAt(place, { place: state }));

/** As another program does: the file as a whole, with other lines. */
export const rewrite = (path: string, change: (lines: string[]) => string[]): void =>
  writeFileSync(path, change(linesOf(path)).join('\n'));
