/** What a command sees: the scope it was called in, the place where its sessions keep their state, and who is there. */
import { possibleSelves, type Self } from '../claude/identity.ts';
import { observerIn, observerOf, type Surroundings, surroundings } from '../compose.ts';
import { configOf } from '../config/find.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Roster } from '../core/election.ts';
import type { Observer } from '../core/liveness.ts';
import type { Member } from '../core/member.ts';
import { messageOf } from '../core/message-of.ts';
import { blankSight, type Degradation } from '../core/notebook.ts';
import type { Store } from '../core/store.ts';
import { refuseToGuess } from '../flows/refuse.ts';
import type { Notebooks } from '../flows/session.ts';
import { survey } from '../flows/survey.ts';
import { notebooksIn } from '../io/notebook-file.ts';
import { type Place, refusalOf } from '../io/places.ts';
import { thisDomain } from '../io/processes.ts';
import { type Rung, rungsOf } from '../settle.ts';
import { openStore } from '../stores/open.ts';

export interface Workspace extends Surroundings {
  readonly place: Place;
  readonly store: Store;
  readonly notebooks: Notebooks;
  readonly observer: Observer;
  readonly config: LoadedConfig;
  readonly roster: Roster;
  /** Every member in the store that has ended. */
  readonly gone: readonly Member[];
  /** The session this command was typed in, when it is one of the roster. */
  readonly caller: Member | null;
  /** Set when some live session could not keep its state in the best place. */
  readonly degraded: Degradation | null;
}

interface View {
  readonly place: Place;
  readonly store: Store;
  readonly roster: Roster;
  readonly gone: readonly Member[];
}

/** The state is there and cannot be read: nothing true can be said of who is here. */
export class UnreadableStateError extends Error {
  override name = 'UnreadableStateError';
  readonly place: string;
  constructor(place: string, cause: unknown) {
    super(messageOf(cause), { cause });
    this.place = place;
  }
}

/**
 * The first rung with live sessions, else the first with any record, else the best one that can be read. Throws
 * `UnreadableStateError` when there is no record anywhere and nothing in the best place could be looked at.
 */
async function look(
  rungs: readonly Rung[],
  open: (rung: Rung) => Promise<Store>,
  observer: Observer,
): Promise<View> {
  const views: View[] = [];
  let failure: unknown;
  for (const rung of rungs) {
    try {
      const refusal = refusalOf(rung.place);
      if (refusal) throw refusal;
      const store = await open(rung);
      const here = observerIn(rung.place, observer);
      const seen = await survey(store, here, blankSight);
      await refuseToGuess(store, here, null, seen);
      const { roster, gone } = seen;
      views.push({ place: rung.place, store, roster, gone });
    } catch (cause) {
      failure ??= cause;
    }
  }
  const found = views.find(({ roster }) => roster.members.length) ?? views.find(({ gone }) => gone.length);
  if (found) return found;
  const best = rungs[0]!.place;
  const first = views.find(({ place }) => place === best);
  if (!first) throw new UnreadableStateError(best.path, failure);
  return first;
}

/** Reads everything, writes nothing. Works where no session has ever been. */
export async function openWorkspace(directory: string, env: NodeJS.ProcessEnv): Promise<Workspace> {
  const around = surroundings(directory, env);
  const config = await configOf(around.scope, env);
  const observer = observerOf(thisDomain(), config.config.leaseHours);
  const open = ({ kind, place }: Rung): Promise<Store> =>
    openStore(kind, { place: place.path, scope: around.scope, config: config.config, env });
  const view = await look(rungsOf(around.places, config.config.store), open, observer);
  const selves: Self[] = [...possibleSelves(env)];
  const caller = view.roster.members.find(({ birth }) => selves.some(({ id }) => id === birth.id)) ?? null;
  const notebooks = notebooksIn(view.place.path);
  const degraded =
    view.roster.members.map(({ birth }) => notebooks.read(birth.id)?.degraded).find(Boolean) ?? null;
  return { ...around, ...view, notebooks, observer, config, caller, degraded };
}
