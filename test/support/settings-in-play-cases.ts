/** Several settings files at once, each with a hook, and whose hooks the client runs then. Used as `settings-cases.ts` is. */

type Scope = 'user' | 'project' | 'local' | 'managed' | 'dropIn';
type Settings = Readonly<Record<string, unknown>>;

export interface InPlayCase {
  readonly name: string;
  /** What the files hold beside their hook. One that is not named is not there; a string is all that the file holds. */
  readonly files: Partial<Record<Scope, Settings | string>>;
  /** Whose hooks run. Null: the client does not start. */
  readonly run: readonly Scope[] | null;
}

/** Variables of the client's own environment, with the files of user, project and local. */
export const variableCases: readonly { variable: string; value: string; silent: boolean }[] = [
  { variable: 'CLAUDE_CODE_SIMPLE', value: '1', silent: true },
  { variable: 'CLAUDE_CODE_SIMPLE', value: 'true', silent: true },
  { variable: 'CLAUDE_CODE_SIMPLE', value: '0', silent: false },
  { variable: 'CLAUDE_CODE_SAFE_MODE', value: '1', silent: true },
  { variable: 'CLAUDE_CODE_SAFE_MODE', value: '', silent: false },
  { variable: 'CLAUDE_CODE_RESTRICTED', value: 'yes', silent: true },
];

const own = { user: {}, project: {}, local: {} };
const everybody = ['local', 'managed', 'project', 'user'] as const;
const others = ['local', 'project', 'user'] as const;

/** Files of everybody, and these settings of the administrator. */
const managed = (
  name: string,
  settings: Settings | string,
  run: readonly Scope[] | null,
  dropIn?: Settings | string,
): InPlayCase => ({
  name: `managed: ${name}`,
  files: { ...own, managed: settings, ...(dropIn === undefined ? {} : { dropIn }) },
  run,
});

