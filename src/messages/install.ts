/** What people read about installing and uninstalling. Plain text for 80 columns, no colours. */
import type { Obstacle } from '../../install/obstacles.ts';
import type { InstallReport, Note, UninstallReport } from '../../install/report.ts';
import type { HookCheck, HookProblem } from '../../install/self-test.ts';
import type { Scope } from '../../install/target.ts';
import { oneLine } from '../core/quote.ts';
import { oldestNode } from './old-node.ts';
import { command, commandAnywhere, commandAt } from './own-command.ts';
import { dislikesText } from './settings.ts';
import { wrap as linesOf } from './wrap.ts';

export interface InstallProblem {
  code:
    | 'not-json'
    | 'relaxed-json'
    | 'not-utf8'
    | 'root-not-object'
    | 'hooks-not-object'
    | 'event-not-array'
    | 'servers-not-object'
    | 'foreign-server'
    | 'server-scope'
    | 'duplicate-key'
    | 'dangling-link'
    | 'link-leaves'
    | 'no-file'
    | 'read-only'
    | 'cannot-read'
    | 'cannot-write'
    | 'changed-meanwhile'
    | 'foreign-file'
    | 'edited-source'
    | 'newer-installed'
    | 'incomplete-package'
    | 'no-server'
    | 'no-directory'
    | 'inside-git'
    | 'home';
  file: string;
  /** The event or key in question, or where the link leads. */
  at?: string;
  /** The line in question, counted from 1. */
  line?: number;
  /** The version that was to be installed. */
  version?: string;
  /** The system's error code. */
  reason?: string;
}

/** One or two sentences: what is wrong with which file, and what to do. */
export function installProblem({ code, file, at, line, reason, version }: InstallProblem): string {
  const place = line === undefined ? file : `${file}, line ${line}`;
  const unchanged = 'Nothing was changed.';
  switch (code) {
    case 'not-json':
      return `${place}: this is not valid JSON. Correct it and try again. ${unchanged}`;
    case 'relaxed-json':
      return `${place}: a comment or a trailing comma. Claude Code reads strict JSON and ignores the whole file because of it. Remove it and try again. ${unchanged}`;
    case 'not-utf8':
      return `${file} is not encoded in UTF-8. Save it as UTF-8 and try again. ${unchanged}`;
    case 'root-not-object':
      return `${file} does not hold a JSON object. Make it one, for example {}, and try again. ${unchanged}`;
    case 'hooks-not-object':
      return `${file}: "hooks" is not an object. Correct or remove it and try again. ${unchanged}`;
    case 'event-not-array':
      return `${file}: "hooks.${at}" is not an array. Correct or remove it and try again. ${unchanged}`;
    case 'servers-not-object':
      return `${file}: "mcpServers" is not an object. Correct or remove it and try again. ${unchanged}`;
    case 'foreign-server':
      return `${file} names another server "${at}", which does not run our script. Rename or remove it and try again. ${unchanged}`;
    case 'server-scope':
      return `For yourself alone Claude Code keeps its MCP servers in a file that only it may write. ${unchanged} Let it add ours: claude mcp add --scope ${at} flowloom -- ${commandAnywhere('mcp')}`;
    case 'duplicate-key':
      return `${file}: the key "${at}" appears twice in the same object, and only the last one counts. Merge them and try again. ${unchanged}`;
    case 'dangling-link':
      return `${file} is a symbolic link to something that does not exist. Create its target or remove the link, and try again. ${unchanged}`;
    case 'link-leaves':
      return `${file} is a symbolic link that leaves the project: it leads to ${oneLine(at ?? '', 300)}. What a repository brings along must not reach other files of yours. Remove the link and try again. ${unchanged}`;
    case 'no-file':
      return `${file} is not a regular file. Move it away and try again. ${unchanged}`;
    case 'read-only':
      return `${file} is read-only. Make it writable and try again. ${unchanged}`;
    case 'cannot-read':
      return `${file} cannot be read: ${reasonText(reason)}. Correct that and try again. ${unchanged}`;
    case 'cannot-write':
      return `${file} cannot be written or removed: ${reasonText(reason)}. Correct that and try again; no file was left half written.`;
    case 'changed-meanwhile':
      return `${file} keeps changing while we try to edit it. Close whatever writes it and try again. The file was left as it is.`;
    case 'foreign-file':
      return `${file} exists and was not written by flowloom-hooks, or the manifest beside it is damaged. Move it away and try again. ${unchanged}`;
    case 'edited-source':
      return `${file} is not as it was installed, and this command is installed beside it, so it has no other copy. Install with the command of the package, or take the file back from git. ${unchanged}`;
    case 'newer-installed':
      return `${file} holds version ${oneLine(at ?? '', 40)}, and this is ${version}: older scripts would replace newer ones. Use the newer command, or say --downgrade if that is what you want. ${unchanged}`;
    case 'incomplete-package':
      return `${file} is missing: this copy of flowloom-hooks is incomplete. Install the package again. ${unchanged}`;
    case 'no-server':
      return `${file} is missing: this copy of flowloom-hooks was installed without the MCP server. Install it with --mcp from the package. ${unchanged}`;
    case 'no-directory':
      return `${file} is not a directory. Name an existing one. ${unchanged}`;
    case 'inside-git':
      return `${file} lies inside a .git directory. Run this in the work tree. ${unchanged}`;
    case 'home':
      return `The project at ${file} shares its .claude directory with your user settings. To install for all your projects use --scope user; for a single project, run this inside its own git repository. ${unchanged}`;
  }
}

