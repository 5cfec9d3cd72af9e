/** Finds and reads the configuration: data formats only, since a hook must not execute what lies in a repository. */
import { cosmiconfigSync } from 'cosmiconfig';
import { type Config, type ConfigProblem, resolveConfig } from '../core/config.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** The file it came from; null when there is none. */
  readonly file: string | null;
  readonly problems: readonly ConfigProblem[];
}

/** Reads the first of these files (names relative to the directory) that holds a configuration. Never throws. */
export function loadConfig(directory: string, names: readonly string[]): LoadedConfig {
  try {
    const found = cosmiconfigSync('flowloom', {
      searchPlaces: [...names],
      searchStrategy: 'none',
      cache: false,
    }).search(directory);
    return { ...resolveConfig(found?.isEmpty ? undefined : found?.config), file: found?.filepath ?? null };
  } catch (cause) {
    const { filepath, message } = cause as Error & { filepath?: string };
    const expected = `a file that can be read (${message.split('\n')[0]})`;
    return {
      ...resolveConfig(undefined),
      file: filepath ?? null,
      problems: [{ key: '(the whole file)', expected }],
    };
  }
}
