/**
 * Which parts may be absent: only those that a later event ends.
 *
 * Absences come before the events that allow them, so each waits here until an ending's ranges
 * cover it. What still waits when the log is over was removed by nobody the log knows of.
 * Resolved entries are skipped by a union of neighbours, so any number of overlapping ranges costs
 * little more than the absences themselves.
 */
import type {Ranges} from './facts.ts';

/** Leaves whose part is absent, in ascending order, and which of them are allowed. */
export type Absences = {
  readonly add: (leaf: number) => void;
  /** Allows the absences within the ranges. */
  readonly allow: (ranges: Ranges) => void;
  /** The first leaf that nothing allows, or null. */
  readonly first: () => number | null;
  readonly count: () => number;
};

/** An empty list of absences. */
export function createAbsences(): Absences {
  let leaves = new Float64Array(256);
  // next[i] leads to the first entry from i on that still waits.
  let next = new Uint32Array(256);
  let count = 0;

  const waitingFrom = (entry: number): number => {
    let end = entry;
    while (end < count && next[end] !== end) end = next[end] ?? count;
    // Shorten the way for the next one who passes here.
    for (let at = entry; at < end;) {
      const after = next[at] ?? end;
      next[at] = end;
      at = after;
    }
    return end;
  };
  const firstAtOrAfter = (leaf: number): number => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((leaves[middle] ?? 0) < leaf) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    add: (leaf) => {
      if (count === leaves.length) {
        leaves = widen(leaves, new Float64Array(2 * count));
        next = widen(next, new Uint32Array(2 * count));
      }
      leaves[count] = leaf;
      next[count] = count;
      count += 1;
    },
    allow: (ranges) => {
      for (const [from, to] of ranges) {
        let entry = waitingFrom(firstAtOrAfter(from));
        while (entry < count && (leaves[entry] ?? 0) <= to) {
          next[entry] = entry + 1;
          entry = waitingFrom(entry + 1);
        }
      }
    },
    first: () => {
      const entry = waitingFrom(0);
      return entry < count ? (leaves[entry] ?? null) : null;
    },
    count: () => count,
  };
}

function widen<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
