/**
 * Reads a configuration: data formats only, since a hook must not execute what lies in a repository.
 *
 * Of cosmiconfig only the loaders for JSON and YAML are used, on text read here. Its search would follow a `$import` key and a
 * `.config/config.js` beside it, and both can name JavaScript.
 */
import fs from 'node:fs';
import { basename, extname, join } from 'node:path';
import { defaultLoadersSync } from 'cosmiconfig';
import { type Config, type ConfigProblem, resolveConfig } from '../core/config.ts';
import { askTwice } from '../io/passing.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** The file it came from; null when there is none. */
  readonly file: string | null;
  readonly problems: readonly ConfigProblem[];
}

/** A file without an extension is YAML, of which JSON is a part. */
const loadText = (path: string, text: string): unknown =>
  defaultLoadersSync[extname(path) === '.json' ? '.json' : '.yaml'](path, text);

/** What a file says about flowloom; undefined when it says nothing or is not there. Throws when it cannot be read or parsed. */
function read(path: string): unknown {
  const text = textOf(path);
  if (text.trim() === '') return undefined;
  const value = loadText(path, text);
  return basename(path) === 'package.json' ? (value as { flowloom?: unknown } | null)?.flowloom : value;
}

function textOf(path: string): string {
  try {
    return askTwice(() => fs.readFileSync(path, 'utf8'));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return '';
    throw cause;
  }
}

/** Reads the first of these files (names relative to the directory) that says something. Never throws. */
export function loadConfig(directory: string, names: readonly string[]): LoadedConfig {
  for (const name of names) {
    const file = join(directory, name);
    try {
      const written = read(file);
      if (written !== undefined && written !== null) return { ...resolveConfig(written), file };
    } catch (cause) {
      const expected = `a file that can be read (${(cause as Error).message.split('\n')[0]})`;
      return { ...resolveConfig(undefined), file, problems: [{ key: '(the whole file)', expected }] };
    }
  }
  return { ...resolveConfig(undefined), file: null };
}
