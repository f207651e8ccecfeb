/** The wall clock in µs, which never steps back inside one process. */
import type {Micros} from '../../shared/ids.ts';

/** Makes a clock with the resolution of `performance.now()`, set by `Date.now()`. */
export function createClock(): () => Micros {
  let last = 0;
  return () => {
    // The monotonic clock drifts from the wall clock over days, so the wall clock leads.
    const micros = Date.now() * 1000 + (Math.floor(performance.now() * 1000) % 1000);
    last = Math.max(last, micros);
    return last;
  };
}
