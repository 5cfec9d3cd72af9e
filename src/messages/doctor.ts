/**
 * What a person reads from doctor. One entry per finding: the facts it takes, what it says, what it means, and how to mend it.
 * The codes and the types of their facts are derived from this table, so a finding without words does not compile.
 *
 * The part of a code before its first `-` names the check. Paths are absolute; text of others is made harmless by `wordingOf`.
 */

import type { Dislike } from '../claude/judge-settings.ts';
import { oneLine } from '../core/quote.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Mend } from '../doctor/mend.ts';
import { keptText } from './install.ts';
import { ago } from './model.ts';
import { oldestNode } from './old-node.ts';
import { command, commandAt } from './own-command.ts';
import { dislikesText, dislikeText } from './settings.ts';

export interface Wording {
  /** One sentence or less: what was found. */
  readonly title: string;
  /** What it means, in one line or several; empty when there is nothing to explain. */
  readonly detail: string;
  /** What to do; empty when there is nothing to do. */
  readonly remedy: string;
}

type Words = readonly [title: string, detail?: string | readonly string[], remedy?: string];

const run = (args: string): string => `Run: ${command(args)}`;
const installAgain = (scope: string): string => run(`install --scope ${scopeOption(scope)}`);
const scopeOption = (label: string): string => label.split(' ')[0] ?? label;
const list = (items: readonly string[]): string => items.join(', ');
const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${number} ${number === 1 ? noun : plural}`;
/** A word for a shell that means nothing but itself, whoever chose it. */
const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const since = (at: string): string => ago(Date.parse(at), Date.now());

type None = Record<string, never>;

const words = {
  'check-failed': (a: { check: string; reason: string }): Words => [
    `The check "${a.check}" could not be done: ${a.reason}`,
    'What it looks at is unknown; everything else was checked.',
    `If the reason is not on your side, please report it with the output of: ${command('doctor --json')}`,
  ],
  'directory-missing': (a: { directory: string }): Words => [
    `${a.directory} is not a directory.`,
    '',
    'Run doctor in the directory in which you start Claude Code.',
  ],

  'node-ok': (a: { version: string; path: string }): Words => [`Node.js ${a.version} at ${a.path}`],
  'node-missing': (_: None): Words => [
    'There is no "node" on the PATH.',
    'The hooks run with the node of the PATH; Claude Code is a native program and brings none.',
    `Install Node.js ${oldestNode} or newer where every shell finds it.`,
  ],
  'node-broken': (a: { reason: string }): Words => [
    `The "node" on the PATH does not work: ${a.reason}`,
    'The hooks run with it, so none of them works.',
    'Make "node --version" work in this directory. A version manager may have no version selected here.',
  ],
  'node-old': (a: { version: string; path: string; needed: string }): Words => [
    `Node.js ${a.version} at ${a.path} is too old.`,
    `The hooks need Node.js ${a.needed} or newer.`,
    `Install Node.js ${a.needed} or newer, or put it before the old one on the PATH.`,
  ],

  'client-ok': (a: { version: string }): Words => [`Claude Code ${a.version}`],
  'client-missing': (_: None): Words => [
    'There is no "claude" on the PATH.',
    'It may be installed elsewhere, for example by an editor; its version is unknown then.',
  ],
  'client-unreadable': (a: { reason: string }): Words => [
    `"claude --version" gives no version: ${a.reason}`,
    'Whether this version knows all that the hooks need is unknown.',
  ],
  'client-too-old': (a: { version: string; needed: string }): Words => [
    `Claude Code ${a.version} cannot run these hooks.`,
    `Hooks with an argument list exist since ${a.needed}; an older version does not understand the entries.`,
    'Update Claude Code, for example with: claude update',
  ],
  'client-old': (a: { version: string; needed: string }): Words => [
    `Claude Code ${a.version} does not tell hooks which process it is.`,
    `It does since ${a.needed}. Until then the hooks go by their parent process, which is right unless something stands in between.`,
    'Update Claude Code, for example with: claude update',
  ],

  'git-ok': (a: { version: string; ms: number }): Words => [`git ${a.version}; "git status" took ${a.ms} ms`],
  'git-none': (a: { directory: string }): Words => [
    `${a.directory} is not in a git repository.`,
    'Sessions that start in exactly this directory coordinate; state is kept in your user state directory.',
  ],
  'git-missing': (_: None): Words => [
    'There is no "git" on the PATH.',
    'Coordination works without it, but handoffs do not say which files are changed.',
    'Install git, or put it on the PATH.',
  ],
  'git-slow': (a: { ms: number; limitMs: number }): Words => [
    `"git status" takes ${a.ms} ms here.`,
    `A session waits ${a.limitMs} ms for it when it ends and when it takes over, so handoffs may not say which files are changed. A turn never waits for git.`,
    'See whether "git config core.untrackedCache true" or a smaller work tree makes "git status" faster.',
  ],
  'git-hangs': (a: { limitMs: number }): Words => [
    `"git status" does not answer within ${a.limitMs} ms here.`,
    'Handoffs go without the git facts. Nothing else depends on it.',
    'See why "git status" is slow: a network drive, very many untracked files, or a file system monitor.',
  ],
  'git-dubious': (a: { directory: string }): Words => [
    'git refuses this repository, because it belongs to another user.',
    'Handoffs go without the git facts. Nothing else depends on it.',
    `If you trust it, run: git config --global --add safe.directory ${word(a.directory)}`,
  ],
  'git-failed': (a: { reason: string }): Words => [
    `"git status" fails here: ${a.reason}`,
    'Handoffs go without the git facts.',
    'Run "git status" yourself and mend what it says.',
  ],

  'settings-absent': (a: { scope: string; file: string }): Words => [`${a.scope} settings: none`],
  'settings-fine': (a: { scope: string; file: string; hooks: number }): Words => [
    `${a.scope} settings: ${a.hooks ? count(a.hooks, 'hook') : 'no hooks of ours'} in ${a.file}`,
  ],
  'settings-relaxed': (a: { scope: string; file: string; line: number }): Words => [
    `${a.file}, line ${a.line}: a comment or a trailing comma.`,
    'Claude Code reads strict JSON and ignores the whole file because of it: every setting in it, and every hook.',
    `Remove the comment or comma in line ${a.line}.`,
  ],
  'settings-broken': (a: { scope: string; file: string; line: number }): Words => [
    `${a.file}, line ${a.line}: not a valid JSON object.`,
    'Claude Code ignores the whole file because of it: every setting in it, and every hook.',
    `Correct the file; the first mistake is near line ${a.line}.`,
  ],
  'settings-unreadable': (a: { scope: string; file: string; reason: string }): Words => [
    `${a.file} cannot be read: ${a.reason}.`,
    'Whatever it says does not count.',
    'Make it a file that you can read, or remove it.',
  ],
  'settings-refused': (a: { file: string; line: number }): Words => [
    `${a.file}, line ${a.line}: not a valid JSON object.`,
    'It is a file of the administrator, and Claude Code does not start because of it.',
    'Ask whoever manages this machine to correct or remove it.',
  ],
  'settings-skipped': (a: { scope: string; file: string; dislikes: readonly Dislike[] }): Words => [
    `Claude Code skips all of ${a.file}: ${dislikeText(a.dislikes[0])}`,
    [
      'Nothing in the file counts: no hook, no permission rule, no variable.',
      ...(a.dislikes.length > 1 ? [`There is more: ${dislikesText(a.dislikes.slice(1))}`] : []),
    ],
    'Correct or remove that entry.',
  ],
  'settings-dropped': (a: { scope: string; file: string; dislikes: readonly Dislike[] }): Words => [
    `Claude Code passes over our hook in ${a.file}: ${dislikesText(a.dislikes)}`,
    'It never runs. The rest of the file counts.',
    installAgain(a.scope),
  ],
  'settings-ignored': (a: { file: string; dislikes: readonly Dislike[] }): Words => [
    `Claude Code passes over entries of others in ${a.file}: ${dislikesText(a.dislikes)}`,
    'The rest of the file counts, and so do our hooks.',
  ],
  'settings-partial': (a: { scope: string; file: string; missing: readonly string[] }): Words => [
    `${a.file} lacks some of the hooks: ${list(a.missing)}.`,
    'Without them sessions learn of changes late, or leave no handoff.',
    installAgain(a.scope),
  ],
  'settings-matcher': (a: { file: string; event: string; matcher: string }): Words => [
    `Our ${a.event} hook in ${a.file} runs only for "${a.matcher}".`,
    'The matcher leaves out other occasions, and sessions that begin that way never join.',
    'Remove the "matcher" of that entry.',
  ],
  'settings-edited': (a: { file: string; event: string; keys: readonly string[] }): Words => [
    `Our ${a.event} hook in ${a.file} differs from what install writes: ${list(a.keys)}.`,
    a.keys.includes('async')
      ? 'An asynchronous hook is killed when its session ends, and what it says does not reach the model.'
      : 'That may be on purpose. A short timeout can cut the hook off.',
    `If it is not, put it back with: ${command('install')}`,
  ],
  'settings-repeated': (a: { scope: string; file: string; events: readonly string[] }): Words => [
    `${a.file} wires our hook more than once: ${list(a.events)}.`,
    'One of them is left from an earlier installation.',
    installAgain(a.scope),
  ],
  'settings-plugin': (a: { file: string }): Words => [`installed as a plugin, see ${a.file}`],
  'settings-missing': (a: { directory: string }): Words => [
    `flowloom-hooks is not installed for ${a.directory}.`,
    'No settings that Claude Code reads here name the hooks, so sessions do not know of each other.',
    run('install'),
  ],
  'settings-subdirectory': (a: { directory: string; root: string; file: string }): Words => [
    'The hooks do not run for sessions that start in this subdirectory.',
    `Claude Code reads the project settings only when it is started in ${a.root}.`,
    `Start it there, or add the hooks for yourself: ${command('install --scope local')}`,
  ],
  'settings-uncommitted': (a: { file: string }): Words => [
    `${a.file} is not committed with the hooks in it.`,
    'They work here. Teammates and other git worktrees have only what is committed.',
    'Commit the .claude directory to share them.',
  ],
  'settings-scripts-uncommitted': (a: { directory: string }): Words => [
    `The settings are committed, but not all scripts in ${a.directory}.`,
    'In every clone and worktree Claude Code will report hooks that cannot be found. Perhaps git ignores the directory.',
    `Run: git add --force ${word(a.directory)} and commit.`,
  ],
  'settings-worktree': (a: { worktree: string; file: string }): Words => [
    `The project hooks are in the main checkout, not in this worktree (${a.worktree}).`,
    `A worktree has a copy of its own of ${a.file}, so it gets the hooks through git only.`,
    `Commit the .claude directory there and merge it here, or run: ${command('install --scope user')}`,
  ],

  'silenced-no': (_: None): Words => ['nothing switches the hooks off'],
  'silenced-disabled': (a: { file: string }): Words => [
    `${a.file} says "disableAllHooks": true.`,
    'No hook of anybody runs until that is removed.',
    'Remove that line.',
  ],
  'silenced-managed': (a: { file: string; key: string }): Words => [
    `The administrator's settings restrict hooks: "${a.key}".`,
    `${a.file} keeps hooks of users and projects from running.`,
    'Ask whoever manages this machine to add the hooks to the managed settings.',
  ],
  'silenced-variable': (a: { file: string; variable: string }): Words => [
    `${a.file} sets ${a.variable} for every session ("env").`,
    'With it Claude Code runs no hook of anybody.',
    `Remove ${a.variable} from its "env".`,
  ],
  'silenced-client': (a: { variable: string }): Words => [
    `${a.variable} is set in this shell.`,
    'Claude Code runs no hooks in sessions started from here; --bare, --safe-mode and --restricted do the same for one session.',
    `If that is not intended: unset ${a.variable}`,
  ],
  'silenced-shell': (_: None): Words => [
    'FLOWLOOM=off is set in this shell.',
    'Sessions started from here do not take part.',
    'If that is not intended: unset FLOWLOOM',
  ],
  'silenced-environment': (a: { file: string }): Words => [
    `${a.file} sets FLOWLOOM=off for every session ("env").`,
    'The hooks run and do nothing.',
    'Remove FLOWLOOM from its "env".',
  ],

  'scripts-ok': (a: { scope: string; directory: string; version: string; files: number }): Words => [
    `${a.scope} scripts: version ${a.version}, ${count(a.files, 'file')}, each as it is in this version`,
  ],
  'scripts-itself': (a: { scope: string; directory: string; version: string; files: number }): Words => [
    `${a.scope} scripts: version ${a.version}, ${count(a.files, 'file')}, as their manifest says`,
    `This command is itself a file in ${a.directory}, so it cannot tell whether they are the ones that were released.`,
  ],
  'scripts-missing': (a: {
    scope: string;
    directory: string;
    settings: string;
    files: readonly string[];
  }): Words => [
    `${count(a.files.length, 'script')} missing in ${a.directory}: ${list(a.files.slice(0, 6))}.`,
    `${a.settings} names them, so these hooks do nothing. Older entries show an error at each event.`,
    `Run: ${command('doctor --fix')}, or ${command(`install --scope ${scopeOption(a.scope)}`)} if the project was moved.`,
  ],
  'scripts-edited': (a: {
    scope: string;
    directory: string;
    settings: string;
    files: readonly string[];
    /** Whether this command has what was released. */
    replaceable: boolean;
  }): Words => [
    `Scripts in ${a.directory} are not as they were installed: ${list(a.files.slice(0, 6))}.`,
    'Somebody edited or formatted them, git changed their line endings, or they are links that leave the project.',
    a.replaceable
      ? `${run('doctor --fix')} (it keeps what is there now, and says where)`
      : 'This command has no other copy of them: take them back from git, or install again with the command of the package.',
  ],
  'scripts-backups': (a: { scope: string; directory: string; files: readonly string[] }): Words => [
    `An earlier version kept edited scripts in ${a.directory}: ${list(a.files.slice(0, 6))}.`,
    'They do nothing there, and uninstall leaves them.',
    'Remove them when nobody needs what is in them.',
  ],
  'scripts-outdated': (a: {
    scope: string;
    directory: string;
    settings: string;
    version: string;
    current: string;
  }): Words => [
    `The scripts in ${a.directory} are version ${a.version}; this is ${a.current}.`,
    'They are a copy, and updates reach them only through install. Whether somebody edited them cannot be compared with another version.',
    installAgain(a.scope),
  ],
  'scripts-newer': (a: { scope: string; directory: string; version: string; current: string }): Words => [
    `The scripts in ${a.directory} are version ${a.version}, newer than this command (${a.current}).`,
    'This command may not understand all of their records, and cannot compare the scripts: they are not of its version.',
    `Use the command that came with them: ${commandAt(`${a.directory}/cli.mjs`, 'doctor')}`,
  ],
  'scripts-unverified': (a: { scope: string; directory: string }): Words => [
    `${a.directory} has no manifest of ours.`,
    'The scripts are there, but whether they are complete and unmodified is unknown.',
    `Move the directory away. ${installAgain(a.scope)}`,
  ],

  'double-no': (_: None): Words => ['installed once'],
  'double-scopes': (a: { scopes: readonly string[]; files: readonly string[] }): Words => [
    `The hooks are installed ${a.files.length} times: ${list(a.files)}.`,
    'Each of them runs at every event. They tolerate that, but each of them takes its time.',
    `Keep one and remove the others, for example: ${command(`uninstall --scope ${a.scopes.at(-1)}`)}`,
  ],
  'double-plugin': (a: { file: string; files: readonly string[] }): Words => [
    `The hooks are installed as a plugin (${a.file}) and in ${list(a.files)}.`,
    'Each of them runs at every event. They tolerate that, but each of them takes its time.',
    `Remove one: ${command('uninstall')}, or "claude plugin uninstall" with the name of the plugin`,
  ],

  'trust-ok': (a: { directory: string }): Words => [`Claude Code trusts ${a.directory}`],
  'trust-missing': (a: { directory: string }): Words => [
    `Nobody has told Claude Code yet that ${a.directory} is trusted.`,
    'Interactive sessions run hooks from settings only in a trusted folder.',
    'Start "claude" here once and say yes to its question.',
  ],
  'trust-unknown': (a: { file: string; reason: string }): Words => [
    'Whether Claude Code trusts this folder is unknown.',
    `It is kept in ${a.file}, and ${a.reason}. Interactive sessions ask at their first start.`,
  ],

  'mcp-ok': (a: { file: string; ms: number }): Words => [`the MCP server in ${a.file} answers (${a.ms} ms)`],
  'mcp-dead': (a: { file: string; reason: string }): Words => [
    `The MCP server in ${a.file} does not answer: ${a.reason}`,
    'Its tools are missing; hooks do not need them.',
    run('install --mcp'),
  ],
  'mcp-not-run': (a: { file: string; script: string }): Words => [
    `The MCP server in ${a.file} was not run: ${a.script} is not the file of this version.`,
    'It came with the repository, and only what this version brings is run here. Claude Code asks you before it starts it.',
    `To put the one of this version there: ${command('install --mcp')}`,
  ],
  'mcp-off': (a: { file: string }): Words => [
    `${a.file} switches the MCP server off (disabledMcpjsonServers).`,
    'Its tools are missing; hooks do not need them.',
    'Take "flowloom" out of that list.',
  ],
  'mcp-file': (a: { file: string; reason: string }): Words => [
    `${a.file} cannot be used as it is: ${a.reason}`,
    'Claude Code reads strict JSON there and leaves out the whole file otherwise.',
    'Mend it by hand.',
  ],

  'store-place': (a: { path: string; what: string; exists: boolean; live: number; gone: number }): Words => [
    a.exists
      ? `state is in the ${a.what} (${a.path}): ${a.live} live, ${a.gone} gone`
      : `state will be in the ${a.what} (${a.path}); no session has joined yet`,
  ],
  'store-degraded': (a: { path: string; from: string; to: string; reason: string }): Words => [
    `State cannot be kept in the ${a.from}: ${a.reason}`,
    `New sessions use the ${a.to} (${a.path}). They do not see sessions that keep their state elsewhere.`,
    'Mend the reason; sessions that start afterwards use the better place.',
  ],
  'store-configured': (a: { kind: string; place: string; live: number; gone: number }): Words => [
    `the ${a.kind} store works (${a.place}): ${a.live} live, ${a.gone} gone`,
  ],
  'store-not-usable': (a: { kind: string; reason: string }): Words => [
    `The ${a.kind} store, which the configuration names, cannot be used: ${a.reason}`,
    'Sessions use files instead, and see each other there. They move back by themselves once it works.',
    'Mend the reason, or choose another store in the configuration.',
  ],
  'store-synced': (a: { remote: string; at: string }): Words => [
    `other machines as of the last look at ${a.remote}, ${since(a.at)}`,
  ],
  'store-sync-never': (a: { remote: string }): Words => [
    `Nothing was exchanged with ${a.remote} yet`,
    'The next hook starts it, beside the session.',
    `To do it now: ${command('sync')}`,
  ],
  'store-sync-failed': (a: {
    remote: string;
    outcome: string;
    message: string;
    at: string;
    viewAt: string;
  }): Words => [
    `The last exchange with ${a.remote}, ${since(a.at)}, did not work (${a.outcome}): ${oneLine(a.message, 200) || 'no reason given'}`,
    `Sessions on other machines are known as of ${a.viewAt ? since(a.viewAt) : 'never'}. Everything on this machine goes on.`,
    `Try it by hand: ${command('sync')}`,
  ],
  'store-apart': (a: { kind: string; sessions: number }): Words => [
    `${count(a.sessions, 'live session')} ${a.sessions === 1 ? 'is' : 'are'} not in the ${a.kind} store but in files.`,
    'Either the store could not be used for a while, and they move at their next prompt, or they joined before it was configured.',
    'If they are still here after a prompt in each, restart them.',
  ],
  'store-weak': (a: { kind: string }): Words => [
    `The ${a.kind} store cannot promise everything`,
    'Another program rewrites its file as a whole and may drop what was written meanwhile. Sessions write their records again at their next hook; until then somebody may be missing from the roster.',
    'For a roster that is always right, use the file or git store.',
  ],
  'store-unusable': (a: { reason: string }): Words => [
    `State can be kept nowhere: ${a.reason}`,
    'Every session works as if it were alone.',
    'Make one of the places writable, or name another with FLOWLOOM_STATE_DIR.',
  ],
  'store-broken': (a: { path: string; reason: string }): Words => [
    `The state in ${a.path} cannot be used: ${a.reason}`,
    'Sessions that keep their state there cannot join, and are told nothing.',
    'Mend the reason, or move the directory away once no session uses it; it is made anew.',
  ],
  'store-split': (a: { path: string; elsewhere: readonly { path: string; live: number }[] }): Words => [
    `Live sessions keep their state elsewhere: ${list(a.elsewhere.map(({ path, live }) => `${live} in ${path}`))}.`,
    `New sessions use ${a.path}. The two groups do not see each other.`,
    'Restart the sessions of the smaller group.',
  ],
  'store-moved': (a: { file: string; variable: string; value: string }): Words => [
    `${a.file} sets ${a.variable}=${a.value} for sessions; this shell does not.`,
    'The hooks keep their state there, and these commands look elsewhere.',
    `Set it in your shell too: export ${a.variable}=${word(a.value)}`,
  ],
  'store-not-private': (a: { path: string; entries: number; example: string }): Words => [
    `Others may read or change ${count(a.entries, 'entry', 'entries')} in ${a.path}.`,
    `For example ${a.example}. State holds prompts and summaries.`,
    run('doctor --fix'),
  ],
  'store-foreign': (a: { path: string; entries: number; example: string }): Words => [
    `${count(a.entries, 'entry', 'entries')} in ${a.path} belong to another user.`,
    `For example ${a.example}. Such records are not read. A session under sudo may have written them.`,
    `Give them back to you: sudo chown -R "$(id -un)" ${word(a.path)}`,
  ],
  'store-damaged': (a: { record: string; reason: string }): Words => [
    `A record cannot be read: ${a.record} ${a.reason}.`,
    'It is passed over; whoever it belongs to may be missing from the roster. If permissions hide it, the others are told no role while that session lives.',
    'Make it readable for you, or remove it once no session uses it.',
  ],
  'store-notebook': (a: { directory: string }): Words => [
    `A session's notebook cannot be read, in ${a.directory}.`,
    'A live session begins a new one at its next hook; for one that is over, the handoff cannot be reconstructed.',
    'If the session is over, remove that directory.',
  ],
  'store-records-ok': (a: { records: number }): Words => [`${count(a.records, 'file')}, all readable`],
  'store-ghosts': (a: { path: string; gone: number; ghosts: number; prunable: number }): Words => [
    `${count(a.gone, 'session')} that ${a.gone === 1 ? 'is over still has a record' : 'are over still have records'}; ${a.ghosts || 'none'} of them ended without a word${a.ghosts ? ': killed, crashed, or without power' : ''}.`,
    `Records of sessions that are over count for nothing${a.prunable ? ', but a new session looks at all of them' : ''}.`,
    a.prunable
      ? `Run: ${command('doctor --fix')}, which keeps the newest ones for a handoff, or: ${command('prune')}`
      : '',
  ],
  'store-leftovers': (a: { path: string; files: number }): Words => [
    `${count(a.files, 'unfinished file')} in ${a.path}`,
    'Writers that were killed left them behind. They are never read.',
    run('doctor --fix'),
  ],

  'clock-ok': (_: None): Words => ['times and join numbers agree'],
  'clock-future': (a: { file: string; minutes: number; files: number }): Words => [
    `${count(a.files, 'file')} of the state ${a.files === 1 ? 'is' : 'are'} from the future, up to ${a.minutes} min.`,
    `The newest is ${a.file}. A clock was or is wrong. Who is master does not depend on clocks; the ages shown are wrong.`,
  ],
  'clock-order': (a: { earlier: number; later: number; minutes: number }): Words => [
    `Session ${a.later} joined after session ${a.earlier}, by its own clock ${a.minutes} min before it.`,
    'A clock was or is wrong. Who is master goes by the numbers, not by the times.',
  ],

  'config-none': (_: None): Words => ['no configuration file: defaults'],
  'config-ok': (a: { file: string }): Words => [`${a.file} is in order`],
  'config-problem': (a: { file: string; key: string; expected: string }): Words => [
    `${a.file}: "${a.key}" does not count.`,
    a.expected === 'no such key' ? 'There is no such key.' : `It should be ${a.expected}.`,
    'Correct or remove it. Until then its default is used.',
  ],

  'consent-given': (a: { file: string; wish: string }): Words => [
    `You agreed to what ${a.file} wants (trust): ${a.wish}.`,
  ],
  'consent-missing': (a: { file: string; wish: string; store: string }): Words => [
    `${a.file} wants this, and you have not agreed (trust): ${a.wish}.`,
    `Until you do, nothing of that happens; sessions use the ${a.store} store.`,
    `See it and decide: ${command('trust')}`,
  ],

  'gate-sh': (a: { scope: string; file: string }): Words => [
    `${a.scope} settings: steady prompts are answered by sh, without Node`,
  ],
  'gate-node': (a: { scope: string; file: string }): Words => [
    `${a.scope} settings: every prompt is answered by Node`,
  ],
  'gate-no-shell': (a: { scope: string; file: string }): Words => [
    `${a.file} runs "sh", and there is none on the PATH.`,
    'Prompts are answered by sh first, which is for Linux and macOS; without it these hooks fail at every event.',
    `Let Node answer, which works everywhere: ${command(`install --scope ${scopeOption(a.scope)} --no-posix`)}`,
  ],
  'gate-environment': (a: { scope: string; file: string; variables: readonly string[] }): Words => [
    `Set here: ${list(a.variables)}. That also reaches the hooks in ${a.file}, which Node runs without a shell.`,
    'Options of a debug terminal, deprecation warnings and certificates slow hooks down, make them fail, or spoil what they print.',
    `Unset them where you start Claude Code, or let sh start the hooks, which keeps them away (Linux and macOS): ${command(`install --scope ${scopeOption(a.scope)} --posix`)}`,
  ],

  'hook-none': (_: None): Words => [
    'The hooks are installed, but none has ever fired here.',
    'Right after an installation that is as it should be.',
    'Start a new Claude Code session here. If this stays, look at trust and at "disableAllHooks" above.',
  ],
  'hook-fired': (a: { event: string; at: string; ms: number }): Words => [
    `${a.event} ${since(a.at)}, ${a.ms} ms`,
  ],
  'hook-slow': (a: { event: string; at: string; ms: number }): Words => [
    `${a.event} ${since(a.at)}, ${a.ms} ms: slow`,
    'A hook ends itself after 1.8 s, so that nobody waits for it: on a busy machine, or with a slow disk, it may not finish.',
  ],
  'hook-gate': (a: { at: string }): Words => [`prompts or tools answered without Node ${since(a.at)}`],
  'hook-never': (a: { event: string }): Words => [
    `${a.event}: has never fired here`,
    ['PostToolBatch', 'PostCompact', 'SessionEnd'].includes(a.event)
      ? 'It fires when a tool was used, a conversation compacted, or a session ended.'
      : 'Every session and every turn has it.',
    ['PostToolBatch', 'PostCompact', 'SessionEnd'].includes(a.event)
      ? ''
      : 'Start a new session and give it a prompt. If this stays, look at trust and at "disableAllHooks" above.',
  ],

  'log-ok': (a: { days: number }): Words => [`no failures in the last ${a.days} days`],
  'log-failures': (a: {
    days: number;
    count: number;
    newest: readonly { at: string; event: string; code: string; message: string }[];
  }): Words => [
    `${count(a.count, 'failure')} of hooks in the last ${a.days} days`,
    a.newest.map(({ at, event, code, message }) => `${event} ${since(at)}: ${code}: ${message}`),
    `For all of them: ${command('log')}`,
  ],

  'session-none': (_: None): Words => ['not run inside a Claude Code session'],
  'session-member': (a: { pid: number; role: string; seq: number }): Words => [
    `this session (process ${a.pid}) is number ${a.seq}: ${a.role}`,
  ],
  'session-stranger': (a: { pid: string }): Words => [
    `This session${a.pid ? ` (process ${a.pid})` : ''} does not take part.`,
    'No hook of it has joined: it may run elsewhere, be ignored by the configuration, or have begun before the installation.',
    'Give it a prompt: a session joins at the first hook that is seen of it.',
  ],
};

