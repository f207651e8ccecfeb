/** Randomness that a number repeats: what a seed did once it does again. */

export type Random = {
  /** From 0 up to and without `below`. */
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  bytes(count: number): Uint8Array;
};

/** Makes the randomness of a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    chance: (probability) => next() < probability,
    pick(from) {
      if (from.length === 0) throw new RangeError('there is nothing to pick from');
      return from[int(from.length)] as never;
    },
    bytes: (count) => Uint8Array.from({length: count}, () => int(256)),
  };
}

/** How many seeds this run tries: SEEDS of the environment, else what the fast run has time for. */
export const seedCount = (usual: number): number => Number(process.env['SEEDS'] ?? usual);
