/**
 * Finds the folder that basic-memory keeps its notes in. Its own configuration is read and never written, and no project is
 * ever made: a folder that is not there may be on a disk that is not mounted.
 */
import fs from 'node:fs';
import os from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Config } from '../../core/config.ts';
import { namedPath } from '../../io/named-path.ts';
import { asObject, readCapped } from '../../io/read-capped.ts';

const configBytes = 1 << 20;

/** The folder, or a sentence that says why there is none and what to do; `place` is what the sentence is about. */
export type Project =
  | { readonly folder: string; readonly problem?: undefined }
  | { readonly folder?: undefined; readonly place: string; readonly problem: string };

const isDirectory = (path: string): boolean =>
  fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Where basic-memory's own configuration lies, as it looks for it itself. */
function configFile(env: NodeJS.ProcessEnv): string {
  const directory =
    env.BASIC_MEMORY_CONFIG_DIR ||
    (env.XDG_CONFIG_HOME
      ? join(env.XDG_CONFIG_HOME, 'basic-memory')
      : join(env.HOME || os.homedir(), '.basic-memory'));
  return join(directory, 'config.json');
}

/** Two spellings of one name, to basic-memory too. */
const slug = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll("'", '')
    .replace(/[^a-z0-9/.]+/g, '-')
    .replace(/^-|-$/g, '');

/** The project that is asked for, and else the one that basic-memory takes when none is named. */
function named(
  wanted: string,
  config: Record<string, unknown>,
  names: readonly string[],
): string | undefined {
  if (wanted)
    return names.find((name) => name === wanted) ?? names.find((name) => slug(name) === slug(wanted));
  const byDefault = config.default_project;
  if (byDefault === null) return undefined;
  return names.find((name) => name === byDefault) ?? names[0];
}

/**
 * The project folder: `basicMemory.path` (relative to `root`), or the project that `basicMemory.project` names, or
 * basic-memory's default project.
 */
export function findProject(
  { path, project: wanted }: Config['basicMemory'],
  root: string,
  env: NodeJS.ProcessEnv,
): Project {
  const none = (place: string, problem: string): Project => ({ place, problem });
  if (path) {
    const folder = namedPath(root, path, env);
    if (isDirectory(folder)) return { folder };
    return none(
      folder,
      `basicMemory.path names ${folder}, which is not a folder: make it, or name the folder of a basic-memory project`,
    );
  }
  const file = configFile(env);
  const instead = 'or set basicMemory.path to a folder';
  const found = readCapped(file, configBytes);
  if (found.kind === 'absent')
    return none(
      file,
      `basic-memory has no configuration at ${file}: make a project with "basic-memory project add <name> <folder>", ${instead}`,
    );
  if (found.kind === 'unreadable')
    return none(file, `${file} cannot be read (${found.reason}): mend it, ${instead}`);
  let config: Record<string, unknown> | null = null;
  try {
    config = asObject(JSON.parse(found.text));
  } catch {
    // Said below.
  }
  const projects = asObject(config?.projects);
  if (!config || !projects)
    return none(file, `${file} names no projects: run "basic-memory project list", ${instead}`);
  const names = Object.keys(projects);
  const name = named(wanted, config, names);
  if (name === undefined)
    return none(
      file,
      wanted
        ? `${file} has no project "${wanted}" (it has ${names.join(', ') || 'none'}): mend basicMemory.project, ${instead}`
        : `${file} names no default project: set basicMemory.project to one of ${names.join(', ') || 'its projects'}, ${instead}`,
    );
  // Older ones map a name to its path.
  const entry = typeof projects[name] === 'string' ? { path: projects[name] } : asObject(projects[name]);
  const modes = asObject(config.project_modes);
  const folder = typeof entry?.path === 'string' ? entry.path : '';
  if ((entry?.mode ?? modes?.[name] ?? 'local') !== 'local')
    return none(
      file,
      `the basic-memory project "${name}" is not on this machine: name a local one in basicMemory.project, ${instead}`,
    );
  if (!isAbsolute(folder) || !isDirectory(folder))
    return none(
      file,
      `the folder of the basic-memory project "${name}", ${folder || '(none)'}, is not there: make it, name another in basicMemory.project, ${instead}`,
    );
  return { folder };
}
