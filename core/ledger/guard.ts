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

/** What the database says. The root at the guard's size is null where leaves below it are gone. */
export type Found = {
  readonly size: number;
  readonly root: string;
  readonly rootAtGuard: string | null;
};

export type Guard = {
  /** Notes an acknowledged head; it is on disk within a second. */
  note(head: Head): void;
  /** Begins with a head that was never seen, and warns where it is no new one. */
  begin(head: Head): void;
  /** What is known of a tenant; null for one never seen. */
  known(tenant: TenantId): Guarded | null;
  /** Keeps both heads of a tenant that is halted, and warns. Answers the file's name. */
  evidence(tenant: TenantId, guarded: Guarded | null, found: Found): string;
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

  function note(head: Head): void {
    dirty.set(head.tenantId, guardedOf(head));
    timer ??= setTimeout(() => {
      // A guard that cannot be written lags, and the next head tries again.
      flush().catch((cause: unknown) => warn('the head guard could not be written', cause));
    }, writeEveryMs);
  }

  return {
    note,
    begin(head) {
      if (head.size > 0) {
        const {size, tenantId} = head;
        warn(`tenant ${tenantId}: no guard is known; it begins anew at size ${size}`, null);
      }
      note(head);
    },
    known: (tenant) => dirty.get(tenant) ?? db.get(`guard/${tenant}`) ?? null,
    evidence(tenant, guarded, found) {
      const file = join(folder, `halted-${tenant}-${guarded?.size ?? found.size}.json`);
      writeFileSync(file, `${JSON.stringify({tenant, guarded, found}, null, 2)}\n`);
      warn(`tenant ${tenant} is halted: the database is not what was acknowledged; ${file}`, null);
      return file;
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      if (dirty.size > 0) await flush();
      await db.close();
    },
  };
}
