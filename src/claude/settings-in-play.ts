/** What several settings files together mean for hooks, as the client combines them. Pure. */
import { isRecord } from '../core/shape.ts';

/** A file that counts, with what the client goes by in it. */
export interface FileInPlay {
  readonly scope: 'user' | 'project' | 'local' | 'managed';
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What keeps hooks from running: the file and the key that say so. */
export interface Silence {
  readonly file: string;
  readonly key: 'disableAllHooks' | 'allowManagedHooksOnly' | 'strictPluginOnlyCustomization' | 'env';
  /** Of `env`: the variable. */
  readonly variable: string | null;
  /** The administrator's own hooks run nevertheless. */
  readonly managedRun: boolean;
}

/** Variables with which the client runs no hook of anybody. */
export const silencingVariables = [
  'CLAUDE_CODE_SIMPLE',
  'CLAUDE_CODE_SAFE_MODE',
  'CLAUDE_CODE_RESTRICTED',
] as const;

/** `env` of settings sets these in time, and only in the files of the user and the administrator. */
const silencingInSettings = ['CLAUDE_CODE_SIMPLE', 'CLAUDE_CODE_SAFE_MODE'] as const;

/**
 * Everything in these files that keeps hooks from running. `files` are in the order of their weight, the strongest last (user,
 * project, local, managed): of a key in several files the last one counts, and of lists all that they name.
 */
export function silencesIn(files: readonly FileInPlay[]): Silence[] {
  const managed = files.filter(({ scope }) => scope === 'managed');
  const silences: Silence[] = [];
  const disabled = files.findLast(({ value }) => typeof value.disableAllHooks === 'boolean');
  if (disabled?.value.disableAllHooks === true)
    silences.push({
      file: disabled.file,
      key: 'disableAllHooks',
      variable: null,
      managedRun: disabled.scope !== 'managed',
    });
  const only = managed.findLast(({ value }) => saysSomething(value.allowManagedHooksOnly));
  if (only && restricts(only.value.allowManagedHooksOnly))
    silences.push({ file: only.file, key: 'allowManagedHooksOnly', variable: null, managedRun: true });
  const strict = lastStrict(managed);
  if (strict)
    silences.push({ file: strict, key: 'strictPluginOnlyCustomization', variable: null, managedRun: true });
  for (const variable of silencingInSettings) {
    const set = files.findLast(
      ({ scope, value }) =>
        (scope === 'user' || scope === 'managed') &&
        isRecord(value.env) &&
        Object.hasOwn(value.env, variable),
    );
    if (set && isSwitchedOn((set.value.env as Record<string, unknown>)[variable]))
      silences.push({ file: set.file, key: 'env', variable, managedRun: false });
  }
  return silences;
}

/** Whether the client takes the value of a variable for yes. */
export const isSwitchedOn = (value: unknown): boolean =>
  ['1', 'true', 'yes', 'on'].includes(String(value).trim().toLowerCase());

const saysSomething = (value: unknown): boolean => value !== undefined && value !== null;

/** In doubt an administrator's restriction holds: anything but no counts as yes. */
const restricts = (value: unknown): boolean => value !== false && value !== 'false';

/** The file that reserves hooks for plugins. Lists add up; anything else replaces what was said before, and so does a list then. */
function lastStrict(managed: readonly FileInPlay[]): string | null {
  let reserving: { readonly file: string; readonly byList: boolean } | null = null;
  for (const { file, value } of managed) {
    const said = value.strictPluginOnlyCustomization;
    if (!saysSomething(said)) continue;
    if (!Array.isArray(said)) reserving = said === false ? null : { file, byList: false };
    else if (said.includes('hooks')) reserving = { file, byList: true };
    else if (!reserving?.byList) reserving = null;
  }
  return reserving?.file ?? null;
}
