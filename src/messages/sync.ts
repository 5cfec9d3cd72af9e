/** What `sync` prints for a person. */
import { oneLine, quoted } from '../core/quote.ts';
import type { StoreKind } from '../core/store.ts';
import type { SyncReport } from '../stores/git/sync-report.ts';
import { command } from './own-command.ts';

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** What of the remote was not taken over. The records are named by whoever wrote them. */
function refusedText({ refused: { count: all, some } }: SyncReport): string {
  if (all === 0) return '';
  const named = some
    .slice(0, 5)
    .map(({ record, reason }) => `\n  ${quoted(record, 80)}: ${oneLine(reason, 120)}`);
  const rest = all > named.length ? `\n  and ${all - named.length} more` : '';
  return `\n${count(all, 'record')} of the remote ${all === 1 ? 'was' : 'were'} not taken over:${named.join('')}${rest}`;
}

/** What happened, and what to do where it did not work. */
export function syncText(report: SyncReport, store: StoreKind): string {
  const remote = oneLine(report.remote, 80);
  const said = report.message ? ` Git said: ${oneLine(report.message, 300)}` : '';
  switch (report.outcome) {
    case 'synced': {
      const moved = report.renumbered.map(
        ({ member, from, to }) =>
          `\n${oneLine(member, 60)} has number ${to} now: ${from} was taken on another machine.`,
      );
      return `Exchanged with ${remote}: ${count(report.sent, 'record')} sent, ${report.received} received, ${report.removed} removed there.${moved.join('')}${refusedText(report)}`;
    }
    case 'no-remote':
      if (store !== 'git')
        return `The ${store} store has no remote. Set "store": "git" and "git": { "remote": "origin" } to share through one.`;
      return remote
        ? `This repository has no remote called ${remote}. \`git remote\` lists them; "git.remote" names the one to share through.`
        : 'No remote is configured, so everything stays on this machine. Set "git": { "remote": "origin" } to share through one.';
    case 'busy':
      return `Another sync is at work here. Its outcome is shown by \`${command('status')}\`.`;
    case 'slow':
      return `${remote} did not answer in time; everything goes on with what is known here.${said}\nIt is tried again by itself.`;
    case 'unreachable':
      return `${remote} cannot be reached; everything goes on with what is known here.${said}\n\`git fetch ${remote}\` tells whether it works at all.`;
    case 'refused':
      return `${remote} does not take these records, so others do not see this machine's sessions.${said}\nIt must allow pushes to refs/flowloom/*, or leave "git.remote" empty.`;
    case 'failed':
      return `The sync failed; everything goes on with what is known here.${said}\n\`${command('doctor')}\` tells more.`;
  }
}
