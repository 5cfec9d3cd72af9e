/**
 * Where records live. A store knows nothing of roles: it hands out numbers, keeps records and gives them back.
 *
 * Every store runs the contract suite in `test/contract`. `null` means absent, a throw means broken.
 */
import type { Birth, MemberId, Presence, SeenPresence } from './member.ts';

export type StoreKind = 'file' | 'git' | 'basic-memory' | 'memory-graph';

/** Promises of the contract that not every medium can keep. */
export interface Capabilities {
  /** Two joins never get one number, whoever else writes to the medium meanwhile. */
  readonly exclusive: boolean;
  /** A record stays as it was written until its owner replaces it or it is forgotten. Elsewhere its owner asserts it again. */
  readonly keeps: boolean;
  /** What is forgotten or dropped is gone from the medium. Elsewhere it stays there and is only not looked at any more. */
  readonly forgets: boolean;
}

/** The numbers that are taken. */
export interface Taken {
  /** Those above the floor, lowest first. */
  readonly above: readonly number[];
  /** The checksum of all others. Only some stores give another one when a number came to another member. */
  readonly below: number;
  /** The others themselves, in any order; left out by who knows that nothing happened to them. */
  readonly past?: readonly number[];
}

/**
 * Tells sets of numbers apart, whatever the order they come in. Sums add up: that of two sets is that of the one, begun with that of
 * the other. A plain sum would not do: somebody goes and another one comes back, and the two may cancel out. 32 bits.
 */
export function checksum(numbers: readonly number[], begun = 0): number {
  let sum = begun;
  for (const seq of numbers) {
    const scattered = Math.imul(seq ^ (seq >>> 15), 0x2c1b3c6d);
    sum = (sum + (scattered ^ (scattered >>> 12))) | 0;
  }
  return sum;
}

/**
 * These numbers, in any order, zeros left out; `begun` is the checksum of whatever else changes when a number comes to another
 * member.
 */
export function takenAbove(floor: number, taken: readonly number[], begun = 0): Taken {
  const above: number[] = [];
  const past: number[] = [];
  for (const seq of taken)
    if (seq > floor) above.push(seq);
    else if (seq > 0) past.push(seq);
  return { above: above.sort((a, b) => a - b), below: checksum(past, begun), past };
}

/** How a program that cannot read records sees that nothing changed: two files. */
export interface Seal {
  /** There until somebody joins, leaves, is renamed or is forgotten. */
  readonly seal: string;
  /** To be written to whenever the member would be renewed. */
  readonly beat: string;
}

/**
 * A record is there, and the system does not let it be read. Another look may find it, so it is neither absent nor damaged: nothing
 * may be said of roles that hangs on it.
 */
export class RefusedError extends Error {
  override name = 'RefusedError';
  /** The number of a birth, or whose presence it is. */
  readonly of: number | MemberId;
  constructor(of: number | MemberId, message: string) {
    super(message);
    this.of = of;
  }
}

/** What was read; null, and the refusal noted, where the system did not let it be read. */
export async function unlessRefused<T>(
  read: Promise<T>,
  note?: (refusal: RefusedError) => void,
): Promise<T | null> {
  try {
    return await read;
  } catch (cause) {
    // By name: parts of a hook that are loaded later have classes of their own.
    if (!(cause instanceof Error && cause.name === 'RefusedError')) throw cause;
    note?.(cause as RefusedError);
    return null;
  }
}

/** Where a handoff of another clone comes from. */
export interface Origin {
  /** The name of the clone, as the record itself says. */
  readonly clone: string;
  /** The number that it names was taken in that clone, by the session that it names. */
  readonly isProven: boolean;
}

/** The verbs that every store has. */
export interface Store {
  readonly kind: StoreKind;
  readonly capabilities: Capabilities;
  /** Where its records are, for people. */
  readonly place: string;

  /** Makes ready for joins. Throws when one could not be filed here. */
  ready(): Promise<void>;

  /**
   * Takes the next join number above `floor` and above every number ever taken here, and files the birth under it: complete or
   * not at all. Numbers are unique, and if one join returned before another began, its number is the lower one.
   *
   * Whoever has listed the numbers since it began says so by `listed`, with a floor that none of them is above: then they need
   * not be listed again.
   */
  join(birth: Birth, floor: number, options?: { listed?: boolean }): Promise<number>;

  /**
   * Files a birth under the number that it has already, in another store or in this one before it was lost. False when that
   * number belongs to somebody else's birth.
   */
  refile(birth: Birth, seq: number): Promise<boolean>;

  /** The numbers that are taken; listed are those above `floor`. Cheap: no record is read. */
  numbers(floor?: number): Promise<Taken>;

  /** The birth under a number; null when there is none or it is damaged (see `damaged`). Throws `RefusedError`. */
  birth(seq: number): Promise<Birth | null>;

  /** Whether that number was taken in another clone, which alone writes the records of its members. Absent: never. */
  isOfOtherClone?(seq: number): Promise<boolean>;

  /** Replaces what the member tells about itself, as a whole, and renews it. Readers see the old or the new one. */
  announce(id: MemberId, presence: Presence): Promise<void>;

  /** Renews the member's presence without changing it. False when it has none, and stays without. */
  renew(id: MemberId): Promise<boolean>;

  /** Null when there is none or it is damaged. Throws `RefusedError`. */
  presence(id: MemberId): Promise<SeenPresence | null>;

  /**
   * An unbroken seal. Whatever is read after it was taken stays true while it is there, as far as records say it: it is broken
   * before a record changes and after, so also when the writer is killed in between. Null while somebody is writing. Only
   * stores whose every change passes through this machine's files have seals.
   */
  seal?(id: MemberId): Promise<Seal | null>;

  /** Members with any record of their own, whether or not a birth is left. */
  memberIds(): Promise<MemberId[]>;

  /**
   * Keeps a handoff note. With `first`, one that is already there stays and false comes back; so of several reconstructions
   * the first one wins. With `durable` it is on the disk when this returns; without, it survives the process and not a power cut.
   */
  putHandoff(id: string, note: string, options?: { first?: boolean; durable?: boolean }): Promise<boolean>;

  /** Ids of all handoffs, in the order of their join numbers. */
  handoffs(): Promise<string[]>;

  handoff(id: string): Promise<string | null>;

  /** Null for a handoff that was written in this clone. Only stores that share through a remote can tell. */
  origin?(id: string, author: { readonly member: MemberId; readonly seq: number }): Promise<Origin | null>;

  /** Where a person or a model can read that handoff. */
  handoffPlace(id: string): string;

  dropHandoff(id: string): Promise<void>;

  /**
   * Forgets births and members for good. The highest number is kept whatever is asked. With `gently` a member stays of whose end others
   * have yet to be told, and a record that others added to, where a store lets them.
   */
  forget(what: { seqs?: readonly number[]; members?: readonly MemberId[]; gently?: boolean }): Promise<void>;

  /** Removes what writers that were killed left unfinished, when it is older than this. Returns how many. */
  sweep(olderThanMs: number): Promise<number>;

  /** Every record that is there and cannot be read, with the reason. */
  damaged(): Promise<Damage[]>;
}

/** A record that cannot be read, and why. */
export interface Damage {
  readonly record: string;
  readonly reason: string;
}
