/**
 * The degradation ladder. A rung is a place on this machine and a kind of store; a member settles on the best one that takes it, goes
 * down when its store breaks, and comes back up when the better one works again. Loaded only where there is something to decide.
 */
import { configOf } from './config/find.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Config } from './core/config.ts';
import { messageOf } from './core/message-of.ts';
import { blankNotebook, type Degradation, type Notebook } from './core/notebook.ts';
import type { Store, StoreKind } from './core/store.ts';
import type { Notebooks } from './flows/session.ts';
import { hasNotebook, notebooksIn } from './io/notebook-file.ts';
import { isBelieved, type Place, preparePlace } from './io/places.ts';
import { markRepository } from './io/repository-mark.ts';
import type { Scope } from './io/scope.ts';
import { degradedNotice } from './messages/model.ts';
import { fileStore } from './stores/file-store.ts';
import { openStore } from './stores/open.ts';

export { notebooksIn };

/** Where a member keeps its state, and what it remembers. */
export interface Settled {
  readonly place: Place;
  readonly notebooks: Notebooks;
  readonly notebook: Notebook;
  readonly store: Store;
  /** The highest join number in any other store that can be read. */
  readonly floor: number;
}

export interface Newcomer {
  readonly scope: Scope;
  /** Where it may settle, best first. */
  readonly places: readonly Place[];
  readonly id: string;
  readonly sessionId: string;
  readonly attended: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (code: string, message: string) => void;
}

/** A place on this machine and the kind of store that is used there. */
export interface Rung {
  readonly place: Place;
  readonly kind: StoreKind;
}

/** Best first. Numbers of all of them are kept comparable, whichever is used. */
export const rungsOf = (places: readonly Place[], configured: StoreKind): Rung[] =>
  places.flatMap((place) => [...new Set<StoreKind>([configured, 'file'])].map((kind) => ({ place, kind })));

export const nameOf = ({ place, kind }: Rung, best: Rung): string => {
  if (kind !== best.kind) return place === best.place ? 'file' : `file in ${place.what}`;
  return kind === 'file' ? place.what : kind;
};

/** What is degraded on a rung, because of what the best one said; null on the best. */
export const degradedOn = (rung: Rung, best: Rung, reason: string): Degradation | null =>
  rung === best ? null : { from: nameOf(best, best), to: nameOf(rung, best), reason };

/** The store of a rung, as it is. */
export const storeOn = ({ place, kind }: Rung, { scope, env }: Newcomer, config: Config): Promise<Store> =>
  openStore(kind, { place: place.path, scope, config, env });

/** The store of a rung, made ready. Throws when the rung cannot be used. */
export async function openRung(rung: Rung, newcomer: Newcomer, config: Config): Promise<Store> {
  preparePlace(rung.place);
  const store = await storeOn(rung, newcomer, config);
  await store.ready();
  markRepository(rung.place);
  return store;
}

/** The home of a newcomer; null when it is to be ignored or no rung takes it. The notice, for the user, says what is degraded. */
export async function settle(newcomer: Newcomer): Promise<{ home: Settled | null; notice: string | null }> {
  const { scope, id, attended, log } = newcomer;
  const loaded = await configOf(scope, newcomer.env);
  const { config, problems } = loaded;
  if (problems.length)
    log('config', problems.map(({ file, key, expected }) => `${file}: ${key}: ${expected}`).join('; '));
  if (!attended && config.unattended === 'ignore') return { home: null, notice: null };

  const rungs = rungsOf(newcomer.places, config.store);
  const best = rungs[0]!;
  let reason = '';
  for (const rung of rungs) {
    const wasThere = isBelieved(rung.place) && hasNotebook(rung.place.path, id);
    try {
      const store = await openRung(rung, newcomer, config);
      const notebooks = notebooksIn(rung.place.path);
      const degraded = degradedOn(rung, best, reason);
      const blank = { ...blankNotebook(newcomer.sessionId), config, store: rung.kind, degraded };
      // Of the same hooks installed twice, the other one may have been faster.
      const kept = notebooks.read(id);
      if (!kept) notebooks.write(id, blank);
      const floor = await highestElsewhere(rungs, rung, newcomer, config);
      const home = { place: rung.place, notebooks, notebook: kept ?? blank, store, floor };
      const notices = [told(degraded, log), kept ? null : await askForTrust(loaded, newcomer, notebooks)];
      return { home, notice: notices.filter(Boolean).join('\n') || null };
    } catch (cause) {
      reason ||= messageOf(cause);
      if (!wasThere) await leaveNothing(rung.place, id);
    }
  }
  return { home: null, notice: told({ from: nameOf(best, best), to: 'none', reason }, log) };
}

/** What the repository wants without the user's consent; null when that is nothing, or another hook of this session says it. */
async function askForTrust(
  { wants, agreed }: LoadedConfig,
  { id, log }: Newcomer,
  notebooks: Notebooks,
): Promise<string | null> {
  if (!wants || agreed) return null;
  try {
    const { untrustedNotice } = await import('./messages/consent.ts');
    return notebooks.claim(id, 'trust') ? untrustedNotice(wants) : null;
  } catch (cause) {
    log('not-asked', messageOf(cause));
    return null;
  }
}

export function told(degraded: Degradation | null, log: Newcomer['log']): string | null {
  const notice = degraded && degradedNotice(degraded.from, degraded.to, degraded.reason);
  if (notice) log('degraded', notice);
  return notice;
}

/** What was begun in a place that then failed must not be taken for this member's home later. */
async function leaveNothing(place: Place, id: string): Promise<void> {
  if (!isBelieved(place)) return;
  try {
    await fileStore(place.path).forget({ members: [id] });
  } catch {
    // It cannot be written to at all.
  }
}

/** The highest number on the rungs that are not used, so that numbers stay comparable when one comes or goes. */
export async function highestElsewhere(
  rungs: readonly Rung[],
  home: Rung,
  newcomer: Newcomer,
  config: Config,
): Promise<number> {
  let highest = 0;
  for (const rung of rungs) {
    if (rung === home || !isBelieved(rung.place)) continue;
    try {
      const store = await storeOn(rung, newcomer, config);
      highest = Math.max(highest, (await store.numbers()).above.at(-1) ?? 0);
    } catch {
      // It cannot be read, so nothing of it can be compared.
    }
  }
  return highest;
}
