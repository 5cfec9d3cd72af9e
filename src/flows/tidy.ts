/**
 * Forgets what ended, a little at each end of a session, so that nobody has to. Loaded only there, and now and then at a start: where
 * every session is killed, none ends.
 */
import { hasLeft } from '../core/election.ts';
import { judge, type Observer, sameDomain } from '../core/liveness.ts';
import type { MemberId } from '../core/member.ts';
import { isIn } from '../core/runs.ts';
import { checksum, type Store, unlessRefused } from '../core/store.ts';
import { isSettled, keptForReconstruction } from './prune.ts';
import type { Session } from './session.ts';

/** With fewer it is not worth it that everybody else looks at all numbers again. */
const fewest = 5;
/** Of a long past somewhat more at a time, but no more than a hook has the time for. */
const mostAtOnce = 40;
const share = 10;
/** Only a beat tells of a member that cannot be seen. One that is silent for so many leases does not come back. */
const leases = 3;
/** A hook lives no longer. See `prune`; a joiner would besides have to be slower than all who took the newest numbers, which stay. */
const settledMs = 2000;
/** A member may have several numbers. In a longer past than this the others of a dead one are found dead by themselves. */
const mostRead = 256;

/** It ended for good, as far as anybody here can ever know. */
async function isOver(store: Store, observer: Observer, seq: number, id: MemberId): Promise<boolean> {
  const birth = await store.birth(seq);
  if (birth?.id !== id || !isSettled(birth, observer.now, settledMs)) return false;
  const seen = await store.presence(id);
  const patient = { ...observer, leaseMs: leases * observer.leaseMs };
  const { liveness } = judge(birth, seen, undefined, patient);
  if (liveness === 'dead') return true;
  const left = hasLeft({ seq, birth, presence: seen?.presence ?? null, seenAt: null, liveness });
  return left && !sameDomain(birth.process.domain, observer.domain);
}

/** Members among these numbers that are over, with their numbers, lowest first. What cannot be read stays. */
async function endedAmong(session: Session, seqs: readonly number[]): Promise<Map<MemberId, number[]>> {
  const { store, observer } = session;
  const ended = new Map<MemberId, number[]>();
  for (const seq of seqs) {
    const id = (await unlessRefused(store.birth(seq)))?.id;
    if (!id || !(await unlessRefused(isOver(store, observer, seq, id)))) continue;
    ended.set(id, [...(ended.get(id) ?? []), seq]);
  }
  return ended;
}

/**
 * Forgets some of the members that ended long ago, oldest first. What stays: who may live, the newest numbers (as many as handoffs are
 * kept), those that ended without a word as long as their handoff may be put together, and notes that others added to.
 */
export async function tidy(session: Session): Promise<void> {
  const { store, notebook } = session;
  const { sight } = notebook;
  const { above: numbers } = await store.numbers();
  const newest = Math.max(keptForReconstruction, notebook.config.handoff.keep);
  const needed = new Set([...sight.silent, ...(store.origin ? await numbersOfHandoffs(store) : [])]);
  const old = numbers
    .slice(0, -newest)
    .filter((seq) => seq <= sight.top && !isIn(sight.watched, seq) && !needed.has(seq));
  if (old.length < fewest) return;
  const some = old.slice(0, Math.min(mostAtOnce, Math.max(fewest, Math.ceil(old.length / share))));
  const ended = await endedAmong(session, some);
  const seqs = [...ended.values()].flat();
  if (seqs.length === 0) return;
  const going = new Set(seqs);
  const staying = numbers.filter((seq) => !going.has(seq)).slice(-mostRead);
  for (const seq of staying) ended.delete((await unlessRefused(store.birth(seq)))?.id ?? '');
  const members = [...ended.keys()];
  await store.forget({ seqs, members, gently: true });
  for (const id of members) session.notebooks.forget(id);
  const { sum } = session.notebook.sight;
  // As the next look will find it: then this member need not look at everything again.
  session.notebook = {
    ...session.notebook,
    sight: { ...session.notebook.sight, sum: (sum - checksum(seqs)) | 0 },
  };
}

/** A handoff of another clone is believed because of the number that it names. */
const numbersOfHandoffs = async (store: Store): Promise<number[]> =>
  (await store.handoffs()).map((id) => Number.parseInt(id, 10));