/** The message of an InstallError, broken into lines. */
export function renderProblem(error: { message: string }): string {
  return wrap(error.message);
}

/** A few lines: whether it works, what was written, what to do next. */
export function renderInstall(report: InstallReport): string {
  const broken = (report.selfTest ?? []).filter((check) => !check.ok);
  const isBroken = broken.length > 0 || report.server?.test?.ok === false;
  const isStopped = report.obstacles.length > 0;
  const parts = [
    installHeadline(report, isBroken),
    fileList(report, 'in'),
    ...(report.dryRun ? [report.diff.join('\n'), report.server?.diff.join('\n') ?? ''] : []),
    wrap(formText(report)),
    ...report.obstacles.map((obstacle) => wrap(obstacleText(obstacle))),
    selfTestText(report, broken),
    serverTestText(report),
    ...report.notes.map((note) =>
      noteText(note)
        .split('\n')
        .map((line) => (line.startsWith('  ') ? line : wrap(line)))
        .join('\n'),
    ),
    report.dryRun || isBroken || isStopped ? '' : nextStep(report),
  ];
  return paragraphs(parts);
}

/** A few lines: what was removed and what stays. */
export function renderUninstall(report: UninstallReport): string {
  const { scope, installed, kept, dryRun, scriptsDir } = report;
  const leftovers =
    kept.length > 0
      ? `These files in ${scriptsDir} are not ours or were edited, and stay: ${oneLine(kept.join(', '), 1000)}.`
      : '';
  if (!installed) {
    const place = scope === 'user' ? 'for your user' : `in ${report.root} (scope ${scope})`;
    return paragraphs([wrap(`flowloom-hooks is not installed ${place}. Nothing to do.`), wrap(leftovers)]);
  }
  const headline = dryRun
    ? `Dry run: flowloom-hooks would be uninstalled ${audience(report)}.`
    : `flowloom-hooks is uninstalled ${audience(report)}.`;
  return paragraphs([
    wrap(headline),
    fileList(report, 'removed from'),
    ...(dryRun ? [report.diff.join('\n'), report.server?.diff.join('\n') ?? ''] : []),
    wrap(leftovers),
    dryRun ? '' : 'Sessions that are running now go on without it.',
  ]);
}

