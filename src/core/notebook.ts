/** What a member remembers from hook to hook. Read and written by its owner only; losing it loses comfort, never a role. */
import type { Config } from './config.ts';
import { defaults } from './config.ts';
import type { Role } from './election.ts';
import type { Lease } from './liveness.ts';
import type { MemberId } from './member.ts';
import { type Digest, emptyDigest } from './transcript.ts';

/** What the model was told last. */
export interface Told {
  readonly role: Role;
  readonly epoch: number;
  readonly master: MemberId | null;
  /** Everybody who was there, with the name that was used. */
  readonly names: Readonly<Record<MemberId, string>>;
}

/** The part of the store that has been looked at: nothing up to `top` matters any more except `watched`. */
export interface Sight {
  readonly top: number;
  readonly watched: readonly number[];
  readonly leases: Readonly<Record<MemberId, Lease>>;
}

/** When a hook of this member last fired. */
export interface Receipt {
  /** ISO 8601. */
  readonly at: string;
  /** From the start of the process to its last write. */
  readonly ms: number;
  readonly count: number;
}

/** What is known of the conversation; begins anew with every session id. */
export interface Conversation {
  readonly sessionId: string;
  readonly firstPrompt: string;
  readonly latestPrompt: string;
  readonly said: string;
  readonly summary: string;
  readonly digest: Digest;
  /** How far the transcript has been read. */
  readonly read: { readonly path: string; readonly offset: number };
  /** Id of the handoff that was shown in this conversation. */
  readonly received: string;
  /** Id of the handoff that this conversation writes; it keeps its name when the member is promoted. */
  readonly handoffId: string;
}

export interface Degradation {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface Notebook {
  readonly version: 1;
  readonly told: Told | null;
  /** Counts what was told in full; names the claim that lets only one of two parallel hooks tell it. */
  readonly tellings: number;
  readonly sight: Sight;
  readonly conversation: Conversation;
  readonly config: Config;
  readonly degraded: Degradation | null;
  /** How many stops may pass before git is asked again, after it was too slow. */
  readonly gitRests: number;
  readonly receipts: Readonly<Record<string, Receipt>>;
}

export const blankSight: Sight = { top: 0, watched: [], leases: {} };

export const newConversation = (sessionId: string): Conversation => ({
  sessionId,
  firstPrompt: '',
  latestPrompt: '',
  said: '',
  summary: '',
  digest: emptyDigest,
  read: { path: '', offset: 0 },
  received: '',
  handoffId: '',
});

export const blankNotebook = (sessionId = ''): Notebook => ({
  version: 1,
  told: null,
  tellings: 0,
  sight: blankSight,
  conversation: newConversation(sessionId),
  config: defaults,
  degraded: null,
  gitRests: 0,
  receipts: {},
});

/**
 * The notebook found on disk, with a blank part for every part that is missing or of another shape, so that an upgrade or a
 * damaged file costs at most a repeated sentence.
 */
export function asNotebook(value: unknown): Notebook {
  const blank = blankNotebook();
  return conform(value, blank) as Notebook;
}

/** Keeps of `value` what has the shape of `model`. Empty records and null in the model accept any object of plain data. */
function conform(value: unknown, model: unknown): unknown {
  if (model === null) return typeof value === 'object' && !Array.isArray(value) ? value : null;
  if (Array.isArray(model)) return Array.isArray(value) ? value : model;
  if (typeof model !== 'object') return typeof value === typeof model ? value : model;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return model;
  const keys = Object.keys(model);
  if (keys.length === 0) return value;
  return Object.fromEntries(
    keys.map((key) => [
      key,
      conform((value as Record<string, unknown>)[key], (model as Record<string, unknown>)[key]),
    ]),
  );
}
