/** Which settings file and which folder a scope means. Looks at the disk, changes nothing. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { projectScriptsDir } from '../src/claude/settings.ts';
import { isSymlink } from './disk.ts';
import { InstallError, onDisk } from './error.ts';
import type { Fence } from './fence.ts';

export const scopes = ['project', 'local', 'user'] as const;
export type Scope = (typeof scopes)[number];

/** Where somebody wants something installed. `env` and `home` are the process's; tests pass others. */
export interface Place {
  directory: string;
  scope: Scope;
  env: Record<string, string | undefined>;
  home: string;
}

export interface Target {
  scope: Scope;
  /** The work tree's top level; for the user scope, the home directory. */
  root: string;
  /** What a repository brings along must not lead out of its work tree; the user's own links may lead anywhere. */
  fence: Fence;
  /** The folder that holds settings and scripts. */
  claudeDir: string;
  settingsFile: string;
  scriptsDir: string;
  /** `scriptsDir` as the settings name it. */
  commandDir: string;
  /** The client's list of MCP servers; null where the client alone may write it. */
  serversFile: string | null;
}

/**
 * The files of a scope. Throws InstallError when the directory does not exist, lies inside a `.git` directory, or
 * when the project's `.claude` is the user's own.
 */
export function resolveTarget({ directory, scope, env, home }: Place): Target {
  const userDir = env.CLAUDE_CONFIG_DIR ? resolve(directory, env.CLAUDE_CONFIG_DIR) : join(home, '.claude');
  if (scope === 'user') return at({ scope, root: home, claudeDir: userDir, settings: 'settings.json' });
  const root = onDisk('cannot-read', directory, () => findRoot(directory));
  const claudeDir = join(root, '.claude');
  // A project's link to the user's folder is refused as a link, when something is read through it.
  const isShared = !isSymlink(claudeDir) && realOf(claudeDir) === realOf(userDir);
  if (root === realOf(home) || isShared) {
    throw new InstallError({ code: 'home', file: root });
  }
  return scope === 'local'
    ? at({ scope, root, claudeDir, settings: 'settings.local.json', scripts: 'flowloom.local' })
    : {
        ...at({ scope, root, claudeDir, settings: 'settings.json' }),
        commandDir: projectScriptsDir,
        serversFile: join(root, '.mcp.json'),
      };
}

/** The targets of the other scopes that exist for this place. */
export function otherTargets(place: Place): Target[] {
  return scopes
    .filter((scope) => scope !== place.scope)
    .flatMap((scope) => {
      try {
        return [resolveTarget({ ...place, scope })];
      } catch (error) {
        if (error instanceof InstallError) return [];
        throw error;
      }
    });
}

interface Parts {
  scope: Scope;
  root: string;
  claudeDir: string;
  settings: string;
  scripts?: string;
}

function at({ scope, root, claudeDir, settings, scripts = 'flowloom' }: Parts): Target {
  const scriptsDir = join(claudeDir, scripts);
  const commandDir = scriptsDir.split(sep).join('/');
  return {
    scope,
    root,
    fence: scope === 'user' ? null : root,
    claudeDir,
    settingsFile: join(claudeDir, settings),
    scriptsDir,
    commandDir,
    serversFile: null,
  };
}

/** The top level of the git work tree around `directory`, else `directory` itself. */
function findRoot(directory: string): string {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InstallError({ code: 'no-directory', file: resolve(directory) });
  }
  const start = realpathSync(directory);
  for (let dir = start; ; dir = dirname(dir)) {
    if (isWorkTree(dir)) return dir;
    if (basename(dir) === '.git') throw new InstallError({ code: 'inside-git', file: start });
    if (dirname(dir) === dir) return start;
  }
}

/** A repository's `.git` is a folder with a HEAD; that of a linked worktree or submodule is a file. */
function isWorkTree(dir: string): boolean {
  const git = join(dir, '.git');
  return existsSync(join(git, 'HEAD')) || Boolean(statSync(git, { throwIfNoEntry: false })?.isFile());
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
