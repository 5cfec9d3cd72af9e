/**
 * Which numbers of a remote are believed. Anybody who can push can put a number there, and numbers only ever grow: one near the last
 * that there is would leave none to share. So a number counts only as far as it can be reached from 0, from number to number, in
 * steps of at most `widestStep`; no crowd of honest sessions leaves such a gap. All clones look at the same numbers, so they agree,
 * and whoever forgets numbers keeps those that the step needs (`footholds`), here and at the remote.
 */

/** The widest step from one number to the next. */
export const widestStep = 1_000_000;

/** The fewest of these numbers that lead from 0 as high as steps reach, lowest first. The last one is the highest that is believed. */
export function footholds(numbers: Iterable<number>): number[] {
  const sorted = [...numbers].sort((a, b) => a - b);
  const found: number[] = [];
  let at = 0;
  for (let i = 0; i < sorted.length; i++) {
    const next = sorted[i + 1];
    if (sorted[i]! - at > widestStep) break;
    if (next !== undefined && next - at <= widestStep) continue;
    at = sorted[i]!;
    found.push(at);
  }
  return found;
}

/** The highest of these numbers that is believed; 0 where none is. */
export const reached = (numbers: Iterable<number>): number => footholds(numbers).at(-1) ?? 0;
