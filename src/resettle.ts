/**
 * A member moves: down when its store breaks, and back up when the better one works again. It brings along who else is there and what
 * was left behind. Loaded only where a member is degraded, or its store may be broken.
 */
import { messageOf } from './core/message-of.ts';
import { blankSight, type Join } from './core/notebook.ts';
import { isIn } from './core/runs.ts';
import { type Store, unlessRefused } from './core/store.ts';
import type { Newcomer, Settled } from './settle.ts';

/** Loaded, not bundled: the way of a newcomer is there already. */
const settling = (): Promise<typeof import('./settle.ts')> => import('./settle.ts');

/**
 * The home of a member that was degraded, or whose store may be broken: the best rung that takes it now. It keeps what it
 * remembers and its number (`takePart` files that again), so that the master stays who it is.
 */
export async function resettle(
  before: Omit<Settled, 'store' | 'floor'>,
  newcomer: Newcomer,
): Promise<{ home: Settled | null; notice: string | null }> {
  const { rungsOf, openRung, highestElsewhere, degradedOn, nameOf, notebooksIn, told } = await settling();
  const { id, log } = newcomer;
  const { config, store: kind, degraded: was } = before.notebook;
  const rungs = rungsOf(newcomer.places, config.store);
  const best = rungs[0]!;
  let reason = '';
  for (const rung of rungs) {
    const stays = rung.place.path === before.place.path && rung.kind === kind;
    try {
      const store = await openRung(rung, newcomer, config);
      const floor = before.notebook.join ? 0 : await highestElsewhere(rungs, rung, newcomer, config);
      if (stays) return { home: { ...before, store, floor }, notice: null };
      const notebooks =
        rung.place.path === before.place.path ? before.notebooks : notebooksIn(rung.place.path);
      const degraded = degradedOn(rung, best, reason);
      notebooks.read(id);
      const notebook = { ...before.notebook, store: rung.kind, degraded, sight: blankSight };
      notebooks.write(id, notebook);
      await bringPeers(before.notebook.peers, newcomer, store);
      if (was) await bringRest(before, newcomer, store);
      if (!degraded) log('restored', `back in the ${nameOf(best, best)}`);
      return { home: { place: rung.place, notebooks, notebook, store, floor }, notice: told(degraded, log) };
    } catch (cause) {
      reason ||= messageOf(cause);
    }
  }
  log('no-store', reason);
  return { home: null, notice: null };
}

/**
 * The others come at their own next hook. Until then they would seem to be gone, so their births are filed here too, under their
 * numbers: a birth never changes, and who is dead is dead in any store.
 */
async function bringPeers(peers: readonly Join[], { log }: Newcomer, store: Store): Promise<void> {
  for (const { seq, birth } of peers)
    try {
      await store.refile(birth, seq);
    } catch (cause) {
      log('peer-not-moved', `${birth.id}: ${messageOf(cause)}`);
    }
}

/** Who came, and what was left behind, on the rung that a member leaves; what the better one has already stays as it is. */
async function bringRest(
  { place, notebook }: Pick<Settled, 'place' | 'notebook'>,
  newcomer: Newcomer,
  store: Store,
): Promise<void> {
  const { log } = newcomer;
  const { config, sight } = notebook;
  try {
    const from = await (await settling()).storeOn({ place, kind: notebook.store }, newcomer, config);
    const peers: Join[] = [];
    for (const seq of (await from.numbers()).above) {
      if (seq <= sight.top && !isIn(sight.watched, seq)) continue;
      const birth = await unlessRefused(from.birth(seq));
      if (birth) peers.push({ seq, birth });
    }
    await bringPeers(peers, newcomer, store);
    for (const id of await from.handoffs()) {
      const note = await from.handoff(id);
      if (note !== null) await store.putHandoff(id, note, { first: true, durable: true });
    }
  } catch (cause) {
    log('not-moved', `from ${place.path}: ${messageOf(cause)}`);
  }
}
