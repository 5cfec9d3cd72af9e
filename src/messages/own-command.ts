/** How the command is called from where somebody reads of it. No other message writes it down: no registry has to know the package. */

/** Where the person's shell is, when the command was told to work elsewhere (`-C`). */
let elsewhere: { readonly shell: string | null; readonly directory: string } | null = null;

/** Says that the person's shell is in another directory than this process; null when that one was deleted. */
export function calledFrom(shell: string | null, directory: string): void {
  elsewhere = { shell, directory };
}

/** The command with these arguments, as this process can be called again: `node .claude/flowloom/cli.mjs status`. */
export function command(args: string): string {
  const cli = ownCli(process.argv[1] ?? '');
  return cli === null ? `npx flowloom-hooks ${args}` : commandAt(cli, args);
}

/** The same by the `cli.mjs` in that folder. */
export function commandAt(cli: string, args: string): string {
  const there = elsewhere === null ? '' : `-C ${shellWord(elsewhere.directory)} `;
  return `node ${shortened(cli)} ${there}${args}`;
}

/** The same for whoever calls it from anywhere. */
export function commandAnywhere(args: string): string {
  return `node ${shellWord(ownCli(process.argv[1] ?? '') ?? 'cli.mjs')} ${args}`;
}

/** The command beside what is running: a hook, the server, or the command itself; null where it is none of them. */
function ownCli(running: string): string | null {
  const path = running.replaceAll('\\', '/');
  const folder = /^(.*)\/(?:hooks\/(?:lazy\/)?[\w-]+\.cjs|mcp\.mjs)$/.exec(path)?.[1];
  if (folder !== undefined) return `${folder}/cli.mjs`;
  return /\/(?:cli\.mjs|flowloom-hooks)$/.test(path) ? path : null;
}

function shortened(path: string): string {
  const from = elsewhere ? elsewhere.shell : currentDirectory();
  const { HOME: home } = process.env;
  if (from && path.startsWith(`${from}/`)) return shellWord(path.slice(from.length + 1));
  const inHome = home && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : '';
  return inHome && isPlain(inHome) ? inHome : shellWord(path);
}

/** Null when it was deleted. */
function currentDirectory(): string | null {
  try {
    return process.cwd().replaceAll('\\', '/');
  } catch {
    return null;
  }
}

const isPlain = (text: string): boolean => /^[\w@%+=:,./~-]+$/.test(text) && !text.startsWith('-');
const shellWord = (text: string): string => (isPlain(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A command as messages print it, with its options and a punctuation mark that follows. */
export const printedCommand =
  /(?:claude mcp add --scope \w+ flowloom -- )?(?:node (?:'[^']*cli\.mjs'|[^\s']*cli\.mjs)|npx flowloom-hooks)(?: -C (?:'[^']*'|\S+))?(?: [\w-]+)?(?: --[\w-]+(?: (?:project|local|user)\b)?)*\S*/;
