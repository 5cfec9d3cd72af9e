/** Forgets what no session needs any more. */
import { hasLeft, isGone } from '../core/election.ts';
import type { Birth, Member, MemberId } from '../core/member.ts';
import { type Store, unlessRefused } from '../core/store.ts';
import { idsBeyond } from './notes.ts';

/**
 * A number that is free again could be taken by a joiner that looked before it was. A joiner lives two seconds at most, so a
 * record is pruned only when it is older than this.
 */
const settledMs = 60_000;
const leftoverMs = 3_600_000;

/** Of the newest that died without a word the handoff may still have to be reconstructed; so many are looked into then. */
export const keptForReconstruction = 20;

/** Whoever joined at the same time is through with it; whatever its clock said. */
export const isSettled = ({ joinedAt }: Pick<Birth, 'joinedAt'>, now: number, ms = settledMs): boolean =>
  Math.abs(now - Date.parse(joinedAt)) > ms;

/** What goes, or went. */
export interface Pruned {
  readonly seqs: readonly number[];
  readonly members: readonly MemberId[];
  readonly handoffs: readonly string[];
  readonly leftovers: number;
}

/** Members that are over for good, and whose handoff nobody will reconstruct any more; `gone` is newest first. */
export function forgettable(gone: readonly Member[], now: number): Member[] {
  const silent = gone.filter((member) => !hasLeft(member)).slice(0, keptForReconstruction);
  return gone.filter((member) => isGone(member) && isSettled(member.birth, now) && !silent.includes(member));
}

/** What can go: joins of members that are gone for good, except the highest number, and handoffs beyond the newest `keep` of each kind. */
export async function planPrune(
  store: Store,
  { gone, live, now, keep }: { gone: readonly Member[]; live: readonly Member[]; now: number; keep: number },
): Promise<Pruned> {
  const { above: numbers } = await store.numbers();
  const highest = numbers.at(-1);
  const settled = forgettable(gone, now);
  const kept = new Set(
    [...live, ...gone.filter((member) => !settled.includes(member))].map(({ birth }) => birth.id),
  );
  const top = settled.find(({ seq }) => seq === highest);
  if (top) kept.add(top.birth.id);
  const ids = new Set(settled.map(({ birth }) => birth.id).filter((id) => !kept.has(id)));
  const seqs: number[] = [];
  for (const seq of numbers) {
    if (seq === highest) continue;
    const birth = await unlessRefused(store.birth(seq));
    if (birth && ids.has(birth.id)) seqs.push(seq);
  }
  return { seqs, members: [...ids], handoffs: await idsBeyond(store, keep), leftovers: 0 };
}

/** Does what was planned, and sweeps what killed writers left. Returns it with the number of leftovers. */
export async function applyPrune(store: Store, plan: Pruned): Promise<Pruned> {
  await store.forget({ seqs: plan.seqs, members: plan.members });
  for (const id of plan.handoffs) await store.dropHandoff(id);
  return { ...plan, leftovers: await store.sweep(leftoverMs) };
}
