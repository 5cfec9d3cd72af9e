/** A member is taken out by hand: its container was killed, or its machine is gone, and nobody can see that it ended. */
import { isoTime } from '../core/iso-time.ts';
import type { Member, Presence } from '../core/member.ts';
import { type Store, unlessRefused } from '../core/store.ts';

const nothingTold: Presence = {
  version: 1,
  sessionId: '',
  name: '',
  cwd: '',
  worktree: '',
  branch: '',
  doing: '',
  transcript: '',
  left: null,
};

/** The numbers that this member has, lowest first. */
async function numbersOf(store: Store, id: string): Promise<number[]> {
  const { above } = await store.numbers();
  const own: number[] = [];
  for (const seq of above) if ((await unlessRefused(store.birth(seq)))?.id === id) own.push(seq);
  return own;
}

/**
 * Forgets a member that is not seen to be alive, and says it of all its numbers: the highest of all stays taken, so there it is told
 * to have left. What it left behind stays. One that lives after all joins again at its next hook.
 */
export async function forgetMember(store: Store, member: Member, now: number): Promise<readonly number[]> {
  const { id } = member.birth;
  const seqs = await numbersOf(store, id);
  const left = { seq: Math.max(member.seq, ...seqs), at: isoTime(now), reason: 'forgotten' };
  await store.announce(id, { ...(member.presence ?? nothingTold), left });
  await store.forget({ seqs });
  const kept = await numbersOf(store, id);
  if (kept.length === 0) await store.forget({ members: [id] });
  return seqs;
}
