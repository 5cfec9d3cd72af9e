/** What Claude Code's settings file says about our hooks: the entries we add, and how to recognise them again. */

import { basename } from 'node:path';
import type { HookEvent } from './payload.ts';

export interface WiredHook {
  event: HookEvent;
  /** File name below `hooks/` in the installed folder. */
  file: string;
  /** Fires at every prompt or every batch of tools: the gate may answer for it. */
  hot?: true;
  /** Seconds. SessionEnd needs an explicit one: without it Claude Code allows all hooks together 1.5 s. */
  timeout: number;
}

/** Every event we wire, in the order in which a session meets them. */
export const wiredHooks: readonly WiredHook[] = [
  { event: 'SessionStart', file: 'session-start.cjs', timeout: 10 },
  { event: 'UserPromptSubmit', file: 'user-prompt-submit.cjs', hot: true, timeout: 5 },
  { event: 'PostToolBatch', file: 'post-tool-batch.cjs', hot: true, timeout: 5 },
  { event: 'PostCompact', file: 'post-compact.cjs', timeout: 5 },
  { event: 'Stop', file: 'stop.cjs', timeout: 10 },
  { event: 'SessionEnd', file: 'session-end.cjs', timeout: 5 },
];

/** Claude Code replaces this in hook arguments with the directory the session was started in. */
export const projectDirVariable = '$' + '{CLAUDE_PROJECT_DIR}';

/** The folder of the scripts as project settings name it: valid in every clone and worktree. */
export const projectScriptsDir = `${projectDirVariable}/.claude/flowloom`;

/** The command among the installed scripts: what is called, and what that runs. */
export const commandFiles = ['cli.mjs', 'command.mjs'];

/** What a shell runs for every hook, below `hooks/` in the installed folder: it answers what is steady and starts Node for the rest. */
export const gateFile = 'gate.sh';

/**
 * What `sh` runs. A shell that cannot read its script ends with 2, which would block the user's prompt; so whatever becomes of
 * the gate, Node has the last word, and where there is no script or no Node, nothing happens.
 */
const gateScript =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  'trap \'[ -f "${0%/*}/$1.cjs" ] && command -v node >/dev/null && exec node "${0%/*}/$1.cjs"; exit 0\' EXIT; . "$0"';

/**
 * What Node runs: the script, if it is there. Settings reach people without it, through a commit that git's ignore rules kept it out of,
 * and sessions go on with the entries they have read for a while after the script was uninstalled. Neither is worth an error at each event.
 */
const loadScript = 'try{require(process.argv[1])}catch(e){}';

type Handler = { type: 'command'; timeout: number } & (
  | { command: 'node'; args: ['-e', typeof loadScript, script: string] }
  | { command: 'sh'; args: ['-c', typeof gateScript, gate: string, hook: string] }
);

export interface MatcherGroup {
  hooks: Handler[];
}

export interface SettingsBlock {
  hooks: Record<HookEvent, MatcherGroup[]>;
}

/** How the hooks are wired: `sh` asks the gate first, which needs a POSIX system; `node` works everywhere. */
export type Form = 'sh' | 'node';

/**
 * The settings that wire our hooks, with the scripts in `dir`.
 *
 * Exec form (`args`), so no shell sees the path. No `matcher`: a list of sources such as `startup|resume` would
 * miss the ones it does not name.
 */
export function settingsBlock(dir: string, form: Form = 'node'): SettingsBlock {
  const groups = wiredHooks.map(({ event, file, timeout }): [HookEvent, MatcherGroup[]] => {
    const handler: Handler =
      form === 'sh'
        ? {
            type: 'command',
            command: 'sh',
            args: ['-c', gateScript, `${dir}/hooks/${gateFile}`, basename(file, '.cjs')],
            timeout,
          }
        : { type: 'command', command: 'node', args: ['-e', loadScript, `${dir}/hooks/${file}`], timeout };
    return [event, [{ hooks: [handler] }]];
  });
  return { hooks: Object.fromEntries(groups) as SettingsBlock['hooks'] };
}

/** Stays a superset of `wiredHooks`: a file that a later version no longer wires must still be recognised. */
const knownFiles = new Set(wiredHooks.map((hook) => hook.file));

const scriptPath = /[\\/]flowloom(?:\.local)?[\\/]hooks[\\/]([^\\/]+)$/;

/** A hook handler of ours, as it was found in a settings file. */
export interface OwnHandler {
  readonly form: Form;
  /** Path of the script that Node runs in the end. */
  readonly script: string;
}

/**
 * What a handler found in a settings file runs of ours; null when it is none of ours. Ours is `node` with one of our scripts in
 * a folder `flowloom` or `flowloom.local`, alone or after a line that loads it, or `sh` with the gate of such a folder and one of our
 * names. Other fields (the timeout, say) may differ, so entries of older versions and edited ones count.
 */
export function ownHandler(handler: unknown): OwnHandler | null {
  if (typeof handler !== 'object' || handler === null) return null;
  const { type, command, args: found } = handler as Record<string, unknown>;
  if (type !== 'command' || !Array.isArray(found) || found.some((arg) => typeof arg !== 'string'))
    return null;
  const args = found as string[];
  if (command === 'node' && (args.length === 1 || (args.length === 3 && args[0] === '-e')))
    return knownScript('node', args.at(-1) ?? '');
  if (command !== 'sh' || args.length !== 4 || args[0] !== '-c') return null;
  const [, , gate = '', hook] = args;
  const folder = gate.slice(0, -gateFile.length);
  return gate.endsWith(gateFile) ? knownScript('sh', `${folder}${hook}.cjs`) : null;
}

function knownScript(form: Form, script: string): OwnHandler | null {
  const file = scriptPath.exec(script)?.[1];
  return file !== undefined && knownFiles.has(file) ? { form, script } : null;
}

/** Whether a hook handler found in a settings file is one of ours. */
export const isOurs = (handler: unknown): boolean => ownHandler(handler) !== null;

/** Whether an entry of ours says nothing where its script is missing; those of older versions end with an error. */
export function isQuietWithout(handler: unknown): boolean {
  const { args } = (handler ?? {}) as { args?: unknown };
  return Array.isArray(args) && (args.includes(loadScript) || args.includes(gateScript));
}
