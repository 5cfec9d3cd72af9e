/** Join numbers. */

/**
 * The highest join number. What claims a higher one was not given here: it is passed over wherever numbers are read, so that nobody
 * can take the last one away. Far below where adding one to a number gives the same number again.
 */
export const mostSeq = 999_999_999_999_999;

/** The value is a number that a join can have. */
export const isSeq = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= mostSeq;

/** The number to try after this one. Throws when there is none, so that no loop stands still at the end. */
export function seqAfter(seq: number): number {
  if (seq >= mostSeq) throw new Error(`there is no join number above ${seq}`);
  return seq + 1;
}
