/**
 * What a settings file may look like, and what the client makes of it. The unit test holds our judgement against it, the scenario
 * `test/e2e/settings.test.ts` the real client: where a new version judges otherwise, that one names the case.
 */

/** The hook whose fate is asked for, and a sound one beside it, which says whether the file counts at all. */
export interface Hooks {
  readonly own: object;
  readonly beside: object;
}

export interface SettingsCase {
  readonly name: string;
  readonly text: (hooks: Hooks) => string | Buffer;
  /** `works`: both run. `dropped`: only the one beside. `skipped`: none, the whole file counts for nothing. */
  readonly fate: 'works' | 'dropped' | 'skipped';
}

type Settings = Record<string, unknown>;

const command = { type: 'command', command: 'true' };
const group = (...hooks: unknown[]) => ({ hooks });

const base = ({ own, beside }: Hooks) => ({ SessionStart: [group(own), group(beside)] as unknown[] });

/** More events beside ours. */
const events =
  (more: Settings) =>
  (hooks: Hooks): string =>
    JSON.stringify({ hooks: { ...base(hooks), ...more } });

/** More settings beside the hooks. */
const keys =
  (more: Settings) =>
  (hooks: Hooks): string =>
    JSON.stringify({ hooks: base(hooks), ...more });

/** Another handler of an event that may forbid something. */
const guard = (handler: unknown) => events({ PreToolUse: [group(handler)] });
/** Another handler of an event that may not. */
const other = (handler: unknown) => events({ Stop: [group(handler)] });

/** Our own hook, changed, or in a changed group. */
const spoilt =
  (change: Settings) =>
  ({ own, beside }: Hooks): string =>
    JSON.stringify({ hooks: { SessionStart: [group({ ...own, ...change }), group(beside)] } });
const inGroup =
  (change: (own: object) => unknown) =>
  ({ own, beside }: Hooks): string =>
    JSON.stringify({ hooks: { SessionStart: [change(own), group(beside)] } });

const edited =
  (edit: (text: string) => string | Buffer) =>
  (hooks: Hooks): string | Buffer =>
    edit(keys({})(hooks));
const ending = (end: string) => edited((text) => text.replace(/\}$/, end));

function nested(depth: number, innermost: unknown): unknown {
  return depth === 0 ? innermost : { a: nested(depth - 1, innermost) };
}

type Texts = Record<string, (hooks: Hooks) => string | Buffer>;

