/** Chance that can be had again: everything random in a run comes from one number, which is printed and accepted. */

/** FLOWLOOM_SEED; a run that was told none draws one, see `build-once.ts`. */
export const seed: number = Number(process.env.FLOWLOOM_SEED ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Numbers from 0 up to 1, the same for the same seed (mulberry32). Whoever acts beside others takes a stream of its own: then what
 * it decides does not hang on who was faster.
 */
export function chance(from = seed, stream = 0): () => number {
  let state = (from ^ Math.imul(stream, 0x9e3779b1)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many of them, in their order; all when there are no more. */
export function sample<T>(items: readonly T[], most: number, random: () => number): T[] {
  const left = items.map((_, index) => index);
  const drawn: number[] = [];
  while (drawn.length < most && left.length > 0)
    drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn.sort((a, b) => a - b).map((index) => items[index]!);
}
