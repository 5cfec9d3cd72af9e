import { displayName, type Member } from '../../core/member.ts';
import { forgetMember } from '../../flows/forget.ts';
import { ambiguousMember, forgotten, isStillAlive, noMemberToForget } from '../../messages/cli.ts';
import { fileStore } from '../../stores/file-store.ts';
import { fail, print, printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';

/** Those that are meant by a name, a number or an id: of those that are here, else of those that have ended. */
const meant = (members: readonly Member[], wanted: string): Member[] =>
  members.filter(
    (member) => String(member.seq) === wanted || member.birth.id === wanted || displayName(member) === wanted,
  );

/** Takes out a member of which nobody can see whether it lives. */
export async function forget(wanted: string, options: { json?: boolean }): Promise<void> {
  const { place, store, roster, gone, observer } = await openWorkspace(process.cwd(), process.env);
  const here = meant(roster.members, wanted);
  const found = here.length ? here : meant(gone, wanted);
  if (found.length > 1) return fail(ambiguousMember(wanted));
  const member = found[0];
  if (!member) return fail(noMemberToForget(wanted, roster));
  if (member.liveness === 'alive') return fail(isStillAlive(member));
  const seqs = await forgetMember(store, member, observer.now);
  // Its notebook lies in a file, whatever store keeps its records.
  if (store.kind !== 'file') await fileStore(place.path).forget({ members: [member.birth.id] });
  if (options.json) printJson({ id: member.birth.id, seqs });
  else print(forgotten(member));
}
