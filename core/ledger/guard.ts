/**
 * The head guard: what this machine has seen acknowledged, kept outside PostgreSQL.
 *
 * A database that comes back shorter than its guard, or with another root at the guard's size, was
 * set back or replaced: its tenant is halted, reads go on, writes are refused and both heads are kept
 * as evidence. A guard that lags only weakens itself, so it is written at most once a second.
 */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {open} from 'lmdb';
import type {TenantId} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import type {Head} from '../store/store.ts';

/** What the guard knows of a tenant's ledger. Hashes are hex. */
export type Guarded = {
  readonly shard: number;
  readonly baseLeaf: number;
  readonly size: number;
  readonly root: string;
  /** Wall clock in ms, for people. */
  readonly at: number;
};

export type Guard = {
  /** Notes an acknowledged head; it is on disk within a second. */
  note(head: Head): void;
  /** What is known of a tenant; null for one never seen. */
  known(tenant: TenantId): Guarded | null;
  /** Keeps both heads of a tenant that was set back. Answers the file's name. */
  evidence(
    tenant: TenantId,
    guarded: Guarded,
    found: {readonly size: number; readonly root: string},
  ): string;
  close(): Promise<void>;
};

type Warn = (message: string, cause: unknown) => void;

const writeEveryMs = 1_000;

const guardedOf = (head: Head): Guarded => ({
  shard: head.shard,
  baseLeaf: head.baseLeaf,
  size: head.size,
  root: toHex(head.root),
  at: Date.now(),
});

/** Opens the guard of a folder. */
export function openGuard(folder: string, warn: Warn): Guard {
  mkdirSync(folder, {recursive: true});
  const db = open<Guarded, string>({path: join(folder, 'guard.lmdb'), encoding: 'json'});
  const dirty = new Map<TenantId, Guarded>();
  let timer: NodeJS.Timeout | null = null;

  async function flush(): Promise<void> {
    timer = null;
    const due = [...dirty];
    dirty.clear();
    await db.transaction(() => {
      for (const [tenant, guarded] of due) db.putSync(`guard/${tenant}`, guarded);
    });
    await db.flushed;
  }

  return {
    note(head) {
      dirty.set(head.tenantId, guardedOf(head));
      timer ??= setTimeout(() => {
        // A guard that cannot be written lags, and the next head tries again.
        flush().catch((cause: unknown) => warn('the head guard could not be written', cause));
      }, writeEveryMs);
    },
    known: (tenant) => dirty.get(tenant) ?? db.get(`guard/${tenant}`) ?? null,
    evidence(tenant, guarded, found) {
      const file = join(folder, `halted-${tenant}-${guarded.size}.json`);
      writeFileSync(file, `${JSON.stringify({tenant, guarded, found}, null, 2)}\n`);
      return file;
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      if (dirty.size > 0) await flush();
      await db.close();
    },
  };
}
