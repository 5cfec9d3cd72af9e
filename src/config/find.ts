/** Says which configuration files are there, before anything is loaded to read them: most repositories have none. */
import fs from 'node:fs';
import { join } from 'node:path';
import { defaults, resolveConfig } from '../core/config.ts';
import type { LoadedConfig } from './load.ts';

const places = [
  'package.json',
  '.flowloomrc',
  '.flowloomrc.json',
  '.flowloomrc.yaml',
  '.flowloomrc.yml',
  'flowloom.config.json',
  '.config/flowloomrc',
  '.config/flowloomrc.json',
  '.config/flowloomrc.yaml',
  '.config/flowloomrc.yml',
];

const mostBytes = 1 << 20;

/** Also when that could not be found out: then the reader says why, and nobody goes on as if nothing were configured. */
function mayHoldConfig(directory: string, name: string): boolean {
  const path = join(directory, name);
  try {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > mostBytes) return false;
    return name !== 'package.json' || fs.readFileSync(path, 'utf8').includes('"flowloom"');
  } catch {
    return true;
  }
}

/**
 * The configuration of a work tree, with the store that `FLOWLOOM_STORE` names. The reader is loaded only when there is something
 * to read. Never throws.
 */
export async function configOf(directory: string, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  const loaded = await writtenIn(directory);
  const { FLOWLOOM_STORE: named } = env;
  if (!named) return loaded;
  const { config, problems } = resolveConfig({ store: named });
  return {
    ...loaded,
    config: problems.length ? loaded.config : { ...loaded.config, store: config.store },
    problems: [...loaded.problems, ...problems.map(({ expected }) => ({ key: 'FLOWLOOM_STORE', expected }))],
  };
}

async function writtenIn(directory: string): Promise<LoadedConfig> {
  const names = places.filter((name) => mayHoldConfig(directory, name));
  if (names.length === 0) return { config: defaults, file: null, problems: [] };
  const { loadConfig } = await import('./load.ts');
  return loadConfig(directory, names);
}
