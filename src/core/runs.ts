/**
 * A set of numbers as its runs. Members that live mostly have numbers that follow each other, and a notebook, which is read and
 * written at every hook, must not grow with a crowd.
 */

/** All numbers from the first to the last. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

/** The runs of these numbers, lowest first; order and repetitions of the numbers do not matter. */
export function runsOf(numbers: readonly number[]): Run[] {
  const runs: { first: number; last: number }[] = [];
  for (const seq of [...numbers].sort((a, b) => a - b)) {
    const latest = runs.at(-1);
    if (latest && seq <= latest.last + 1) latest.last = seq;
    else runs.push({ first: seq, last: seq });
  }
  return runs;
}

/** The numbers, lowest first. */
export function numbersIn(runs: readonly Run[]): number[] {
  const numbers: number[] = [];
  for (const { first, last } of runs) for (let seq = first; seq <= last; seq++) numbers.push(seq);
  return numbers;
}

/** Whether the number is one of them. */
export const isIn = (runs: readonly Run[], seq: number): boolean =>
  runs.some(({ first, last }) => first <= seq && seq <= last);
