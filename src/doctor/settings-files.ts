/** Gathers every settings file that matters to a session started here, and the entries of ours in it. */
import os from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ParseError, parse } from 'jsonc-parser';
import { type Dislike, judgeSettings } from '../claude/judge-settings.ts';
import { managedFiles, readSettingsFile } from '../claude/read-settings.ts';
import { claudeDirectory } from '../claude/session-file.ts';
import {
  type Form,
  type OwnHandler,
  ownHandler,
  projectDirVariable,
  settingsBlock,
  wiredHooks,
} from '../claude/settings.ts';
import { git } from '../io/git.ts';
import { asObject, readJsonObject } from '../io/read-capped.ts';
import type { Scope } from '../io/scope.ts';

const mostBytes = 4 << 20;
const gitLimitMs = 1000;

/** One hook of ours as a settings file wires it. */
export interface Entry {
  readonly event: string;
  /** Absolute path of the script. */
  readonly script: string;
  readonly form: Form;
  /** The group's matcher, when it has one that leaves anything out. */
  readonly matcher: string | null;
  /** Fields that differ from what install writes. */
  readonly edited: readonly string[];
}

export interface SettingsFile {
  /** As the option of install is called, or `managed`. */
  readonly scope: 'user' | 'project' | 'local' | 'managed';
  /** For people: with where it is, when there are two of a scope. */
  readonly label: string;
  readonly file: string;
  /** The client goes by it only when it was `read`; it does not start because of a `refused` one, which is the administrator's. */
  readonly state: 'absent' | 'read' | 'relaxed' | 'broken' | 'unreadable' | 'skipped' | 'refused';
  readonly line: number;
  readonly reason: string;
  /** Why it is skipped, or what the client passes over in it. */
  readonly dislikes: readonly Dislike[];
  /** Those of them that concern an entry of ours. */
  readonly ownDislikes: readonly Dislike[];
  /** What the client goes by; empty unless it was read. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly entries: readonly Entry[];
}

/** Scripts that one settings file wires in one folder. */
export interface Installation {
  readonly scope: SettingsFile['scope'];
  readonly settings: string;
  readonly directory: string;
  readonly entries: readonly Entry[];
}

export interface SettingsFacts {
  /** Read by a session that starts at the top of this work tree, weakest first. */
  readonly files: readonly SettingsFile[];
  /** Files of the administrator; only those that are there. */
  readonly managed: readonly SettingsFile[];
  readonly installations: readonly Installation[];
  /** The file that enables a plugin of ours; null when none does. */
  readonly plugin: string | null;
  /** In a linked work tree: the project settings of the main one, which a session here does not read. */
  readonly mainProject: SettingsFile | null;
  /** What git holds of the project's hooks; null when git does not say or it does not matter. */
  readonly committed: { readonly settings: boolean; readonly scripts: boolean } | null;
}

export function gatherSettings(scope: Scope, env: NodeJS.ProcessEnv, managedRoot: string): SettingsFacts {
  const userDir = claudeDirectory(env) ?? join(os.homedir(), '.claude');
  const { worktree, root } = scope;
  const linked = scope.gitDir !== scope.commonDir;
  const at = (top: string, name: string): string => join(top, '.claude', name);
  const file = (kind: SettingsFile['scope'], path: string, label: string = kind): SettingsFile =>
    readSettings(kind, label, path, worktree);
  const all = [
    file('user', join(userDir, 'settings.json')),
    file('project', at(worktree, 'settings.json')),
    ...(linked ? [file('local', at(root, 'settings.local.json'), 'local (main checkout)')] : []),
    file('local', at(worktree, 'settings.local.json')),
  ];
  // In the home directory the project's file is the user's.
  const files = all.filter((one, index) => all.findIndex((other) => other.file === one.file) === index);
  const managed = managedFiles(managedRoot).map((path) => file('managed', path));
  const project = files.find((one) => one.scope === 'project');
  return {
    files,
    managed,
    installations: [...managed, ...files].flatMap(installationsIn),
    plugin: pluginIn(files, join(userDir, 'plugins', 'installed_plugins.json')),
    mainProject: linked ? readSettings('project', 'project', at(root, 'settings.json'), root) : null,
    committed: project?.entries.length && scope.commonDir ? committedIn(worktree) : null,
  };
}

function readSettings(
  scope: SettingsFile['scope'],
  label: string,
  file: string,
  projectDir: string,
): SettingsFile {
  const base = {
    ...{ scope, label, file, line: 0, reason: '' },
    ...{ dislikes: [], ownDislikes: [], value: {}, entries: [] },
  };
  const reading = readSettingsFile(file, scope);
  if (reading.kind === 'absent') return { ...base, state: 'absent' };
  if (reading.kind === 'unreadable') return { ...base, state: 'unreadable', reason: reading.reason };
  const { text, verdict } = reading;
  if (verdict.kind === 'skipped') return { ...base, state: 'skipped', dislikes: verdict.dislikes };
  if (verdict.kind === 'unread') {
    const { relaxed, line } =
      verdict.because === 'not-json'
        ? diagnoseText(text.replace(/^\uFEFF/, ''))
        : { relaxed: false, line: 1 };
    if (scope === 'managed') return { ...base, state: 'refused', line };
    return { ...base, state: relaxed ? 'relaxed' : 'broken', line };
  }
  return {
    ...base,
    state: 'read',
    value: verdict.value,
    dislikes: verdict.dropped,
    ownDislikes: verdict.dropped.filter(({ path }) => holdsOwn(text, path)),
    entries: entriesIn(verdict.value, projectDir),
  };
}

/** Whether what the client passes over is an entry of ours, or holds one. */
function holdsOwn(text: string, path: string): boolean {
  const [, event = '', group, , handler] = path.split('.');
  const groups = asObject((JSON.parse(text.replace(/^\uFEFF/, '')) as { hooks?: unknown }).hooks)?.[event];
  const below = (value: unknown, key: string | undefined): unknown =>
    key === undefined ? value : (value as Record<string, unknown> | undefined)?.[key];
  const found =
    handler === undefined ? below(groups, group) : below(asObject(below(groups, group))?.hooks, handler);
  return anywhere(found, (value) => ownHandler(value) !== null);
}

function anywhere(value: unknown, is: (value: unknown) => boolean): boolean {
  if (is(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some((one) => anywhere(one, is));
}

function diagnoseText(text: string): { relaxed: boolean; line: number } {
  try {
    const strict: ParseError[] = [];
    const lenient: ParseError[] = [];
    parse(text, strict, { disallowComments: true });
    parse(text, lenient, { allowTrailingComma: true });
    const line = text.slice(0, strict[0]?.offset ?? 0).split('\n').length;
    return { relaxed: lenient.length === 0, line };
  } catch {
    // Nested deeper than the parser's stack.
    return { relaxed: false, line: 1 };
  }
}

/** Passes over whatever has not the documented shape. */
function entriesIn(settings: Readonly<Record<string, unknown>>, projectDir: string): Entry[] {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  return Object.entries(asObject(settings.hooks) ?? {}).flatMap(([event, groups]) =>
    list(groups).flatMap((group) => {
      const { matcher, hooks } = asObject(group) ?? {};
      return list(hooks).flatMap((handler): Entry[] => {
        const own = ownHandler(handler);
        if (!own) return [];
        return [
          {
            event,
            script: resolve(projectDir, own.script.replaceAll(projectDirVariable, projectDir)),
            form: own.form,
            matcher: typeof matcher === 'string' && !['', '*'].includes(matcher) ? matcher : null,
            edited: editedFields(event, handler as Record<string, unknown>, own),
          },
        ];
      });
    }),
  );
}

function editedFields(
  event: string,
  handler: Record<string, unknown>,
  { form, script }: OwnHandler,
): string[] {
  const folder = script.replace(/[\\/]hooks[\\/][^\\/]+$/, '');
  const wired = wiredHooks.find((hook) => hook.event === event);
  if (!wired) return ['event'];
  const expected = { ...settingsBlock(folder, form).hooks[wired.event][0]?.hooks[0] } as Record<
    string,
    unknown
  >;
  const keys = new Set([...Object.keys(expected), ...Object.keys(handler)]);
  return [...keys].filter((key) => !isDeepStrictEqual(handler[key], expected[key]));
}

function installationsIn({ scope, file, entries }: SettingsFile): Installation[] {
  const folderOf = ({ script }: Entry): string => dirname(dirname(script));
  return [...new Set(entries.map(folderOf))].map((directory) => ({
    scope,
    settings: file,
    directory,
    entries: entries.filter((entry) => folderOf(entry) === directory),
  }));
}

const isOurPlugin = (name: string): boolean => /^flowloom[\w-]*(?:@|$)/.test(name);

/** A settings file that says yes or no is believed; else the client's list of installed plugins. */
function pluginIn(files: readonly SettingsFile[], installedList: string): string | null {
  const said = new Map<string, { enabled: boolean; file: string }>();
  for (const { value, file } of files)
    for (const [name, enabled] of Object.entries(asObject(value.enabledPlugins) ?? {}))
      if (isOurPlugin(name)) said.set(name, { enabled: enabled !== false, file });
  const enabled = [...said.values()].find((plugin) => plugin.enabled);
  if (enabled) return enabled.file;
  const installed = Object.keys(asObject(readJsonObject(installedList, mostBytes)?.plugins) ?? {});
  return installed.some((name) => isOurPlugin(name) && !said.has(name)) ? installedList : null;
}

/** Whether the last commit holds the project's hooks; a worktree or a clone gets only what is committed. */
function committedIn(worktree: string): SettingsFacts['committed'] {
  const tree = git(worktree, ['ls-tree', '-r', '-z', '--name-only', 'HEAD', '--', '.claude'], gitLimitMs);
  if (!tree.ok) return tree.why === 'failed' ? { settings: false, scripts: false } : null;
  const names = new Set(tree.output.split('\0'));
  const held = names.has('.claude/settings.json')
    ? git(worktree, ['show', 'HEAD:.claude/settings.json'], gitLimitMs)
    : null;
  const verdict = held?.ok ? judgeSettings(held.output) : null;
  return {
    settings: verdict?.kind === 'read' && entriesIn(verdict.value, worktree).length > 0,
    scripts: wiredHooks.every(({ file }) => names.has(`.claude/flowloom/hooks/${basename(file)}`)),
  };
}
