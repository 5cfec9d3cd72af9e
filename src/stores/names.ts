/** Which names records may have, so that nothing reaches outside a store and what is not ours is never taken for ours. */
import { mostSeq } from '../core/seq.ts';

/** The name of everything that belongs to one member. */
export const memberName = /^\w[\w.-]{0,99}$/;

/** The id of a handoff. */
export const handoffName = /^\d{6,}-[A-Za-z0-9]{1,12}(?:\.reconstructed)?$/;

/** The ids of the handoffs among file names, in the order of their numbers. */
export const handoffsAmong = (names: readonly string[]): string[] =>
  names
    .filter((name) => name.endsWith('.md') && handoffName.test(name.slice(0, -3)))
    .map((name) => name.slice(0, -3))
    .filter((id) => Number.parseInt(id, 10) <= mostSeq)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