function installHeadline(report: InstallReport, isBroken: boolean): string {
  const name = `flowloom-hooks ${report.version}`;
  if (report.dryRun) {
    const what = report.changed ? 'would be installed' : 'is already installed';
    return wrap(`Dry run: ${name} ${what} ${audience(report)}. Nothing was written.`);
  }
  if (isBroken) return wrap(`${name} is installed ${audience(report)}, but it does not work yet.`);
  if (report.obstacles.length > 0)
    return wrap(`${name} is installed ${audience(report)}, but Claude Code will not run it yet.`);
  if (!report.changed) return wrap(`${name} is already installed ${audience(report)}, and it works.`);
  return wrap(`${name} is installed ${audience(report)}, and it works.`);
}

function audience({ scope, root }: { scope: Scope; root: string }): string {
  if (scope === 'user') return 'for all your projects';
  return scope === 'local' ? `for you alone in ${root}` : `for everybody in ${root}`;
}

function fileList(report: InstallReport | UninstallReport, verb: string): string {
  const { events, files, settingsFile, scriptsDir, server } = report;
  const lines = [
    events.length > 0 ? `  ${count(events.length, 'hook')} ${verb} ${settingsFile}` : '',
    server && server.diff.length > 0 ? `  the MCP server ${verb} ${server.file}` : '',
    files.length > 0 ? `  ${count(files.length, 'file')} ${verb} ${scriptsDir}` : '',
  ];
  return lines.filter(Boolean).join('\n');
}

/** The command that was installed with the scripts; before that, the one that runs. */
const installed = ({ dryRun, scriptsDir }: InstallReport, args: string): string =>
  dryRun ? command(args) : commandAt(`${scriptsDir.replaceAll('\\', '/')}/cli.mjs`, args);

/** One line: how prompts are answered, why, and how to change it. */
function formText(report: InstallReport): string {
  const { form, scope } = report;
  const again = installed(report, `install${scope === 'project' ? '' : ` --scope ${scope}`}`);
  if (form === 'sh')
    return `Steady prompts are answered by sh, without Node${scope === 'project' ? ': for teams on Linux and macOS only' : ''}. To change it: ${again} --no-posix`;
  return scope === 'project'
    ? `Prompts are answered by Node, on every system. Faster, and without an error at each event for teammates who have no Node, when nobody here uses Windows: ${again} --posix`
    : `Prompts are answered by Node. Faster, on Linux and macOS: ${again} --posix`;
}

function selfTestText({ selfTest }: InstallReport, broken: HookCheck[]): string {
  if (!selfTest) return '';
  if (broken.length === 0) {
    const slowest = Math.max(...selfTest.map((check) => check.ms));
    return `Self-test: all ${selfTest.length} hooks ran, the slowest in ${slowest} ms.`;
  }
  if (broken.every((check) => check.problem?.code === 'no-node')) {
    return wrap(
      `Self-test: there is no "node" on the PATH, and Claude Code brings none. Install Node.js ${oldestNode} or newer where every shell finds it, then run install again.`,
    );
  }
  const lines = broken.map(
    ({ event, problem }) => `  ${event}: ${problem ? hookProblemText(problem) : 'failed'}`,
  );
  return [
    `Self-test: ${broken.length} of ${selfTest.length} hooks do not work.`,
    ...lines,
    `For the cause: ${command('doctor')}`,
  ].join('\n');
}

function serverTestText({ server }: InstallReport): string {
  if (!server?.test) return '';
  const { ok, ms, detail } = server.test;
  return ok ? `The MCP server answered in ${ms} ms.` : wrap(`The MCP server does not work: ${detail}.`);
}

function hookProblemText({ code, detail }: HookProblem): string {
  switch (code) {
    case 'no-node':
      return 'there is no "node" on the PATH';
    case 'no-shell':
      return 'there is no "sh" on the PATH';
    case 'failed':
      return `it failed (${detail ?? 'no message'})`;
    case 'timeout':
      return 'it did not finish in time';
    case 'bad-output':
      return `it printed something other than one JSON object (${detail ?? ''})`;
    case 'no-role':
      return 'it did not say which role the session has';
  }
}

