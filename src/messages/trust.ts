/** What the command `trust` prints. */
import type { Wants } from '../config/consent.ts';
import { oneLine, quoted } from '../core/quote.ts';
import { wishFrom, wishText } from './consent.ts';
import { command } from './own-command.ts';
import { wrap } from './wrap.ts';

/** All of it: who agrees to a path must have seen its end. */
const pathChars = 5000;
const named = (text: string): string => quoted(text, pathChars);

const filled = (text: string): string => wrap(text, 80).join('\n');

/** What `trust` shows beyond the wish itself. */
export interface TrustFacts {
  readonly wants: Wants;
  /** The repository's file; null when only its `.mcp.json` wants something. */
  readonly file: string | null;
  /** Where the remote pushes to, without passwords; empty when there is no such remote, or none is wanted. */
  readonly urls: readonly string[];
  /** Why git did not say where that is; empty when it did. */
  readonly unknown: string;
  /** What `where` is besides a path, such as outside of the repository; empty when that is nothing. */
  readonly beware: string;
}

const row = (key: string, text: string): string => `  ${key.padEnd(12)}${text}`;

function addressText(urls: readonly string[], unknown: string): string {
  if (unknown) return `an address that git did not say (${oneLine(unknown, 200)})`;
  return urls.length > 0
    ? urls.map((url) => oneLine(url, pathChars)).join(', ')
    : 'no remote of this repository: nothing is sent until there is one';
}

function rowsOf({ wants, urls, unknown, beware }: TrustFacts): string[] {
  const { places, where, servers } = wants;
  const rows = [row('store', places.store)];
  if (places.store === 'git' && places.remote) {
    rows.push(row('git.remote', `${named(places.remote)}, which is ${addressText(urls, unknown)}`));
    rows.push(row('git.share', places.share));
  }
  if (places.store === 'basic-memory' && !where && places.project)
    rows.push(row('project', named(places.project)));
  if (where)
    rows.push(
      row(places.store === 'memory-graph' ? 'file' : 'folder', `${named(where)}${beware && ` (${beware})`}`),
    );
  for (const server of servers) rows.push(row('.mcp.json', named(server)));
  return rows;
}

/** What the repository wants, for who has to decide. */
export const trustText = (facts: TrustFacts): string =>
  [
    filled(`${oneLine(wishFrom(facts.file, facts.wants), pathChars)} wants ${wishText(facts.wants)}:`),
    '',
    ...rowsOf(facts),
    '',
  ].join('\n');

export const nothingToTrust = (file: string | null): string =>
  file
    ? `${oneLine(file, pathChars)} wants nothing that needs your trust: it says nothing of places and sharing that is not so anyway.`
    : 'This repository configures nothing, so there is nothing to trust.';

export const trustQuestion = 'Do you trust this? [y/N] ';

export const alreadyTrusted = (): string =>
  `You agreed to this in this clone. To take it back, run: ${command('trust --revoke')}`;

export const nowTrusted = filled(
  'Agreed, for this clone and these values: changed ones ask again. Sessions that start from now on use them; those that run stay where they are until they end.',
);

export const stillUntrusted = filled(
  'Not agreed, so nothing of it happens: sessions use the store that you chose yourself, else files of this clone.',
);

export const askOnTerminal = (): string =>
  `${stillUntrusted}\nThere is no terminal to ask on. To agree, run: ${command('trust --yes')}`;

export const revoked = (was: boolean): string =>
  was
    ? filled(
        'Taken back, all of it in this clone. Sessions that start from now on use the store that you chose yourself, else files of this clone; those that run stay where they are until they end. What was sent or written before stays where it is.',
      )
    : 'There was nothing to take back: you agreed to nothing in this clone.';

export const notKept = (reason: string): string => `Your consent could not be kept: ${oneLine(reason, 300)}.`;

export const notRevoked = (reason: string): string => `It could not be taken back: ${oneLine(reason, 300)}.`;

/** Of a configuration that is damaged, in part or as a whole. */
export const passedOver = (file: string, key: string, expected: string): string =>
  oneLine(`${file}: ${key} does not count: it should be ${expected}`, 400);
