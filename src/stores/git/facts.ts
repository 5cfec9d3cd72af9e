/**
 * What leaves the machine: who is here, since when, on which branch, and whether it left. No path, no prompt, no conversation, no
 * name of a machine; handoffs only where the configuration says so.
 */
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
