/**
 * What a lifetime means: when an item's content ends by itself, and with what.
 *
 * Everything here follows from the lifetime and the moment that set it, so `evolve` can compute it
 * again on every replay. Three members of a state come of it, and each is a column that one reader
 * needs: `expiresAt` (every list, the sweep), `expiresWith` (the close of a scope, the end of a
 * trajectory), `maxGroup` (the next item of the group).
 */
import type {Id, Micros} from '../../shared/ids.ts';
import type {Ttl} from '../../shared/wire/ttl.ts';

const hourMs = 3_600_000;
const microsPerMs = 1_000;

const namedMs: Readonly<Record<'short_term' | 'medium_term' | 'long_term', number>> = {
  short_term: hourMs,
  medium_term: 24 * hourMs,
  long_term: 7 * 24 * hourMs,
};

/** The moment at which a lifetime set at `at` is over; null where time alone does not end it. */
export function expiryOf(ttl: Ttl, at: Micros): Micros | null {
  if (typeof ttl === 'object') return 'Duration' in ttl ? at + ttl.Duration * microsPerMs : null;
  return ttl in namedMs ? at + namedMs[ttl as keyof typeof namedMs] * microsPerMs : null;
}

/** How many items of one group a lifetime keeps; null for one that does not count. */
export const mostOf = (ttl: Ttl): number | null =>
  typeof ttl === 'object' && 'Max' in ttl ? ttl.Max : null;

/** What an item hangs on, for the lifetimes that end with it. */
export type Holders = {
  readonly scopeId: Id | null;
  /** The trajectory whose end ends a `Session`. */
  readonly sessionId: Id | null;
  /** The items among which a `Max` lifetime counts: `<trajectory>:<type>` or `<agent>:<type>`. */
  readonly group: string;
};

export type Lifetime = {
  readonly expiresAt: Micros | null;
  readonly expiresWith: Id | null;
  readonly maxGroup: string | null;
};

/** Everything that follows from a lifetime set at `at`. */
export function lifetimeOf(ttl: Ttl, at: Micros, of: Holders): Lifetime {
  return {
    expiresAt: expiryOf(ttl, at),
    expiresWith: ttl === 'scope' ? of.scopeId : ttl === 'session' ? of.sessionId : null,
    maxGroup: mostOf(ttl) === null ? null : of.group,
  };
}
