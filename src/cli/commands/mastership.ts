import { displayName, type Member } from '../../core/member.ts';
import { promote, yieldMastership } from '../../flows/rejoin.ts';
import {
  ambiguousMember,
  livesInAnotherClone,
  noCaller,
  noSuchMember,
  promoted,
  yielded,
} from '../../messages/cli.ts';
import { fail, print, printJson } from '../terminal.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** The member meant by a name, number or id; the caller when nothing was said. A sentence when it is not clear. */
function meant({ roster, caller }: Workspace, wanted: string | undefined): Member | string {
  if (wanted === undefined) return caller ?? noCaller();
  const found = roster.members.filter(
    (member) => String(member.seq) === wanted || member.birth.id === wanted || displayName(member) === wanted,
  );
  if (found.length > 1) return ambiguousMember(wanted);
  return found[0] ?? noSuchMember(wanted);
}

/** A live member gets a fresh number and with it the mastership. */
export async function promoteCommand(wanted: string | undefined, options: { json?: boolean }): Promise<void> {
  const workspace = await openWorkspace(process.cwd(), process.env);
  const member = meant(workspace, wanted);
  if (typeof member === 'string') return fail(member);
  if (await workspace.store.isOfOtherClone?.(member.seq)) return fail(livesInAnotherClone(member));
  const seq = await promote(workspace.store, member, new Date());
  if (options.json) printJson({ id: member.birth.id, seq });
  else print(promoted(member, seq));
}

/** The calling session stands back. */
export async function yieldCommand(options: { json?: boolean }): Promise<void> {
  const { store, caller } = await openWorkspace(process.cwd(), process.env);
  if (!caller) return fail(noCaller());
  const seq = await yieldMastership(store, caller, new Date());
  const { roster } = await openWorkspace(process.cwd(), process.env);
  if (options.json) printJson({ id: caller.birth.id, seq, master: roster.master?.birth.id ?? null });
  else print(yielded(caller, roster));
}
