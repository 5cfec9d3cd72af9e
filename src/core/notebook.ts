/**
 * What a member remembers from hook to hook. Written by its owner only; losing it loses comfort, never a role. Others read it for
 * two things: a newcomer goes on from its sight, and the next master puts together what a dead member was doing.
 */
import type { Config } from './config.ts';
import { defaults, keptConfig } from './config.ts';
import type { Role, Standing } from './election.ts';
import type { OwnWords } from './handoff.ts';
import type { Lease } from './liveness.ts';
import { asBirth, asPresence, type Birth, type MemberId, type Presence } from './member.ts';
import type { Run } from './runs.ts';
import { list, nullable, number, object, oneOf, or, record, text } from './shape.ts';
import type { StoreKind } from './store.ts';
import { type Digest, emptyDigest } from './transcript.ts';

/** What the model was told last. */
export interface Told {
  readonly role: Role;
  readonly epoch: number;
  readonly master: MemberId | null;
  /** The highest number that was taken then: who has a higher one came later, and nobody else did. */
  readonly top: number;
  /** Who was there, with the name that was used; of a very large roster a part. */
  readonly names: Readonly<Record<MemberId, string>>;
}

/** The part of the store that has been looked at: nothing up to `top` matters any more except `watched`. */
export interface Sight {
  readonly top: number;
  readonly watched: readonly Run[];
  /** The checksum of the numbers then, all at most `top`. Another one later: somebody came back with a number that it had before. */
  readonly sum: number;
  readonly leases: Readonly<Record<MemberId, Lease>>;
  /** The newest joins of those that ended without a word, highest first: their handoffs may have to be reconstructed. */
  readonly silent: readonly number[];
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
  /** When it was given, in ms since 1970. */
  readonly latestPromptAt: number;
  readonly said: string;
  /** When its last turn ended, in ms since 1970; 0 when none did. */
  readonly saidAt: number;
  readonly summary: string;
  /** What the session itself wrote for its handoff. */
  readonly words: OwnWords | null;
  readonly digest: Digest;
  /** The conversation that it is a copy of, and since when; null when it is none. */
  readonly origin: { readonly sessionId: string; readonly at: number } | null;
  /** How far the transcript has been read. */
  readonly read: { readonly path: string; readonly offset: number };
  /** Prompts that the client submits by itself at their time; by their text nobody would know. */
  readonly scheduled: readonly string[];
  /** Id of the handoff that was shown in this conversation. */
  readonly received: string;
  /** Id of the handoff that this conversation writes; it keeps its name when the member is promoted. */
  readonly handoffId: string;
}