/** Every code there is. */
export const findingCodes = Object.keys(words);

/** The facts of every code. */
export type FindingArgs = { [C in keyof typeof words]: Parameters<(typeof words)[C]>[0] };

const harmless = (text = ''): string => oneLine(text, 2000);

export function wordingOf({ code, args }: Finding): Wording {
  const [title, detail, remedy] = (words[code] as (args: unknown) => Words)(args);
  const lines = [detail ?? ''].flat().map(harmless);
  return { title: harmless(title), detail: lines.join('\n'), remedy: harmless(remedy) };
}

/** What was mended, in one sentence. */
export function mendWording(mend: Mend): string {
  switch (mend.code) {
    case 'permissions-tightened':
      return `Only you can read ${mend.args.path} now.`;
    case 'members-pruned':
      return `${count(mend.args.members, 'session')} that are over were forgotten in ${mend.args.path}.`;
    case 'leftovers-swept':
      return `${count(mend.args.files, 'unfinished file')} removed from ${mend.args.path}.`;
    case 'scripts-copied':
      return [
        `${count(mend.args.files, 'file')} copied to ${mend.args.directory}.`,
        ...(mend.args.kept ? [keptText(mend.args.kept)] : []),
      ].join(' ');
    case 'mend-failed':
      return harmless(`Could not mend ${mend.args.path}: ${mend.args.reason}`);
  }
}

/** Groups of checks, in the order of the report. */
export const groups: readonly { readonly title: string; readonly checks: readonly string[] }[] = [
  { title: 'Programs', checks: ['directory', 'node', 'client', 'git'] },
  {
    title: 'Installation',
    checks: ['settings', 'silenced', 'scripts', 'gate', 'double', 'mcp', 'trust', 'config', 'consent'],
  },
  { title: 'State', checks: ['store', 'clock'] },
  { title: 'Activity', checks: ['hook', 'log', 'session'] },
];

/** The last line. */
export function verdict(problems: number, mendable: number): string {
  if (problems === 0) return mendable ? `Everything works. ${fixHint(mendable)}` : 'Everything works.';
  return `${problems} thing${problems === 1 ? '' : 's'} to look at.${mendable ? ` ${fixHint(mendable)}` : ''}`;
}

const fixHint = (mendable: number): string =>
  `"${command('doctor --fix')}" mends ${mendable === 1 ? 'one finding' : `${mendable} findings`}.`;
