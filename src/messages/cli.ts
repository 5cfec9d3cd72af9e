/** What the commands print for a person. Plain text within 80 columns; colour only where the caller asks for it. */
import type pc from 'picocolors';
import type { Wants } from '../config/consent.ts';
import type { Roster } from '../core/election.ts';
import type { HandoffHead } from '../core/handoff.ts';
import { displayName, type Member } from '../core/member.ts';
import type { Degradation } from '../core/notebook.ts';
import { clip, oneLine, quoted, sanitize } from '../core/quote.ts';
import type { Pruned } from '../flows/prune.ts';
import type { LogEntry } from '../io/log.ts';
import { untrustedLine } from './consent.ts';
import { ago } from './model.ts';
import { command } from './own-command.ts';
import { wrap } from './wrap.ts';

export type Paint = ReturnType<typeof pc.createColors>;

const width = 80;

export const noCaller = (): string =>
  'This was not typed inside a Claude Code session that takes part here. Type it in\n' +
  `the session, with "!" in front. Who is here:\n\`${command('status')}\``;

/** The command was installed among the scripts, without the server. */
export const noServer =
  'This copy of flowloom-hooks was installed without the MCP server. Install it with --mcp from the package.';

export const noDirectory =
  'The current directory does not exist any more. Change into one that does, or name one with -C.';

export const unreadableState = (place: string, reason: string): string =>
  `The state in ${oneLine(place, 300)} cannot be read: ${oneLine(reason, 200)}.\n\`${command('doctor')}\` tells more.`;

export const noHandoffs = 'No handoffs yet. A session writes its first one when it finishes a turn.';

export const noSuchMember = (wanted: string): string =>
  `No live session here is called ${quoted(wanted, 80)}. \`${command('status')}\` lists names and numbers.`;

export const ambiguousMember = (wanted: string): string =>
  `More than one live session is called ${quoted(wanted, 80)}. Use its number; \`${command('status')}\` lists them.`;

export const noMemberToForget = (wanted: string, { members }: Roster): string => {
  const named = members
    .slice(0, 20)
    .map((member) => `  ${member.seq}  ${quoted(displayName(member), 60)}`)
    .join('\n');
  return `No session here is called ${quoted(wanted, 80)}. ${
    named ? `These are here (${command('status')} tells more):\n${named}` : 'Nobody is here.'
  }`;
};

export const isStillAlive = (member: Member): string =>
  `${quoted(displayName(member), 60)} is alive: its process ${member.birth.process.pid} runs on this machine. It is not forgotten; end the session instead.`;

export const forgotten = (member: Member): string =>
  `${quoted(displayName(member), 60)} (number ${member.seq}) is forgotten. Its handoffs stay. If it lives after all, it joins again at its next hook.`;

export const livesInAnotherClone = (member: Member): string =>
  `${quoted(displayName(member), 60)} belongs to another clone of this repository, which alone writes its records. Promote it there.`;

export const noSuchHandoff = (id: string): string =>
  `There is no handoff ${quoted(id, 80)}. \`${command('handoff')}\` lists those that are there.`;

export const promoted = (member: Member, seq: number): string =>
  `${displayName(member)} is master now (epoch ${seq}). It and the others are told at their next hook.`;

export const yielded = (member: Member, roster: Roster): string =>
  `${displayName(member)} no longer stands for master. ${
    roster.master
      ? `Master is ${displayName(roster.master)} (epoch ${roster.epoch}).`
      : 'Nobody is master now.'
  }`;

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function memberText(member: Member, master: boolean, caller: boolean, now: number, paint: Paint): string[] {
  const { presence, birth } = member;
  const name = clip(oneLine(displayName(member), 60), 28);
  const role = master ? 'master' : 'worker';
  const facts = [
    `joined ${ago(Date.parse(birth.joinedAt), now)}`,
    member.seenAt === null ? '' : `active ${ago(member.seenAt, now)}`,
    birth.attended ? '' : 'unattended',
    birth.candidacy === 'declined' ? 'stands back' : '',
    member.liveness === 'unknown' ? `on ${quoted(birth.host, 20)}` : `pid ${birth.process.pid}`,
  ].filter(Boolean);
  const head = `  ${role}  ${String(member.seq).padStart(4)}  ${name}${caller ? ' (this session)' : ''}`;
  const detail = ' '.repeat(16);
  return [
    master ? paint.bold(paint.green(head)) : head,
    paint.dim(clip(`${detail}${facts.join(', ')}`, width)),
    presence?.branch || presence?.worktree
      ? paint.dim(
          clip(
            `${detail}${oneLine([presence.branch && `branch ${quoted(presence.branch, 80)}`, presence.worktree].filter(Boolean).join(', '), 200)}`,
            width,
          ),
        )
      : '',
    presence?.doing ? clip(`${detail}${quoted(presence.doing, 160)}`, width) : '',
  ].filter(Boolean);
}