/** State is not kept where it belongs: the place it should be in, the one it is in, and why. `to` is `none` without any. */
export interface Degradation {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** A birth and its number. */
export interface Join {
  readonly seq: number;
  readonly birth: Birth;
}

/** All of it; written as a whole at the end of every hook. */
export interface Notebook {
  readonly version: 1;
  readonly told: Told | null;
  /** Counts what was told in full; names the claim that lets only one of two parallel hooks tell it. */
  readonly tellings: number;
  readonly sight: Sight;
  /** What this member was when it looked last; null before it looked. */
  readonly standing: Standing | null;
  readonly conversation: Conversation;
  readonly config: Config;
  /** Where this member's records are now. */
  readonly store: StoreKind;
  /** Its latest join, to be filed again should the store lose it or be left for another; null after it left. */
  readonly join: Join | null;
  /** What it told the others last; null before it did. */
  readonly presence: Presence | null;
  /** The joins of the others that lived at the last look, to be taken along to another store; empty where that cannot happen. */
  readonly peers: readonly Join[];
  readonly degraded: Degradation | null;
  readonly receipts: Readonly<Record<string, Receipt>>;
}

export const blankSight: Sight = { top: 0, watched: [], sum: 0, leases: {}, silent: [] };

/** A conversation of which nothing is known yet. */
export const newConversation = (sessionId: string): Conversation => ({
  sessionId,
  firstPrompt: '',
  latestPrompt: '',
  latestPromptAt: 0,
  said: '',
  saidAt: 0,
  summary: '',
  words: null,
  digest: emptyDigest,
  origin: null,
  read: { path: '', offset: 0 },
  scheduled: [],
  received: '',
  handoffId: '',
});

/** The notebook of a member that remembers nothing. */
export const blankNotebook = (sessionId = ''): Notebook => ({
  version: 1,
  told: null,
  tellings: 0,
  sight: blankSight,
  standing: null,
  conversation: newConversation(sessionId),
  config: defaults,
  store: 'file',
  join: null,
  presence: null,
  peers: [],
  degraded: null,
  receipts: {},
});

const told = object<Told>({
  role: oneOf('master', 'worker'),
  epoch: number,
  master: nullable(text),
  top: number,
  names: record(text),
});

const digest = object<Digest>({
  files: or(list(text), []),
  commands: or(
    list(object({ call: text, command: text, outcome: oneOf('running', 'ok', 'failed'), said: text })),
    [],
  ),
  todos: or(list(object({ id: text, text, status: text, call: text })), []),
  asked: or(list(object({ call: text, text })), []),
  firstPrompt: or(text, ''),
  latestPrompt: or(text, ''),
  latestPromptAt: or(number, 0),
  lastSaid: or(text, ''),
});

const conversation = object<Conversation>({
  sessionId: or(text, ''),
  firstPrompt: or(text, ''),
  latestPrompt: or(text, ''),
  latestPromptAt: or(number, 0),
  said: or(text, ''),
  saidAt: or(number, 0),
  summary: or(text, ''),
  words: or(nullable(object({ goal: text, done: text, next: text, questions: list(text) })), null),
  digest: or(digest, emptyDigest),
  origin: or(nullable(object({ sessionId: text, at: number })), null),
  read: or(object({ path: text, offset: number }), { path: '', offset: 0 }),
  scheduled: or(list(text), []),
  received: or(text, ''),
  handoffId: or(text, ''),
});

const sight = object<Sight>({
  top: number,
  watched: list(object<Run>({ first: number, last: number })),
  sum: or(number, 0),
  leases: record(object({ beat: text, since: number })),
  silent: or(list(number), []),
});

const standing = object<Standing>({ role: oneOf('master', 'worker'), epoch: number });

const join = object<Join>({ seq: number, birth: (value) => asBirth(value) ?? undefined });

const store = oneOf<StoreKind>('file', 'git', 'basic-memory', 'memory-graph');

const notebook = object<Notebook>({
  version: or((): 1 => 1, 1),
  told: or(nullable(told), null),
  tellings: or(number, 0),
  sight: or(sight, blankSight),
  standing: or(nullable(standing), null),
  conversation: or(conversation, newConversation('')),
  config: keptConfig,
  store: or(store, 'file'),
  join: or(nullable(join), null),
  presence: or(
    nullable((value) => asPresence(value) ?? undefined),
    null,
  ),
  peers: or(list(join), []),
  degraded: or(nullable(object({ from: text, to: text, reason: text })), null),
  receipts: or(record(object({ at: text, ms: number, count: number })), {}),
});

/**
 * The notebook found on disk, with a blank part for every part that is missing or of another shape, so that an upgrade or a
 * damaged file costs at most a repeated sentence.
 */
export const asNotebook = (value: unknown): Notebook => notebook(value) ?? blankNotebook();

const seen = object<Pick<Notebook, 'store' | 'sight'>>({ store, sight });

/** What its owner saw, and of which kind of store: all that a newcomer reads of it. Null where that part is of another shape. */
export const seenBy = (value: unknown): Pick<Notebook, 'store' | 'sight'> | null => seen(value) ?? null;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Of every field what was changed since `base`; where both changed it, `mine`. */
function merged<T extends object>(base: T, mine: T, theirs: T): T {
  const fields = Object.keys({ ...theirs, ...mine }) as (keyof T)[];
  return Object.fromEntries(
    fields.map((field) => [field, same(mine[field], base[field]) ? theirs[field] : mine[field]]),
  ) as T;
}

/**
 * Two hooks of one member ran at the same time, from the same notebook: what each of them learnt. A new conversation, or a new
 * telling, is taken as a whole.
 */
export function mergeNotebooks(base: Notebook, mine: Notebook, theirs: Notebook): Notebook {
  const all = merged(base, mine, theirs);
  const told = theirs.tellings > mine.tellings ? theirs : mine;
  const sameTalk = mine.conversation.sessionId === theirs.conversation.sessionId;
  return {
    ...all,
    ...(same(mine.told, base.told) ? {} : { told: told.told }),
    tellings: Math.max(mine.tellings, theirs.tellings),
    conversation: sameTalk
      ? merged(base.conversation, mine.conversation, theirs.conversation)
      : mine.conversation,
    receipts: merged(base.receipts, mine.receipts, theirs.receipts),
  };
}
