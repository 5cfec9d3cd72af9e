/**
 * What leaves the machine: who is here, since when, on which branch, and whether it left. No path, no prompt, no conversation, no
 * name of a machine; handoffs only where the configuration says so. And what a join that came from another clone is believed to be.
 */
import { isoTime } from '../../core/iso-time.ts';
import type { Birth, Presence } from '../../core/member.ts';

/** A birth as others may read it: the machine is known by its hash. */
export const birthFacts = (birth: Birth): Birth => ({
  ...birth,
  host: birth.process.domain.host.slice(0, 8),
});

/** A presence as others may read it. `name` is the address that the client's own messages use. */
export const presenceFacts = (presence: Presence, left: Presence['left']): Presence => ({
  version: 1,
  sessionId: '',
  name: presence.name,
  cwd: '',
  worktree: '',
  branch: presence.branch,
  doing: '',
  transcript: '',
  left,
});

/**
 * A birth as this clone believes it. Where a process runs is what the record says itself, and only of those that were written here it
 * is known: one that came by a remote names no process of this machine, whatever it says, and lives as long as its lease. Nor is it
 * younger than when it was taken over (`takenAt`, milliseconds since 1970; null where that is not known), or it would never age.
 */
export function seenFrom(here: string, birth: Birth, clone: string, takenAt: number | null): Birth {
  if (clone === here) return birth;
  const { domain } = birth.process;
  const isAhead = takenAt !== null && Date.parse(birth.joinedAt) > takenAt;
  return {
    ...birth,
    joinedAt: isAhead ? isoTime(takenAt) : birth.joinedAt,
    process: { ...birth.process, domain: { ...domain, namespace: `${domain.namespace} in ${clone}` } },
  };
}
