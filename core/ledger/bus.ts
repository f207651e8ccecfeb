/**
 * Wakes who waits for a tenant's next commit.
 *
 * The lane posts every acknowledged commit; nothing is kept here, since what happened is read from
 * the ledger. A wait is armed before the read it follows, so a commit between the two
 * is never missed.
 */
import type {TenantNo} from '../../shared/ids.ts';

export type Bus = {
  /** Says that a tenant's ledger has grown. */
  post(tenant: TenantNo): void;
  /** Resolves on the tenant's next commit, after `waitMs`, or when the signal aborts. */
  next(tenant: TenantNo, waitMs: number, signal: AbortSignal): Promise<void>;
  /** Waits in force, for the metrics and the tests. */
  readonly waiters: number;
};

/** Makes a bus of one process. */
export function createBus(): Bus {
  const waiting = new Map<TenantNo, Set<() => void>>();
  return {
    get waiters() {
      return [...waiting.values()].reduce((sum, set) => sum + set.size, 0);
    },
    post(tenant) {
      const set = waiting.get(tenant);
      waiting.delete(tenant);
      for (const wake of set ?? []) wake();
    },
    next(tenant, waitMs, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const set = waiting.get(tenant) ?? new Set();
        waiting.set(tenant, set);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          set.delete(wake);
          if (set.size === 0 && waiting.get(tenant) === set) waiting.delete(tenant);
          resolve();
        };
        const timer = setTimeout(wake, waitMs);
        signal.addEventListener('abort', wake);
        set.add(wake);
      });
    },
  };
}
