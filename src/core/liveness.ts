/**
 * Is a member alive, as one observer sees it? Pure: what the system says comes in as data.
 *
 * What this does not detect: a process that hangs, and one that runs in another pid namespace or on another machine and died
 * less than a lease ago. Such a member is `unknown` and counts as live until its lease is over.
 */
import {
  type Birth,
  type Domain,
  type Liveness,
  type MemberId,
  type ProcessRef,
  type SeenPresence,
  unnoted,
} from './member.ts';

/** What the observer remembers of a member it cannot probe: the last beat it saw, and when it saw it first by its monotonic clock. */
export interface Lease {
  readonly beat: string;
  readonly since: number;
}

/** Who looks: where it lives, its clock, and what it can ask the system. */
export interface Observer {
  readonly domain: Domain;
  /** Milliseconds since 1970, this observer's clock. */
  readonly now: number;
  /** Milliseconds of a clock that only goes forward and stands still while the machine sleeps. */
  readonly monotonic: number;
  /** When this machine booted, milliseconds since 1970, same clock. */
  bootedAt(): number;
  readonly leaseMs: number;
  /** Start time of the process with that pid in this domain; null when there is none or it is a zombie. */
  startOf(pid: number): string | null;
  /** These will be asked for: where each question costs a process they are asked together. */
  foresee?(processes: readonly ProcessRef[]): void;
  /** The machine's name, for those that have no other identity. */
  hostName?(): string;
  /** What the client calls the session of that process in this domain; empty where it does not say. Asked of a few members only. */
  nameOf?(process: ProcessRef): string;
  /** A member with that id is a process that lives in this domain. */
  lives(id: MemberId): boolean;
}

/** Both see the same pids. */
export const sameDomain = (a: Domain, b: Domain): boolean =>
  a.host === b.host && a.boot === b.boot && a.namespace === b.namespace;

/** One machine, as far as it has an identity: its name follows the network, so it tells only where there is nothing else. */
const sameMachine = ({ process: { domain }, host }: Birth, observer: Observer): boolean =>
  domain.host === observer.domain.host && (domain.host !== '' || host === observer.hostName?.());

/**
 * The verdict, and the lease to remember for the next look (null when none is needed).
 *
 * In the same domain the pid and its start time decide; where there are no start times, one that was last seen before the machine
 * booted is dead too. A record from an earlier boot of this machine is dead, unless its owner renewed it after this boot: then the
 * host's identity is not as unique as it should be and the lease decides. Elsewhere the lease decides: an unchanged beat for
 * `leaseMs` of the observer's own time. An idle session fires no hooks, so it is measured in hours.
 * Whoever looks for the first time takes the age of the beat, as the store dates it: else those of a killed container would live
 * anew for each newcomer. A date in the future is no younger than now. Any new beat brings the member back.
 */
export function judge(
  birth: Birth,
  seen: Pick<SeenPresence, 'beat' | 'seenAt' | 'asOf'> | null,
  lease: Lease | undefined,
  observer: Observer,
): { liveness: Liveness; lease: Lease | null } {
  const { domain, pid, start } = birth.process;
  const lastSeen = seen?.seenAt ?? Date.parse(birth.joinedAt);
  if (sameDomain(domain, observer.domain)) {
    const found = observer.startOf(pid);
    const unsure = found === '';
    // A record without a start time names no process where the system tells start times.
    const same = found !== null && (unsure || found === start);
    const outlived = same && domain.boot === '' && (unsure || start === unnoted);
    const dead = !same || (outlived && lastSeen < observer.bootedAt());
    return { liveness: dead ? 'dead' : 'alive', lease: null };
  }
  if (domain.boot !== observer.domain.boot && sameMachine(birth, observer) && lastSeen < observer.bootedAt())
    return { liveness: 'dead', lease: null };
  const beat = seen?.beat ?? '';
  // The clock may have been ahead when the place was read.
  const age = Math.min(seen?.asOf ?? observer.now, observer.now) - lastSeen;
  if (!lease && age > observer.leaseMs)
    return { liveness: 'dead', lease: { beat, since: observer.monotonic - observer.leaseMs - 1 } };
  const kept = lease?.beat === beat ? lease : { beat, since: observer.monotonic };
  return { liveness: observer.monotonic - kept.since > observer.leaseMs ? 'dead' : 'unknown', lease: kept };
}
