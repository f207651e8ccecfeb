/** Order statistics of samples, and the seeded numbers that make every run ask the same. */

export type Percentiles = {readonly p50: number; readonly p95: number; readonly p99: number};

/** What one taking of an operation or of a floor saw. */
export type Sample = {
  readonly perSecond: number;
  readonly ms: Percentiles;
  readonly count: number;
  /** The row's own figure, where it is neither a rate nor a median time. */
  readonly value?: number;
  /** What is reported beside the figure. */
  readonly besides?: Readonly<Record<string, number>>;
};

/** The value below which a share of the sorted numbers lies; 0 of none. */
function at(sorted: ArrayLike<number>, share: number): number {
  const place = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return sorted[place] ?? 0;
}

const sortedOf = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).sort();

export function percentilesOf(values: ArrayLike<number>): Percentiles {
  const sorted = sortedOf(values);
  return {p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99)};
}

export type Spread = {readonly median: number; readonly q1: number; readonly q3: number};

/** Median and quartiles, between two values where none stands in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = sortedOf(values);
  const between = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? 0;
    const high = sorted[Math.ceil(place)] ?? low;
    return low + (high - low) * (place - Math.floor(place));
  };
  return {median: between(0.5), q1: between(0.25), q3: between(0.75)};
}

/** Uniform numbers in [0, 1) that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
