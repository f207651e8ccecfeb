/**
 * The units that wait for a lane, first come first served within a tenant, tenants in turn.
 *
 * Bounded: a unit that finds the queue full, or that waited too long to be sequenced, is refused and
 * nothing of it was written. What was sequenced once goes back to the front and is never dropped.
 */
import {CellError} from '../../shared/errors.ts';
import type {Micros, TenantNo} from '../../shared/ids.ts';
import type {Wish} from '../pipeline/unit-run.ts';
import type {Outcome} from './outcome.ts';

export type Pending = {
  wish: Wish;
  since: Micros;
  /** How often it was assembled again. */
  attempts: number;
  /** Commits alone: it was in a batch that the database would never take. */
  isAlone: boolean;
  /** Place in the order of arrival, which the queue gives. */
  order: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
};

const unitLimitCount = 4_096;
/** How long a unit may wait to be sequenced. */
const waitLimitMicros = 10_000_000;

export type Queue = {
  readonly count: number;
  /** Throws `SERVICE_UNAVAILABLE` when there is no room. */
  push(pending: Pending): void;
  /** Puts a unit that was taken before back to its place among its tenant's units. */
  putBack(pending: Pending): void;
  /** Tenants with waiting units, the one served first last time now last. */
  tenants(): TenantNo[];
  peek(tenant: TenantNo): Pending | null;
  /** Takes a tenant's next unit; those that waited too long are refused on the way. */
  take(tenant: TenantNo, now: Micros): Pending | null;
  /** Refuses what waits of a tenant. */
  refuse(tenant: TenantNo, error: unknown): void;
};

const full = (): CellError =>
  new CellError('SERVICE_UNAVAILABLE', 'the queue of changes is full', {retryAfterSeconds: 1});
const late = (): CellError =>
  new CellError('SERVICE_UNAVAILABLE', 'the change waited too long for its turn', {
    retryAfterSeconds: 1,
  });

/** Makes an empty queue. */
export function createQueue(): Queue {
  const waiting = new Map<TenantNo, Pending[]>();
  let count = 0;
  let arrivedCount = 0;

  const unitsOf = (tenant: TenantNo): Pending[] => {
    const units = waiting.get(tenant) ?? [];
    waiting.set(tenant, units);
    return units;
  };

  return {
    get count() {
      return count;
    },
    push(pending) {
      if (count >= unitLimitCount) throw full();
      arrivedCount += 1;
      pending.order = arrivedCount;
      unitsOf(pending.wish.tenantNo).push(pending);
      count += 1;
    },
    putBack(pending) {
      // Some come back from the database and some from being assembled, in any order.
      const units = unitsOf(pending.wish.tenantNo);
      const place = units.findIndex(({order}) => order > pending.order);
      units.splice(place === -1 ? units.length : place, 0, pending);
      count += 1;
    },
    tenants() {
      for (const [tenant, units] of waiting) if (units.length === 0) waiting.delete(tenant);
      const [first] = waiting;
      if (first !== undefined) {
        waiting.delete(first[0]);
        waiting.set(...first);
      }
      return [...waiting.keys()];
    },
    peek: (tenant) => waiting.get(tenant)?.[0] ?? null,
    take(tenant, now) {
      const units = unitsOf(tenant);
      for (let next = units.shift(); next !== undefined; next = units.shift()) {
        count -= 1;
        if (next.attempts > 0 || now - next.since <= waitLimitMicros) return next;
        next.reject(late());
      }
      return null;
    },
    refuse(tenant, error) {
      for (const unit of unitsOf(tenant).splice(0)) {
        count -= 1;
        unit.reject(error);
      }
    },
  };
}
