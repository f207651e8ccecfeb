/** Inclusive ranges of leaves, as endings list them. */
import type {Ranges} from './aggregate.ts';

/** Joins ranges to ascending ones that neither overlap nor touch. */
export function joinRanges(...parts: readonly Ranges[]): Ranges {
  const all = parts.flat().toSorted((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [from, to] of all) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}
