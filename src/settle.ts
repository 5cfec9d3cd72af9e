/** A process that is new finds its place: its configuration, and the first rung of the ladder that holds. Loaded only then. */
import { configOf } from './config/find.ts';
import { blankNotebook, type Degradation, type Notebook } from './core/notebook.ts';
import type { Notebooks } from './flows/session.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { type Place, preparePlace } from './io/places.ts';
import type { Scope } from './io/scope.ts';
import { degradedNotice } from './messages/model.ts';
import { fileStore } from './stores/file-store.ts';

/** Where a member keeps its state, and what it remembers. */
export interface Settled {
  readonly place: Place;
  readonly notebooks: Notebooks;
  readonly notebook: Notebook;
  /** The highest join number in any other place. */
  readonly floor: number;
}

export interface Newcomer {
  readonly scope: Scope;
  /** Where it may settle, best first. */
  readonly places: readonly Place[];
  readonly id: string;
  readonly sessionId: string;
  readonly attended: boolean;
  readonly log: (code: string, message: string) => void;
}

/** The home of a newcomer; null when it is to be ignored or no place takes it. The notice, for the user, says what is degraded. */
export async function settle(newcomer: Newcomer): Promise<{ home: Settled | null; notice: string | null }> {
  const { scope, id, attended, log } = newcomer;
  const { config, problems, file } = await configOf(scope.worktree);
  if (problems.length)
    log('config', `${file}: ${problems.map(({ key, expected }) => `${key}: ${expected}`).join('; ')}`);
  if (!attended && config.unattended === 'ignore') return { home: null, notice: null };

  const blank = { ...blankNotebook(newcomer.sessionId), config };
  const { home, degraded } = await firstThatTakes(newcomer.places, id, blank);
  const notice = degraded && degradedNotice(degraded.from, degraded.to, degraded.reason);
  if (notice) log('degraded', notice);
  if (!home) return { home, notice };
  const floor = await highestElsewhere(newcomer.places, home.place);
  return { home: { ...home, floor }, notice };
}

/** The first place that takes a new member, and why the better ones did not. */
async function firstThatTakes(
  places: readonly Place[],
  id: string,
  notebook: Notebook,
): Promise<{ home: Settled | null; degraded: Degradation | null }> {
  const best = places[0]!;
  let reason = '';
  for (const place of places) {
    const degraded = place === best ? null : { from: best.what, to: place.what, reason };
    const wasThere = hasNotebook(place.path, id);
    try {
      preparePlace(place);
      await fileStore(place.path).ready();
      const notebooks = notebooksIn(place.path);
      const settled = { ...notebook, degraded };
      // Of the same hooks installed twice, the other one may have been faster.
      const kept = notebooks.read(id);
      if (!kept) notebooks.write(id, settled);
      return { home: { place, notebooks, notebook: kept ?? settled, floor: 0 }, degraded };
    } catch (cause) {
      reason ||= cause instanceof Error ? cause.message : String(cause);
      if (!wasThere) await leaveNothing(place, id);
    }
  }
  return { home: null, degraded: { from: best.what, to: 'none', reason } };
}

/** What was begun in a place that then failed must not be taken for this member's home later. */
async function leaveNothing(place: Place, id: string): Promise<void> {
  try {
    await fileStore(place.path).forget({ members: [id] });
  } catch {
    // It cannot be written to at all.
  }
}

/** The highest number in the places that are not used, so that numbers stay comparable when a place comes or goes. */
async function highestElsewhere(places: readonly Place[], home: Place): Promise<number> {
  let highest = 0;
  for (const place of places) {
    if (place.path === home.path) continue;
    try {
      highest = Math.max(highest, (await fileStore(place.path).numbers()).above.at(-1) ?? 0);
    } catch {
      // It cannot be read, so nothing of it can be compared.
    }
  }
  return highest;
}