const works: Texts = {
  'hooks alone': keys({}),
  'a flat entry of another event': events({ Stop: [command] }),
  'a flat entry beside ours': ({ own, beside }) =>
    JSON.stringify({ hooks: { SessionStart: [command, group(own), group(beside)] } }),
  'a string as timeout of another event': other({ ...command, timeout: '5' }),
  'a string as timeout beside ours': ({ own, beside }) =>
    JSON.stringify({ hooks: { SessionStart: [group({ ...command, timeout: '5' }, own), group(beside)] } }),
  'a huge timeout': guard({ ...command, timeout: 1e300 }),
  'half a second': guard({ ...command, timeout: 0.5 }),
  'a number as matcher of another event': events({ Stop: [{ matcher: 3, ...group(command) }] }),
  'null as matcher of another event': events({ Stop: [{ matcher: null, ...group(command) }] }),
  'a matcher that is no pattern': events({ PreToolUse: [{ matcher: '(', ...group(command) }] }),
  'no type, another event': other({ command: 'true' }),
  'an unknown type, another event': other({ type: 'shell', command: 'true' }),
  'an object as another event': events({ Stop: group(command) }),
  'null as an event': events({ Stop: null }),
  'null as a guarding event': events({ PreToolUse: null }),
  'a string as another event': events({ Stop: 'x' }),
  'a number as another event': events({ Stop: 3 }),
  'null as a group of another event': events({ Stop: [null] }),
  'an object for the handlers of another event': events({ Stop: [{ hooks: command }] }),
  'no handlers of a guarding event': events({ PreToolUse: [{ hooks: [] }] }),
  'an empty guarding event': events({ PreToolUse: [] }),
  'unknown fields': events({ PreToolUse: [{ x: 1, hooks: [{ ...command, x: 2 }] }] }),
  'an unknown event': events({ Foo: [group(command)] }),
  'an unknown event with a matcher': events({ Foo: [{ matcher: 'x', ...group(command) }] }),
  'a text where an event is expected': events({ '//': 'see the wiki' }),
  'an event in small letters': events({ preToolUse: [{ matcher: 'Bash', ...group(command) }] }),
  'hooks within hooks, no guard': events({ hooks: { Stop: [group(command)] } }),
  'hooks within hooks, a list': events({ hooks: [command] }),
  'a matcher among the events': events({ matcher: 'x' }),
  'an event at the top': keys({ Stop: [group(command)] }),
  'an empty guarding event at the top': keys({ PreToolUse: [] }),
  'null as a guarding event at the top': keys({ PreToolUse: null }),
  'a variable called like a guard': keys({ env: { PreToolUse: 'x' } }),
  'hooks put aside, no guard': keys({ disabledHooks: { Stop: [group(command)] } }),
  'a guard very deep in an unknown key': keys({ x: nested(5, { PreToolUse: [1] }) }),
  'no command, another event': other({ type: 'command' }),
  'an empty command': guard({ ...command, command: '' }),
  'numbers as arguments, another event': other({ ...command, args: [1] }),
  'an unknown place for the cloud': guard({ ...command, cloud: 'x' }),
  'an http hook': guard({ type: 'http', url: 'http://127.0.0.1:1/' }),
  'an http hook without a url, another event': other({ type: 'http' }),
  'a prompt hook': guard({ type: 'prompt', prompt: 'x' }),
  'an agent hook': guard({ type: 'agent', prompt: 'x' }),
  'an mcp hook': guard({ type: 'mcp_tool', server: 'x', tool: 'y', onFailure: 3 }),
  'a rule that is a number': keys({ permissions: { allow: [1, 'Bash'] } }),
  'a rule that is none': keys({ permissions: { allow: ['Bash('] } }),
  'the old name of a mode': keys({ permissions: { defaultMode: 'manual' } }),
  'a directory to leave out that is no list': keys({ permissions: { workingDirectoriesExclude: 'x' } }),
  'an unknown permission': keys({ permissions: { x: 1 } }),
  'variables that are no strings': keys({ env: { A: 1, B: null, C: {}, D: true } }),
  'a status line': keys({ statusLine: { type: 'command', command: 'x', refreshInterval: 0 } }),
  'a wrong status line of subagents': keys({ subagentStatusLine: 'x' }),
  plugins: keys({ enabledPlugins: { 'a@b': true, 'c@d': ['x'] } }),
  'hooks not disabled': keys({ disableAllHooks: false }),
  'what only an administrator may say': keys({
    allowManagedHooksOnly: true,
    strictPluginOnlyCustomization: true,
  }),
  'null where something is restricted': keys({ allowManagedHooksOnly: null, strictKnownMarketplaces: null }),
  'unknown keys': keys({ foo: { bar: [1] } }),
  'wrong values that are passed over': keys({
    theme: 'x',
    effortLevel: 'x',
    forceLoginMethod: 'x',
    teammateMode: 'x',
    strictPluginOnlyCustomization: 'x',
  }),
  'wrong lists that are passed over': keys({ allowedMcpServers: 'x', extraKnownMarketplaces: [] }),
  'a marketplace whose source is a number': keys({
    extraKnownMarketplaces: { a: { source: { source: 3 } } },
  }),
  'a marketplace of a known kind': keys({
    extraKnownMarketplaces: { a: { source: { source: 'directory', path: '/nowhere' } } },
  }),
  'a marketplace that is a number': keys({ extraKnownMarketplaces: { a: 1 } }),
  'servers that are a string': keys({ mcpServers: 'x' }),
  'one server instead of a list': keys({ enabledMcpjsonServers: 'x' }),
  'attribution on': keys({ attribution: true }),
  'an unknown field of the sandbox': keys({ sandbox: { x: 1 } }),
  'a byte order mark': edited((text) => `\uFEFF${text}`),
  'a key twice, the last one right': edited((text) => `{"model":3,"model":"x",${text.slice(1)}`),
  'hooks twice, ours last': edited((text) => `{"hooks":{},${text.slice(1)}`),
  'one mebibyte': edited((text) => text.replace(/\}$/, `,"x":"${'y'.repeat(1 << 20)}"}`)),
  'an own __proto__': ending(',"__proto__":{"x":1}}'),
  'white space around': edited((text) => `\n\t ${text}\r\n\n`),
};

