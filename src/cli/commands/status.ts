import { roleOf } from '../../core/election.ts';
import { displayName, type Member } from '../../core/member.ts';
import { noteIds } from '../../flows/notes.ts';
import { statusText } from '../../messages/cli.ts';
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

export async function status(options: { json?: boolean }): Promise<void> {
  const workspace = await openWorkspace(process.cwd(), process.env);
  const { scope, store, roster, degraded, caller, config, observer } = workspace;
  if (options.json)
    return printJson({
      scope: { root: scope.root, store: store.kind, state: store.place },
      master: roster.master?.birth.id ?? null,
      epoch: roster.epoch,
      members: roster.members.map((member) => memberFacts(member, workspace)),
      degraded,
    });
  const facts = {
    root: scope.root,
    state: store.place,
    roster,
    caller,
    degraded,
    configProblems: config.problems,
    configFile: config.file,
    handoffs: (await noteIds(store)).length,
    now: observer.now,
  };
  print(statusText(facts, paint));
}
