/** The command line: what there is to call and what each call accepts. What a command does is in `commands/`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { scopes } from '../../install/target.ts';
import { messageOf } from '../core/message-of.ts';
import { noDirectory, unexpected, unreadableState } from '../messages/cli.ts';
import { calledFrom, command } from '../messages/own-command.ts';
import { doctor } from './commands/doctor.ts';
import { forget } from './commands/forget.ts';
import { listHandoffs, showHandoff } from './commands/handoff.ts';
import { installCommand, uninstallCommand } from './commands/install.ts';
import { log } from './commands/log.ts';
import { promoteCommand, yieldCommand } from './commands/mastership.ts';
import { mcp } from './commands/mcp.ts';
import { prune } from './commands/prune.ts';
import { status } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { trust } from './commands/trust.ts';
import { whoami } from './commands/whoami.ts';
import { currentDirectory, fail, harmless } from './terminal.ts';
import { version } from './version.ts';
import { UnreadableStateError } from './workspace.ts';

function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(value);
}

/** Works in another directory; the commands themselves know only the current one. */
function enter(directory: string): string {
  const shell = currentDirectory();
  try {
    process.chdir(directory);
    calledFrom(shell?.replaceAll('\\', '/') ?? null, process.cwd().replaceAll('\\', '/'));
  } catch {
    throw new InvalidArgumentError('There is no such directory.');
  }
  return directory;
}

const json = (): Option => new Option('--json', 'print facts for programs');
const scope = (): Option =>
  new Option('--scope <scope>', 'whose sessions: of this project, only yours here, or yours everywhere')
    .choices(scopes)
    .default('project');

const program = new Command('flowloom-hooks')
  .description('Claude Code sessions on one repository work as a team: the last one to join is master.')
  .version(version, '-v, --version')
  // What was typed is repeated in its complaints.
  .configureOutput({
    writeOut: (text) => process.stdout.write(harmless(text)),
    writeErr: (text) => process.stderr.write(harmless(text)),
  })
  .option('-C, --directory <path>', 'work in this directory', enter)
  .showHelpAfterError('(--help tells more)')
  .addHelpText('after', () => `\nStart with: ${command('install')}`);

program
  .command('install')
  .description('write the hooks into the settings of Claude Code, and try each of them')
  .addOption(scope())
  .option('--mcp', 'add the MCP server to .mcp.json too (project scope)')
  .option('--posix', 'let sh answer steady prompts without Node: everybody here is on Linux or macOS')
  .option('--no-posix', 'let Node answer every prompt, on every system')
  .option('--downgrade', 'replace the scripts of a newer version too')
  .option('--dry-run', 'show what would be written, and write nothing')
  .addOption(json())
  .action(installCommand);
program
  .command('uninstall')
  .description('take out exactly what install put in')
  .addOption(scope())
  .option('--dry-run', 'show what would be removed, and remove nothing')
  .addOption(json())
  .action(uninstallCommand);
program
  .command('doctor')
  .description('explain what is wrong, and how to mend it')
  .option('--fix', 'mend what is safe to mend')
  .addOption(json())
  .action(doctor);
program.command('status').description('show who is here and who is master').addOption(json()).action(status);
program
  .command('whoami')
  .description('show the role of the session this is called in')
  .addOption(new Option('--require <role>', 'exit with 0 only in that role').choices(['master', 'worker']))
  .addOption(json())
  .action(whoami);
const handoff = program
  .command('handoff')
  .description('list what sessions left behind, or show one (handoff show [id])')
  .addOption(json())
  .action(listHandoffs);
handoff
  .command('show')
  .argument('[id]', 'from the list; the newest when left out')
  .description('show a whole handoff')
  .addOption(json())
  .action((id, options, command: Command) => showHandoff(id, { ...command.optsWithGlobals(), ...options }));
program
  .command('promote')
  .argument('[member]', 'name or number from status; the session this is called in when left out')
  .description('make a live session master')
  .addOption(json())
  .action(promoteCommand);
program
  .command('yield')
  .description('the session this is called in stands back')
  .addOption(json())
  .action(yieldCommand);
program
  .command('log')
  .description('show what hooks had to report')
  .option('-n, --lines <count>', 'how many at most', wholeNumber, 20)
  .addOption(json())
  .action(log);
program
  .command('prune')
  .description('remove records of sessions that ended, and old handoffs')
  .option('--dry-run', 'say what would be removed, and remove nothing')
  .addOption(json())
  .action(prune);
program
  .command('forget')
  .argument('<member>', 'name, number or id; status lists those that are here')
  .description('take out a session that nobody can see to have ended, as one of a killed container')
  .addOption(json())
  .action(forget);
program
  .command('mcp')
  .description('serve the same by MCP on stdin and stdout, for clients in which hooks cannot run')
  .action(mcp);

program
  .command('sync')
  .description('exchange records with the remote now (store git with git.remote)')
  .addOption(json())
  .action(syncCommand);
program
  .command('trust')
  .description('show what this repository wants to send, or where to put records, and agree to it')
  .option('-y, --yes', 'agree without a question')
  .option('--revoke', 'take back everything that was agreed to in this clone')
  .addOption(json())
  .action(trust);

/** Every command works in the current directory, once the options have said which that is. */
program.hook('preAction', () => {
  if (currentDirectory() !== null) return;
  fail(noDirectory);
  process.exit();
});

try {
  await program.parseAsync();
} catch (cause) {
  if (cause instanceof UnreadableStateError) fail(unreadableState(cause.place, cause.message));
  else if (cause instanceof Error && 'code' in cause && 'path' in cause)
    fail(unreadableState(String(cause.path), cause.message));
  else fail(unexpected(messageOf(cause)));
}
