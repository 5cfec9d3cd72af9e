/** What install and uninstall tell: plain data, made into sentences by src/messages/install.ts. */
import type { Form } from '../src/claude/settings.ts';
import type { Ignored } from './ignored.ts';
import type { Obstacle } from './obstacles.ts';
import type { HookCheck } from './self-test.ts';
import type { ServerCheck } from './server-test.ts';
import type { Scope } from './target.ts';

export type Note =
  /** The project's settings reach teammates and worktrees only when committed. */
  | { code: 'commit' }
  /** Git ignores what has to be committed. */
  | ({ code: 'ignored' } & Ignored)
  /** Entries named another folder, which another machine may need that shares the file. */
  | { code: 'path-replaced'; file: string; folder: string }
  /** Claude Code reads a project's settings only for sessions started in its root. */
  | { code: 'root-only' }
  /** The local settings are new and nothing is known to keep them out of commits. */
  | { code: 'personal'; file: string }
  /** Another settings file wires our hooks too: they would run twice. */
  | { code: 'other-scope'; file: string; scope: Scope }
  /** These scripts, relative to `scriptsDir`, had been edited or formatted; what they were is in this directory. */
  | { code: 'set-aside'; files: string[]; directory: string }
  /** Claude Code asks each person whether the servers of a project may run. */
  | { code: 'server-approval'; file: string };

interface Report {
  scope: Scope;
  /** Where sessions have to be started; for the user scope, the home directory. */
  root: string;
  settingsFile: string;
  scriptsDir: string;
  dryRun: boolean;
  /** Whether anything on disk is (in a dry run: would be) different. */
  changed: boolean;
  /** Events whose entry was added, renewed or removed. */
  events: string[];
  /** Scripts written or removed, relative to `scriptsDir`. */
  files: string[];
  /** The change of the settings file, line by line: `+ `, `- ` or two spaces in front. */
  diff: string[];
}

export interface InstallReport extends Report {
  version: string;
  /** The entry in `.mcp.json`; null when it is not installed. */
  server: { file: string; changed: boolean; diff: string[]; test: ServerCheck | null } | null;
  /** How the hot hooks are wired. */
  form: Form;
  /** What keeps Claude Code from running the hooks. */
  obstacles: Obstacle[];
  /** Null in a dry run. */
  selfTest: HookCheck[] | null;
  notes: Note[];
}

export interface UninstallReport extends Report {
  /** Whether there was anything of ours. */
  installed: boolean;
  /** The entry taken out of `.mcp.json`; null when there was none. */
  server: { file: string; diff: string[] } | null;
  /** Files in `scriptsDir` that stay: not ours, or edited. */
  kept: string[];
}
