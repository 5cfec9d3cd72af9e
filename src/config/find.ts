/** Says which configuration files are there, before anything is loaded to read them: most repositories and users have none. */
import fs from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { defaults } from '../core/config.ts';
import { messageOf } from '../core/message-of.ts';
import { homeDirectory } from '../io/places.ts';
import type { Scope } from '../io/scope.ts';
import type { LoadedConfig } from './load.ts';

const names = [
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

const nothing: LoadedConfig = {
  config: defaults,
  file: null,
  own: null,
  problems: [],
  wants: null,
  agreed: false,
};

/** Of somebody's package.json; one that is larger is none that a person wrote. */
const packageBytes = 1 << 20;

/** Also when that could not be found out: then the reader says why, and nobody goes on as if nothing were configured. */
function mayHoldConfig(path: string, name: string): boolean {
  try {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (!stat) return false;
    if (name !== 'package.json') return true;
    if (!stat.isFile() || stat.size > packageBytes) return false;
    return fs.readFileSync(path, 'utf8').includes('"flowloom"');
  } catch {
    return true;
  }
}

/** The user's own configuration file, which may not be there; null without a home. A relative XDG_CONFIG_HOME does not count. */
export function ownConfigFile(env: NodeJS.ProcessEnv): string | null {
  const { XDG_CONFIG_HOME: configured = '' } = env;
  const home = homeDirectory(env);
  const directory = isAbsolute(configured) ? configured : home && join(home, '.config');
  return directory ? join(directory, 'flowloom', 'config.json') : null;
}

/**
 * The configuration of a work tree: what the user and the repository wrote, and the store that `FLOWLOOM_STORE` names. The reader is
 * loaded only when there is something to read. Never throws.
 */
export async function configOf(scope: Scope, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  const found = names.filter((name) => mayHoldConfig(join(scope.worktree, name), name));
  const own = ownConfigFile(env);
  const mine = own && mayHoldConfig(own, '') ? own : null;
  if (found.length === 0 && !mine && !env.FLOWLOOM_STORE) return nothing;
  try {
    const { loadConfig } = await import('./load.ts');
    return loadConfig({ scope, env, names: found, own: mine });
  } catch (cause) {
    // Cosmiconfig cannot be loaded by a user whom the system does not know and who has no HOME.
    const file = mine ?? (found[0] ? join(scope.worktree, found[0]) : 'the environment');
    const expected = `one that can be looked at (${messageOf(cause)})`;
    return { ...nothing, problems: [{ key: '(the whole file)', expected, file }] };
  }
}
