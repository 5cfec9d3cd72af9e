/**
 * Who takes part.
 *
 * A member is one running client process that joined the scope. Its key is the process (where it runs, pid, start time);
 * a session id is only an attribute, because `/clear` changes it and two terminals can resume the same conversation.
 */

import { oneLine } from './quote.ts';
import { isRecord } from './shape.ts';

/** A hash of pid, start time and domain; safe as a file name. */
export type MemberId = string;

/** Where a pid means something. Two pids compare only within one domain. */
export interface Domain {
  /** Hash of the machine's identity; never the plain machine id. Empty where it has none and the boot says it. */
  readonly host: string;
  /** Changes with every boot; empty where process start times are absolute and say it already. */
  readonly boot: string;
  /** pid and time namespace; empty where the system has none. */
  readonly namespace: string;
}

/** A process, told apart from every other that ever had its pid. */
export interface ProcessRef {
  readonly pid: number;
  /** Start time as the system tells it, an opaque string; empty when it cannot be known. See `unnoted`. */
  readonly start: string;
  readonly domain: Domain;
}

/**
 * Stands for the start time of a process where only the client's notes tell start times and none tells this one. A process whose note
 * is gone is not the one it was.
 */
export const unnoted = '-';

/**
 * Whether a member stands for master.
 * `eligible`: yes. `fallback`: only while no eligible member is alive (unattended sessions). `declined`: never.
 */
export type Candidacy = 'eligible' | 'fallback' | 'declined';

/** What made the member join. `promote`, `yield` and `attended` (a person talks to it now) are joins of a
 * member that is already there. */
export type JoinCause = 'startup' | 'resume' | 'fork' | 'late' | 'attended' | 'promote' | 'yield';

/** The immutable record of one join. Its number stands in its place in the store, not in the record. */
export interface Birth {
  readonly version: 1;
  readonly id: MemberId;
  readonly process: ProcessRef;
  readonly host: string;
  readonly candidacy: Candidacy;
  readonly attended: boolean;
  readonly cause: JoinCause;
  /** ISO 8601, for people. Order comes from the number. */
  readonly joinedAt: string;
  /** It ranks as if it had joined with this number, a lower one than its own: that of its earlier join, or of whom it parks. */
  readonly place?: number;
  /** The conversation of this member, a process of the same domain, goes on here. It is parked until it joins again. */
  readonly parks?: MemberId;
}

/** What a member tells the others about itself; written by its owner only, replaced as a whole. */
export interface Presence {
  readonly version: 1;
  readonly sessionId: string;
  /** The address the client's own SendMessage tool uses, where it is known. */
  readonly name: string;
  /** What the client's note called it then, where that was something else. */
  readonly noted?: string;
  readonly cwd: string;
  readonly worktree: string;
  readonly branch: string;
  /** The latest human prompt: redacted, one line, short. */
  readonly doing: string;
  readonly transcript: string;
  /** Set when the member left on its own: every join of its up to `seq` is over. */
  readonly left: { readonly seq: number; readonly at: string; readonly reason: string } | null;
}

/** A presence as an observer finds it. */
export interface SeenPresence {
  readonly presence: Presence;
  /** Changes whenever the owner renews it; compared, never interpreted. */
  readonly beat: string;
  /** When the owner last renewed it, milliseconds since 1970 by the store's clock. For people. */
  readonly seenAt: number;
  /** Later signs of life could not have come here, same clock. Absent: until now. */
  readonly asOf?: number;
}

export type Liveness = 'alive' | 'dead' | 'unknown';

/** One line of the roster: the latest join of a member, with what is known of it now. */
export interface Member {
  readonly seq: number;
  readonly birth: Birth;
  readonly presence: Presence | null;
  readonly seenAt: number | null;
  readonly liveness: Liveness;
  /** What its client calls it now, where that can be asked: it may have been renamed since it last told. */
  readonly called?: string;
}

/** What others call the member. */
export function displayName({ presence, called, birth }: Member): string {
  const { name = '', noted = name } = presence ?? {};
  const isRenamed = called && oneLine(called, 80) !== noted;
  return oneLine(isRenamed ? called : name, 80) || `session-${birth.process.pid}`;
}

const text = (value: unknown): value is string => typeof value === 'string';

const candidacies: readonly unknown[] = ['eligible', 'fallback', 'declined'];

/** Whether this can be a member's id: a plain file name, and no name that every object has, since members are looked up in objects. */
export const isMemberId = (id: string): boolean => /^\w[\w.-]{0,99}$/.test(id) && !(id in Object.prototype);

/** `null` when the value is not a birth record; anything a reader relies on has been checked when it is. */
export function asBirth(value: unknown): Birth | null {
  if (!isRecord(value) || value.version !== 1 || !text(value.id) || !isMemberId(value.id)) return null;
  const process = value.process;
  if (!isRecord(process) || !isRecord(process.domain) || !text(process.start)) return null;
  const { pid, domain } = process as { pid: unknown; domain: Record<string, unknown> };
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return null;
  if (!text(domain.host) || !text(domain.boot) || !text(domain.namespace)) return null;
  if (!candidacies.includes(value.candidacy) || typeof value.attended !== 'boolean') return null;
  if (!text(value.joinedAt) || !text(value.host) || !text(value.cause)) return null;
  if (Number.isNaN(Date.parse(value.joinedAt))) return null;
  if (value.place !== undefined && !(Number.isSafeInteger(value.place) && (value.place as number) > 0))
    return null;
  if (value.parks !== undefined && !text(value.parks)) return null;
  return value as unknown as Birth;
}

/** `null` when the value is not a presence record. */
export function asPresence(value: unknown): Presence | null {
  if (!isRecord(value) || value.version !== 1) return null;
  const { sessionId, name, cwd, worktree, branch, doing, transcript, left } = value;
  if (![sessionId, name, cwd, worktree, branch, doing, transcript].every(text)) return null;
  if (value.noted !== undefined && !text(value.noted)) return null;
  if (
    left !== null &&
    !(isRecord(left) && Number.isSafeInteger(left.seq) && text(left.at) && text(left.reason))
  )
    return null;
  return value as unknown as Presence;
}