function noteText(note: Note): string {
  switch (note.code) {
    case 'commit':
      return 'Commit .claude/settings.json and .claude/flowloom, so that teammates and git worktrees have the hooks too.';
    case 'ignored':
      return `git ignores ${oneLine(note.file, 200)} (${oneLine(note.rule, 200)}). The hooks work here, but teammates and other worktrees get only what is committed. So that git takes them, add to the end of ${note.into}:\n${note.lines.map((line) => `  ${line}`).join('\n')}\nThen commit .claude/settings.json and .claude/flowloom. For you alone, without a commit: ${command('install --scope local')}`;
    case 'path-replaced':
      return `The entries in ${note.file} named another folder, ${oneLine(note.folder, 300)}: it is replaced. If another machine or a container shares this file, the hooks no longer run there. Give it a CLAUDE_CONFIG_DIR of its own, or the same path.`;
    case 'root-only':
      return 'Claude Code reads these settings only for sessions started in the root of the project. If you start sessions in subdirectories, use --scope local or --scope user.';
    case 'personal':
      return `${note.file} is new and holds paths of this machine: keep it out of commits.`;
    case 'other-scope':
      return `The hooks are also installed in ${note.file}, and would run twice. Remove one with: ${command(`uninstall --scope ${note.scope}`)}`;
    case 'set-aside':
      return keptText(note);
    case 'server-approval':
      return `Commit ${note.file} too. In a terminal Claude Code asks each person once whether the server in it may run; the answer it offers first is no.`;
  }
}

/** Where somebody finds what was in the way of our scripts. */
export function keptText({ files, directory }: { files: readonly string[]; directory: string }): string {
  const more = files.length > 6 ? ` and ${files.length - 6} more` : '';
  return `Edited or formatted, and now as released again: ${oneLine(files.slice(0, 6).join(', '), 600)}${more}. What was in ${files.length === 1 ? 'it' : 'them'} is kept in ${directory}.`;
}

function obstacleText(obstacle: Obstacle): string {
  switch (obstacle.code) {
    case 'file-skipped':
      return `Claude Code will skip this file: ${dislikesText(obstacle.dislikes)} Nothing in ${obstacle.file} counts until that is corrected or removed.`;
    case 'file-too-large':
      return `Claude Code will skip this file: ${obstacle.file} is larger than 2 MiB. Make it smaller.`;
    case 'client-refuses':
      return `Claude Code does not start here: ${obstacle.file}, a file of the administrator, is not a valid JSON object. Ask whoever manages this machine to correct it.`;
    case 'silenced':
      return silenceText(obstacle);
  }
}

function silenceText({ silence, managed }: Extract<Obstacle, { code: 'silenced' }>): string {
  const { file, key, variable } = silence;
  const says = variable === null ? `restricts hooks: "${key}"` : `sets ${variable} ("env")`;
  if (managed)
    return `Claude Code will run no hooks of users and projects: ${file}, a file of the administrator, ${says}. Ask whoever manages this machine to add the hooks to the managed settings.`;
  if (variable === null) return `${file} says "disableAllHooks": true. Until that is removed no hook runs.`;
  return `${file} ${says}. Until that is removed no hook runs.`;
}

function nextStep(report: InstallReport): string {
  const { scope, root } = report;
  const where = scope === 'user' ? 'in any project' : `in ${root}`;
  const told = `Start a Claude Code session ${where}: it is told that it is master. Start a second one, and the second is master and the first a worker.`;
  return `${wrap(told)}\nWho is there: ${installed(report, 'status')}`;
}

function reasonText(reason: string | undefined): string {
  const known: Record<string, string> = {
    EACCES: 'you have no permission',
    EPERM: 'the system does not permit it',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'your disk quota is used up',
    ENOTDIR: 'a part of its path is a file, not a directory',
    EEXIST: 'a part of its path is a file, not a directory',
    EISDIR: 'it is a directory',
    ELOOP: 'its symbolic links go round in a circle',
  };
  return known[reason ?? ''] ?? `the system reports ${reason ?? 'an unknown error'}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function paragraphs(parts: string[]): string {
  return parts.filter(Boolean).join('\n\n');
}

const wrap = (text: string): string => linesOf(text).join('\n');
