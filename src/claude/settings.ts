/** What Claude Code's settings file says about our hooks: the entries we add, and how to recognise them again. */

import type { HookEvent } from './payload.ts';

export interface WiredHook {
  event: HookEvent;
  /** File name below `hooks/` in the installed folder. */
  file: string;
  /** Seconds. SessionEnd needs an explicit one: without it Claude Code allows all hooks together 1.5 s. */
  timeout: number;
}

/** Every event we wire, in the order in which a session meets them. */
export const wiredHooks: readonly WiredHook[] = [
  { event: 'SessionStart', file: 'session-start.cjs', timeout: 10 },
  { event: 'UserPromptSubmit', file: 'user-prompt-submit.cjs', timeout: 5 },
  { event: 'PostToolBatch', file: 'post-tool-batch.cjs', timeout: 5 },
  { event: 'PostCompact', file: 'post-compact.cjs', timeout: 5 },
  { event: 'Stop', file: 'stop.cjs', timeout: 10 },
  { event: 'SessionEnd', file: 'session-end.cjs', timeout: 5 },
];

/** Claude Code replaces this in hook arguments with the directory the session was started in. */
export const projectDirVariable = '$' + '{CLAUDE_PROJECT_DIR}';

/** The folder of the scripts as project settings name it: valid in every clone and worktree. */
export const projectScriptsDir = `${projectDirVariable}/.claude/flowloom`;

interface Handler {
  type: 'command';
  command: 'node';
  args: [script: string];
  timeout: number;
}

export interface MatcherGroup {
  hooks: Handler[];
}

export interface SettingsBlock {
  hooks: Record<HookEvent, MatcherGroup[]>;
}

/**
 * The settings that wire our hooks, with the scripts in `dir`.
 *
 * Exec form (`args`), so no shell sees the path. No `matcher`: a list of sources such as `startup|resume` would
 * miss the ones it does not name.
 */
export function settingsBlock(dir: string): SettingsBlock {
  const groups = wiredHooks.map(({ event, file, timeout }): [HookEvent, MatcherGroup[]] => {
    const handler: Handler = { type: 'command', command: 'node', args: [`${dir}/hooks/${file}`], timeout };
    return [event, [{ hooks: [handler] }]];
  });
  return { hooks: Object.fromEntries(groups) as SettingsBlock['hooks'] };
}

/** Stays a superset of `wiredHooks`: a file that a later version no longer wires must still be recognised. */
const knownFiles = new Set(wiredHooks.map((hook) => hook.file));

const scriptPath = /[\\/]flowloom(?:\.local)?[\\/]hooks[\\/]([^\\/]+)$/;

/**
 * Whether a hook handler found in a settings file is one of ours: `node` with one of our scripts in a folder
 * `flowloom` or `flowloom.local` as its only argument. Other fields (the timeout, say) may differ, so entries
 * of older versions and edited ones count.
 */
export function isOurs(handler: unknown): boolean {
  if (typeof handler !== 'object' || handler === null) return false;
  const { type, command, args } = handler as Record<string, unknown>;
  if (type !== 'command' || command !== 'node') return false;
  if (!Array.isArray(args) || args.length !== 1 || typeof args[0] !== 'string') return false;
  const file = scriptPath.exec(args[0])?.[1];
  return file !== undefined && knownFiles.has(file);
}