/** The remote of the git store: when it was last read (ISO 8601), and how the last sync ended. */
export interface RemoteFacts {
  readonly name: string;
  readonly readAt: string | null;
  readonly outcome: string | null;
}

export interface StatusFacts {
  readonly root: string;
  readonly state: string;
  readonly roster: Roster;
  readonly caller: Member | null;
  readonly degraded: Degradation | null;
  readonly remote: RemoteFacts | null;
  readonly configProblems: readonly { file: string; key: string; expected: string }[];
  /** What this repository wants and the user has not agreed to. */
  readonly untrusted: Wants | null;
  readonly handoffs: number;
  readonly now: number;
}

function remoteLine({ name, readAt, outcome }: RemoteFacts, now: number, paint: Paint): string {
  const read = readAt ? `other machines as of ${ago(Date.parse(readAt), now)}` : 'never read yet';
  const line = `remote    ${oneLine(name, 60)}: ${read}`;
  return outcome === null || outcome === 'synced' || outcome === 'busy'
    ? line
    : paint.yellow(`${line}; the last sync ended: ${outcome} (${command('sync')})`);
}

export function statusText(facts: StatusFacts, paint: Paint): string {
  const { roster, caller, now } = facts;
  const master = roster.master;
  const title = roster.members.length
    ? `${count(roster.members.length, 'session')}, master ${master ? `${oneLine(displayName(master), 40)} (epoch ${roster.epoch})` : 'nobody'}`
    : 'No Claude Code session takes part here at the moment.';
  return [
    paint.bold(title),
    ...roster.members.flatMap((member) => [
      '',
      ...memberText(member, member === master, member === caller, now, paint),
    ]),
    '',
    `scope     ${facts.root}`,
    `state     ${facts.state}`,
    facts.handoffs ? `handoffs  ${facts.handoffs} (${command('handoff')})` : '',
    facts.remote ? remoteLine(facts.remote, now, paint) : null,
    facts.untrusted
      ? paint.yellow(wrap(untrustedLine(facts.untrusted), 70).join(`\n${' '.repeat(10)}`))
      : null,
    facts.degraded
      ? paint.yellow(
          `degraded  ${facts.degraded.from} → ${facts.degraded.to}: ${oneLine(facts.degraded.reason, 200)}`,
        )
      : null,
    ...facts.configProblems.map(({ file, key, expected }) =>
      paint.yellow(`config    ${oneLine(`${file}: ${key}: ${expected}`, 300)} (the default is used)`),
    ),
    roster.members.length
      ? ''
      : `Sessions appear here when they start.\nNothing happens? ${command('doctor')}`,
  ]
    .filter((line): line is string => line !== null)
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd();
}

export const whoamiText = (me: Member, role: string, roster: Roster): string =>
  `${displayName(me)}: ${role} (epoch ${roster.epoch}), joined as number ${me.seq}; ${count(roster.members.length, 'live session')}.`;

export const wrongRole = (wanted: string, role: string): string => `This session is ${role}, not ${wanted}.`;

export function handoffList(heads: readonly HandoffHead[], now: number, paint: Paint): string {
  if (!heads.length) return noHandoffs;
  const rows = heads.flatMap((head) => [
    `${paint.bold(head.id)}  ${head.label}${head.attended ? '' : ', unattended'}`,
    paint.dim(
      `    ${head.role} ${oneLine(head.name, 30)} (epoch ${head.epoch}), ${ago(Date.parse(head.writtenAt), now)}${head.branch ? `, branch ${oneLine(head.branch, 30)}` : ''}`,
    ),
    ...(head.goal ? [clip(`    "${oneLine(head.goal, 120)}"`, width)] : []),
  ]);
  return [...rows, '', `Show one: ${command('handoff show <id>')}`].join('\n');
}

export const logText = (entries: readonly LogEntry[]): string =>
  entries.length
    ? entries
        .map((entry) =>
          sanitize(`${entry.at}  ${entry.event}  ${entry.code}\n    ${entry.message.split('\n')[0]}`),
        )
        .join('\n')
    : 'The log is empty: no hook has had anything to report.';

export function pruneText(pruned: Pruned, dryRun: boolean): string {
  const parts = [
    pruned.members.length && count(pruned.members.length, 'ended session'),
    pruned.handoffs.length && count(pruned.handoffs.length, 'old handoff'),
    pruned.leftovers && count(pruned.leftovers, 'unfinished file'),
  ].filter(Boolean);
  if (!parts.length)
    return 'Nothing to prune. Of sessions that ended without a word the newest 20 stay for a handoff, as do all of the last minute.';
  return `${dryRun ? 'Would remove' : 'Removed'} ${parts.join(', ')}.`;
}

export const unexpected = (message: string): string =>
  `flowloom-hooks stopped because of something it did not foresee: ${message}\n\`${command('doctor')}\` may tell more.`;