export const inPlayCases: readonly InPlayCase[] = [
  { name: 'all there are', files: own, run: others },
  { name: 'disabled by the user', files: { ...own, user: { disableAllHooks: true } }, run: [] },
  { name: 'disabled by the project', files: { ...own, project: { disableAllHooks: true } }, run: [] },
  { name: 'disabled locally', files: { ...own, local: { disableAllHooks: true } }, run: [] },
  {
    name: 'disabled by the user, not by the project',
    files: { ...own, user: { disableAllHooks: true }, project: { disableAllHooks: false } },
    run: others,
  },
  {
    name: 'disabled locally, not by the user',
    files: { ...own, user: { disableAllHooks: false }, local: { disableAllHooks: true } },
    run: [],
  },
  {
    name: 'disabled in a file that is skipped',
    files: { ...own, user: { disableAllHooks: true, model: 3 } },
    run: ['local', 'project'],
  },
  {
    name: 'one file is skipped',
    files: { ...own, project: { permissions: 'x' } },
    run: ['local', 'user'],
  },
  {
    name: 'reserved for plugins by the user, who may not',
    files: { ...own, user: { strictPluginOnlyCustomization: true, allowManagedHooksOnly: true } },
    run: others,
  },
  { name: 'simple by the user', files: { ...own, user: { env: { CLAUDE_CODE_SIMPLE: '1' } } }, run: [] },
  { name: 'simple by a number', files: { ...own, user: { env: { CLAUDE_CODE_SIMPLE: 1 } } }, run: [] },
  { name: 'not simple', files: { ...own, user: { env: { CLAUDE_CODE_SIMPLE: '0' } } }, run: others },
  { name: 'safe by the user', files: { ...own, user: { env: { CLAUDE_CODE_SAFE_MODE: '1' } } }, run: [] },
  {
    name: 'simple by the project',
    files: { ...own, project: { env: { CLAUDE_CODE_SIMPLE: '1' } } },
    run: others,
  },
  { name: 'safe locally', files: { ...own, local: { env: { CLAUDE_CODE_SAFE_MODE: '1' } } }, run: others },
  {
    name: 'restricted by the user',
    files: { ...own, user: { env: { CLAUDE_CODE_RESTRICTED: '1' } } },
    run: others,
  },

  managed('nothing', {}, everybody),
  managed('a drop-in', {}, ['dropIn', ...everybody], {}),
  managed('disabled', { disableAllHooks: true }, []),
  managed('disabled by a word', { disableAllHooks: 'true' }, everybody),
  managed('disabled by a drop-in', {}, [], { disableAllHooks: true }),
  managed('not disabled by a drop-in', { disableAllHooks: true }, ['dropIn', ...everybody], {
    disableAllHooks: false,
  }),
  managed('only managed ones', { allowManagedHooksOnly: true }, ['managed']),
  managed('only managed ones, by a word', { allowManagedHooksOnly: 'junk' }, ['managed']),
  managed('only managed ones, by a number', { allowManagedHooksOnly: 0 }, ['managed']),
  managed('not only managed ones, by a word', { allowManagedHooksOnly: 'false' }, everybody),
  managed('null for only managed ones', { allowManagedHooksOnly: null }, everybody),
  managed('not only managed ones by a drop-in', { allowManagedHooksOnly: true }, ['dropIn', ...everybody], {
    allowManagedHooksOnly: false,
  }),
  managed('reserved for plugins', { strictPluginOnlyCustomization: true }, ['managed']),
  managed('hooks reserved', { strictPluginOnlyCustomization: ['hooks'] }, ['managed']),
  managed('skills reserved', { strictPluginOnlyCustomization: ['skills'] }, everybody),
  managed('an unknown thing reserved', { strictPluginOnlyCustomization: ['x'] }, everybody),
  managed('nothing reserved', { strictPluginOnlyCustomization: false }, everybody),
  managed('null for reserved', { strictPluginOnlyCustomization: null }, everybody),
  managed('reserved by a word', { strictPluginOnlyCustomization: 'false' }, ['managed']),
  managed('reserved by two files', { strictPluginOnlyCustomization: ['hooks'] }, ['dropIn', 'managed'], {
    strictPluginOnlyCustomization: ['skills'],
  }),
  managed(
    'reserved, and not by a drop-in',
    { strictPluginOnlyCustomization: true },
    ['dropIn', ...everybody],
    {
      strictPluginOnlyCustomization: false,
    },
  ),
  managed(
    'all reserved, and one thing by a drop-in',
    { strictPluginOnlyCustomization: true },
    ['dropIn', ...everybody],
    {
      strictPluginOnlyCustomization: ['skills'],
    },
  ),
  managed('a wrong value', { model: 3 }, everybody),
  managed('a bad guard', { hooks: { PreToolUse: [{ type: 'command', command: 'true' }] } }, others),
  managed('a bad hook', { hooks: { Stop: [{ type: 'command', command: 'true' }] } }, everybody),
  managed('hooks that are none', { hooks: [] }, others),
  managed('simple', { env: { CLAUDE_CODE_SIMPLE: '1' } }, []),
  managed('no JSON', '{', null),
  managed('a list', '[]', null),
  managed('an empty file', '', others),
  managed('a drop-in that is no JSON', {}, null, '{'),
  {
    name: 'managed: not disabled, against the user',
    files: { ...own, user: { disableAllHooks: true }, managed: { disableAllHooks: false } },
    run: everybody,
  },
  {
    name: 'managed: silent, against the user',
    files: { ...own, user: { disableAllHooks: true }, managed: {} },
    run: ['managed'],
  },
  {
    name: 'managed: only a drop-in',
    files: { ...own, dropIn: { allowManagedHooksOnly: true } },
    run: ['dropIn'],
  },
];

/** The text of a file: its settings, with the hook among the others that it has. */
export function textWith(settings: Settings | string, hook: object): string {
  if (typeof settings === 'string') return settings;
  const { hooks, ...more } = settings;
  if (Array.isArray(hooks)) return JSON.stringify(settings);
  return JSON.stringify({ ...more, hooks: { ...(hooks as object), SessionStart: [{ hooks: [hook] }] } });
}
