/** Consent: shows what this repository's configuration wants of places and sharing, and keeps or takes back that the user agreed. */
import { sep } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { surroundings } from '../../compose.ts';
import { agree, revoke, trustOf, type Wants } from '../../config/consent.ts';
import { configOf } from '../../config/find.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { messageOf } from '../../core/message-of.ts';
import { redact } from '../../core/redact.ts';
import { git } from '../../io/git.ts';
import type { Scope } from '../../io/scope.ts';
import {
  alreadyTrusted,
  askOnTerminal,
  nothingToTrust,
  notKept,
  notRevoked,
  nowTrusted,
  passedOver,
  revoked,
  stillUntrusted,
  trustQuestion,
  trustText,
} from '../../messages/trust.ts';
import { fail, print, printJson } from '../terminal.ts';

const gitLimitMs = 5000;

/** An address without what lets somebody in: of the web also the name, which is often a token. */
function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return redact(address);
  const url = new URL(address);
  url.password = '';
  if (/^https?:$/.test(url.protocol)) url.username = '';
  return redact(url.href);
}

/** Where the remote that is wanted pushes to; `unknown` says why git did not tell. Both empty where none is wanted, or there is none. */
function addressOf({ places }: Wants, { worktree }: Scope): { urls: readonly string[]; unknown: string } {
  const remote = places.store === 'git' ? places.remote : '';
  if (!remote) return { urls: [], unknown: '' };
  const answer = git(worktree, ['remote', 'get-url', '--push', '--all', '--', remote], gitLimitMs);
  if (answer.ok) return { urls: answer.output.split('\n').filter(Boolean).map(withoutPassword), unknown: '' };
  const isNone = answer.why === 'failed' && /no such remote/i.test(answer.message);
  return { urls: [], unknown: isNone ? '' : answer.message || answer.why };
}

/** What a person should know of a path before agreeing to it. */
function bewareOf(where: string | null, { root, worktree }: Scope): string {
  if (where === null) return '';
  if (where.split(sep).includes('.git')) return 'inside a git directory';
  const isBelow = [root, worktree].some((top) => where === top || where.startsWith(top + sep));
  return isBelow ? 'inside this repository, where it may be committed' : 'outside this repository';
}

export interface TrustJson {
  /** `not-needed`: nothing of places and sharing is wanted that is not so anyway. */
  readonly trust: 'not-needed' | 'given' | 'missing';
  readonly file: string | null;
  readonly wants:
    | (Wants['places'] & { where: string | null; servers: readonly string[]; urls: readonly string[] })
    | null;
}

async function asked(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(trustQuestion), closed]);
    return /^\s*(?:y|yes)\s*$/i.test(answer);
  } finally {
    terminal.close();
  }
}

/** Exit code 0 where there is nothing to agree to, or the user agreed; 1 where not, and where it could not be kept. */
export async function trust(options: { yes?: boolean; revoke?: boolean; json?: boolean }): Promise<void> {
  // As a session that is started here: the client looks for .mcp.json where it was started.
  const env = { CLAUDE_PROJECT_DIR: process.cwd(), ...process.env };
  const { scope } = surroundings(process.cwd(), env);
  if (options.revoke) return takeBack(scope, options.json ?? false);
  const config = await configOf(scope, env);
  for (const { file, key, expected } of config.problems) fail(passedOver(file, key, expected), 0);
  try {
    const { wants, agreed } = config;
    if (wants && !agreed && options.yes) agree(wants, scope, env);
    const given = agreed || options.yes === true;
    if (options.json) return printFacts(config, given, scope);
    if (wants) return await decide(wants, config, given, scope);
    // Nothing can be said of what a file wants that cannot be read.
    if (config.problems.some(({ key }) => key === '(the whole file)')) process.exitCode = 1;
    else print(nothingToTrust(config.file));
  } catch (cause) {
    fail(notKept(messageOf(cause)));
  }
}

function printFacts({ wants, file }: LoadedConfig, agreed: boolean, scope: Scope): void {
  const trust = trustOf({ wants, agreed });
  const json: TrustJson = {
    trust,
    file,
    wants: wants && {
      ...wants.places,
      where: wants.where,
      servers: wants.servers,
      urls: addressOf(wants, scope).urls,
    },
  };
  printJson(json);
  if (trust === 'missing') process.exitCode = 1;
}

/** Shows what is wanted and, unless it is agreed to by now, asks. */
async function decide(
  wants: Wants,
  { file, agreed }: LoadedConfig,
  given: boolean,
  scope: Scope,
): Promise<void> {
  const facts = { wants, file, ...addressOf(wants, scope), beware: bewareOf(wants.where, scope) };
  print(trustText(facts));
  if (agreed) return print(alreadyTrusted());
  if (!given) {
    if (!process.stdin.isTTY || !process.stdout.isTTY) return fail(askOnTerminal());
    if (!(await asked())) return fail(stillUntrusted);
    // What was shown is what is agreed to, whatever the file says by now.
    agree(wants, scope, process.env);
  }
  print(nowTrusted);
}

function takeBack(scope: Scope, json: boolean): void {
  try {
    const was = revoke(scope, process.env);
    if (json) printJson({ revoked: was });
    else print(revoked(was));
  } catch (cause) {
    fail(notRevoked(messageOf(cause)));
  }
}