const dropped: Texts = {
  'null as our matcher': inGroup((own) => ({ matcher: null, hooks: [own] })),
  'a list as our matcher': inGroup((own) => ({ matcher: ['startup'], hooks: [own] })),
  'ours without a group': inGroup((own) => own),
  'ours without a list': inGroup((own) => ({ hooks: own })),
  'a string as our timeout': spoilt({ timeout: '5' }),
  'no time for ours': spoilt({ timeout: 0 }),
  'null as our timeout': spoilt({ timeout: null }),
  'ours of no type': spoilt({ type: undefined }),
  'ours of an unknown type': spoilt({ type: 'shell' }),
  'a number among our arguments': spoilt({ args: [1] }),
  'ours asynchronous by a word': spoilt({ async: 'yes' }),
  'ours with a number as condition': spoilt({ if: 3 }),
};

const skipped: Texts = {
  'a flat entry of PreToolUse': events({ PreToolUse: [command] }),
  'a flat entry of PermissionRequest': events({ PermissionRequest: [command] }),
  'a flat entry of PreSkillShellCommand': events({ PreSkillShellCommand: [command] }),
  'a string as timeout of a guard': guard({ ...command, timeout: '5' }),
  'less than no time for a guard': guard({ ...command, timeout: -1 }),
  'no time for a guard': guard({ ...command, timeout: 0 }),
  'null as timeout of a guard': guard({ ...command, timeout: null }),
  'null as matcher of a guard': events({ PreToolUse: [{ matcher: null, ...group(command) }] }),
  'a number as matcher of a guard': events({ PreToolUse: [{ matcher: 3, ...group(command) }] }),
  'a list as matcher of a guard': events({ PreToolUse: [{ matcher: ['Bash'], ...group(command) }] }),
  'a guard without a type': guard({ command: 'true' }),
  'a guard of an unknown type': guard({ type: 'shell', command: 'true' }),
  'a guard without a command': guard({ type: 'command' }),
  'a list as command of a guard': guard({ ...command, command: ['a'] }),
  'a string as arguments of a guard': guard({ ...command, args: 'x' }),
  'a number among the arguments of a guard': guard({ ...command, args: [1] }),
  'a guard asynchronous by a word': guard({ ...command, async: 'x' }),
  'a guard once by a word': guard({ ...command, once: 'x' }),
  'a number as condition of a guard': guard({ ...command, if: 3 }),
  'an unknown shell for a guard': guard({ ...command, shell: 'zsh' }),
  'an unknown word for its failure': guard({ ...command, onFailure: 'x' }),
  'a number as status of a guard': guard({ ...command, statusMessage: 1 }),
  'an http guard without a url': guard({ type: 'http' }),
  'an http guard with no real url': guard({ type: 'http', url: 'nope' }),
  'a prompt guard without a prompt': guard({ type: 'prompt' }),
  'an agent guard without a prompt': guard({ type: 'agent' }),
  'an mcp guard without a tool': guard({ type: 'mcp_tool', server: 'x' }),
  'an object as a guarding event': events({ PreToolUse: { matcher: 'x', ...group(command) } }),
  'an empty object as a guarding event': events({ PreToolUse: {} }),
  'a string as a guarding event': events({ PreToolUse: 'x' }),
  'no as a guarding event': events({ PreToolUse: false }),
  'null as a group of a guard': events({ PreToolUse: [null] }),
  'a group of a guard without handlers': events({ PreToolUse: [{ matcher: 'x' }] }),
  'null as the handlers of a guard': events({ PreToolUse: [{ hooks: null }] }),
  'null as a handler of a guard': guard(null),
  'an unknown event that is a group': events({ Foo: group(command) }),
  'a guard below an unknown event': events({ Foo: { PreToolUse: [group(command)] } }),
  'a guard in hooks within hooks': events({ hooks: { PreToolUse: [group(command)] } }),
  'hooks that are a matcher group': events({ matcher: 'x', ...group(command) }),
  'a guard at the top': keys({ PreToolUse: [group(command)] }),
  'a guard put aside': keys({ _hooks: { PreToolUse: [group(command)] } }),
  'a matcher group in an unknown key': keys({ x: [{ matcher: 'a', ...group(command) }] }),
  'a guard deep in an unknown key': keys({ x: nested(3, { PreToolUse: [1] }) }),
  'a string as rules': keys({ permissions: { allow: 'Bash' } }),
  'null as rules': keys({ permissions: { deny: null } }),
  'a string as permissions': keys({ permissions: 'x' }),
  'null as permissions': keys({ permissions: null }),
  'an unknown mode': keys({ permissions: { defaultMode: 'yolo' } }),
  'yes where a word is expected': keys({ permissions: { disableBypassPermissionsMode: true } }),
  'a string as directories': keys({ permissions: { additionalDirectories: 'x' } }),
  'a list as variables': keys({ env: [] }),
  'null as variables': keys({ env: null }),
  'a number as model': keys({ model: 3 }),
  'null as model': keys({ model: null }),
  'a string as days': keys({ cleanupPeriodDays: '30' }),
  'no days': keys({ cleanupPeriodDays: 0 }),
  'half a day': keys({ cleanupPeriodDays: 1.5 }),
  'a string as status line': keys({ statusLine: 'x' }),
  'a status line without a type': keys({ statusLine: { command: 'x' } }),
  'a list of plugins': keys({ enabledPlugins: ['a@b'] }),
  'a plugin that is a number': keys({ enabledPlugins: { 'a@b': 1 } }),
  'hooks disabled by a word': keys({ disableAllHooks: 'true' }),
  'hooks disabled by a number': keys({ disableAllHooks: 1 }),
  'null for hooks disabled': keys({ disableAllHooks: null }),
  'a word for managed hooks': keys({ allowManagedHooksOnly: 'x' }),
  'a number as schema': keys({ $schema: 3 }),
  'a number as language': keys({ language: 3 }),
  'verbose by a word': keys({ verbose: 'true' }),
  'a co-author by a word': keys({ includeCoAuthoredBy: 'false' }),
  'a string as sandbox': keys({ sandbox: 'x' }),
  'a sandbox by a word': keys({ sandbox: { enabled: 'x' } }),
  'servers with a space': keys({ enabledMcpjsonServers: 'x y' }),
  'an unknown base': keys({ worktree: { baseRef: 'x' } }),
  'an unknown channel': keys({ autoUpdatesChannel: 'beta' }),
  'a list of verbs': keys({ spinnerVerbs: ['a'] }),
  'a word as attribution': keys({ attribution: 'x' }),
  'a skill by an unknown word': keys({ skillOverrides: { a: 'x' } }),
  'a number as another model': keys({ modelOverrides: { a: 1 } }),
  'a string as auto mode': keys({ autoMode: 'x' }),
  'an unknown view': keys({ defaultView: 'x' }),
  'a marketplace of an unknown kind': keys({ extraKnownMarketplaces: { a: { source: { source: 'zz' } } } }),
  'marketplaces of the other name that are a string': keys({ allowedMarketplaces: 'x' }),
  'deny by a word': keys({ permissions: { denyInsteadOfPrompting: 'x' } }),
  'a string as marketplaces': keys({ strictKnownMarketplaces: 'x' }),
  'a comment': edited((text) => `// ours\n${text}`),
  'a trailing comma': ending(',}'),
  'two byte order marks': edited((text) => `\uFEFF\uFEFF${text}`),
  'hooks twice, ours first': ending(',"hooks":{}}'),
  'a list as root': edited((text) => `[${text}]`),
  'more than two mebibytes': edited((text) => text.replace(/\}$/, `,"x":"${'y'.repeat(2 << 20)}"}`)),
  'a null byte at the end': edited((text) => `${text}\0`),
  'a tab within a string': ending(',"x":"a\tb"}'),
  'single quotes': ending(",'x':1}"),
  'half of it': edited((text) => text.slice(0, -5)),
};

const casesOf = (texts: Texts, fate: SettingsCase['fate']): SettingsCase[] =>
  Object.entries(texts).map(([name, text]) => ({ name, text, fate }));

export const settingsCases: readonly SettingsCase[] = [
  ...casesOf(works, 'works'),
  ...casesOf(dropped, 'dropped'),
  ...casesOf(skipped, 'skipped'),
];

/** Files whose `hooks` hold no hook at all: whether the rest of the file counts. */
export const hooklessCases: readonly { name: string; hooks: unknown; counts: boolean }[] = [
  { name: 'null', hooks: null, counts: true },
  { name: 'an empty list', hooks: [], counts: true },
  { name: 'a list of strings', hooks: ['x'], counts: true },
  { name: 'a list of groups', hooks: [group(command)], counts: false },
  { name: 'a list of objects', hooks: [{}], counts: false },
  { name: 'a string', hooks: 'x', counts: true },
  { name: 'no', hooks: false, counts: true },
  { name: 'an empty object', hooks: {}, counts: true },
  { name: 'an empty group', hooks: { hooks: [] }, counts: true },
  { name: 'a group', hooks: group(command), counts: false },
  { name: 'a group with an object', hooks: { matcher: 'a', hooks: {} }, counts: false },
];
