/** What a repository wants of places and sharing, in words, and that nothing of it happens without the user. */
import type { Wants } from '../config/consent.ts';
import { quoted } from '../core/quote.ts';
import { command } from './own-command.ts';

const pathChars = 300;
const named = (text: string): string => quoted(text, pathChars);

/** What is wanted, in words that follow "wants". What the repository wrote is quoted. */
export function wishText({ places, where, servers }: Wants): string {
  switch (places.store) {
    case 'git':
      if (!places.remote)
        return 'to keep the records of your sessions as commits beside the other state of this clone';
      return places.share === 'handoffs'
        ? `to push handoffs (prompts, last messages and paths) of your sessions to the remote ${named(places.remote)}`
        : `to push who is here (names and branches of your sessions, no prompts and no paths) to the remote ${named(places.remote)}`;
    case 'basic-memory':
      if (where)
        return `to write notes with prompts, last messages and paths of your sessions into the folder ${named(where)}`;
      return `to write notes with prompts, last messages and paths of your sessions into ${
        places.project
          ? `the basic-memory project ${named(places.project)}`
          : 'your default project of basic-memory'
      }`;
    case 'memory-graph':
      return `to add prompts, last messages and paths of your sessions to the memory graph ${
        where
          ? named(where)
          : servers.length > 0
            ? `that .mcp.json names: ${servers.map(named).join(', ')}`
            : 'of your memory server'
      }`;
    case 'file':
      return 'to keep the records of your sessions in files of this clone, and not where your own configuration says';
  }
}

/** The file that wants it. */
export const wishFrom = (file: string | null, { servers }: Wants): string =>
  file === null || servers.length > 0 ? '.mcp.json' : file;

const decide = (): string => `See it and decide: ${command('trust')}`;

/** For the user, once a session. */
export const untrustedNotice = (wants: Wants): string =>
  `flowloom: the configuration of this repository wants ${wishText(wants)}. Nothing of that happens until you trust it. ${decide()}`;

/** The line of `status`. */
export const untrustedLine = (wants: Wants): string =>
  `trust     not given, so nothing of it happens: this repository wants ${wishText(wants)}. ${decide()}`;

/** For `sync`: what the repository would share is not shared. */
export const notSentUntrusted = (wants: Wants): string =>
  `Nothing was exchanged: this repository wants ${wishText(wants)}, and you have not agreed.\n${decide()}`;
