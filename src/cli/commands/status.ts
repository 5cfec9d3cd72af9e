import { trustOf } from '../../config/consent.ts';
import { roleOf } from '../../core/election.ts';
import { displayName, type Member } from '../../core/member.ts';
import type { Store } from '../../core/store.ts';
import { noteIds } from '../../flows/notes.ts';
import { type RemoteFacts, statusText } from '../../messages/cli.ts';
import { syncFacts } from '../../stores/git/sync-report.ts';
import { paint, print, printJson } from '../terminal.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** One member as programs see it. */
export const memberFacts = (member: Member, { roster }: Pick<Workspace, 'roster'>) => ({
  id: member.birth.id,
  seq: member.seq,
  role: roleOf(roster, member.birth.id),
  liveness: member.liveness,
  name: displayName(member),
  sessionId: member.presence?.sessionId ?? '',
  pid: member.birth.process.pid,
  host: member.birth.host,
  cwd: member.presence?.cwd ?? '',
  worktree: member.presence?.worktree ?? '',
  branch: member.presence?.branch ?? '',
  doing: member.presence?.doing ?? '',
  attended: member.birth.attended,
  candidacy: member.birth.candidacy,
  joinedAt: member.birth.joinedAt,
  lastSeenAt: new Date(member.seenAt ?? Date.parse(member.birth.joinedAt)).toISOString(),
});

/** The remote that sessions of other machines are known by, and how old that is; null where there is none. */
function remoteOf(store: Store, name: string, place: string): RemoteFacts | null {
  if (store.kind !== 'git' || name === '') return null;
  const last = syncFacts(place);
  return { name, readAt: last?.viewAt ?? null, outcome: last?.outcome ?? null };
}

export async function status(options: { json?: boolean }): Promise<void> {
  const workspace = await openWorkspace(process.cwd(), process.env);
  const { scope, place, store, roster, degraded, caller, config, observer } = workspace;
  const remote = remoteOf(store, config.config.git.remote, place.path);
  if (options.json)
    return printJson({
      scope: { root: scope.root, store: store.kind, state: store.place },
      master: roster.master?.birth.id ?? null,
      epoch: roster.epoch,
      members: roster.members.map((member) => memberFacts(member, workspace)),
      degraded,
      trust: trustOf(config),
      remote: remote && { name: remote.name, readAt: remote.readAt, outcome: remote.outcome },
    });
  const facts = {
    root: scope.root,
    state: store.place,
    roster,
    caller,
    degraded,
    remote,
    configProblems: config.problems,
    untrusted: config.agreed ? null : config.wants,
    handoffs: (await noteIds(store)).length,
    now: observer.now,
  };
  print(statusText(facts, paint));
}
