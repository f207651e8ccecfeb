/**
 * What a lane remembers of the tenants it serves, so that a hot write reads nothing.
 *
 * Rows and chain heads are those of the last acknowledged commit: they are put here at each ack and
 * nowhere else, so an entry is current or absent. The ring keeps what each commit changed, for units
 * that were assembled before it.
 */
import {LRUCache} from 'lru-cache';
import type {Hex, Id, TenantNo} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import type {Frontier} from '../../shared/ledger/tree.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Layer} from '../pipeline/view.ts';
import type {EntityCache} from '../store/lmdb/entity-cache.ts';
import type {Chain, Head} from '../store/store.ts';
import type {Guard} from './guard.ts';

/** Bytes of rows kept, as `rowBytes` estimates them. */
const rowMemoryBytes = 32 * 1024 * 1024;
/** Rows above this are never kept: one document would push out hundreds of hot rows. */
const rowLimitBytes = 64 * 1024;
const chainLimitCount = 65_536;
const keyLimitCount = 65_536;
/** Commits a tenant's ring keeps: at 64 callers, several seconds of writes. */
const ringLimitCount = 4_096;

/** Bytes of rows a tenant's ring keeps, as `rowBytes` estimates them. */
const ringLimitBytes = 16 * 1024 * 1024;

type RingEntry = {readonly began: number; readonly layer: Layer; readonly bytes: number};

export type KnownKey = {readonly leaf: number; readonly request: Hex | null};

/** One tenant's ledger as its lane holds it. */
export type TenantLedger = {
  head: Head;
  frontier: Frontier;
  ring: RingEntry[];
  /** The least size whose snapshots the ring can bring up to date. */
  ringStart: number;
  ringBytes: number;
  /** The newest last. A map, because a cache of this size takes its megabyte at once, for each tenant. */
  readonly keys: Map<Hex, KnownKey>;
  isHalted: boolean;
};

export type Memory = {
  /** Told of every acknowledged head; null where nothing is guarded. */
  readonly guard: Guard | null;
  /** The entity cache, written through at each ack; null where there is none. */
  readonly cache: EntityCache | null;
  readonly tenants: Map<TenantNo, TenantLedger>;
  readonly rows: LRUCache<string, Row<unknown>>;
  readonly chains: LRUCache<string, Chain>;
};

/** An estimate, in bytes, that costs no serialisation: the texts of the state and a constant. */
function rowBytes(row: Row<unknown>): number {
  let bytes = 512;
  for (const value of Object.values(row.state as object))
    if (typeof value === 'string') bytes += 2 * value.length;
  return bytes;
}

export const newMemory = (
  guard: Guard | null = null,
  cache: EntityCache | null = null,
): Memory => ({
  guard,
  cache,
  tenants: new Map(),
  rows: new LRUCache({
    maxSize: rowMemoryBytes,
    maxEntrySize: rowLimitBytes,
    sizeCalculation: rowBytes,
  }),
  chains: new LRUCache({max: chainLimitCount}),
});

export const memoryKey = (tenant: TenantNo, key: string): string => `${tenant}/${key}`;

/** Begins a tenant's entry at a head just read. */
export function remember(memory: Memory, head: Head, frontier: Frontier): TenantLedger {
  const ledger = {
    head,
    frontier,
    ring: [],
    ringStart: head.size,
    ringBytes: 0,
    keys: new Map<Hex, KnownKey>(),
    isHalted: false,
  };
  memory.tenants.set(head.tenantNo, ledger);
  memory.cache?.confirm(head.tenantNo, markOf(head));
  return ledger;
}

/** Drops everything known of a tenant, when the database knows better. */
export function forget(memory: Memory, tenant: TenantNo): void {
  memory.tenants.delete(tenant);
  memory.cache?.drop(tenant);
  const prefix = memoryKey(tenant, '');
  for (const key of memory.rows.keys()) if (key.startsWith(prefix)) memory.rows.delete(key);
  for (const key of memory.chains.keys()) if (key.startsWith(prefix)) memory.chains.delete(key);
}

/** A head by everything that tells it from any other, of this database or another one. */
const markOf = ({tenantId, size, root}: Head): string => `${tenantId}/${size}/${toHex(root)}`;

function* cachedRows(layer: Layer): Iterable<readonly [string, Row<unknown>]> {
  for (const [key, {row}] of layer.rows) yield [key, row];
}

/** Puts a layer that begins at the head's size on the ring; what no longer fits leaves at the other end. */
function pushRing(ledger: TenantLedger, layer: Layer): void {
  let bytes = 0;
  for (const {row} of layer.rows.values()) bytes += rowBytes(row);
  ledger.ring.push({began: ledger.head.size, layer, bytes});
  ledger.ringBytes += bytes;
  while (ledger.ring.length > ringLimitCount || ledger.ringBytes > ringLimitBytes) {
    const left = ledger.ring.shift();
    if (left === undefined) return;
    ledger.ringBytes -= left.bytes;
    // Snapshots of that size and below would miss what it changed.
    ledger.ringStart = left.began + 1;
  }
}

/** Takes an acknowledged commit's changes in. */
export function absorb(
  memory: Memory,
  ledger: TenantLedger,
  layer: Layer,
  next: Head,
  frontier: Frontier,
): void {
  const tenant = next.tenantNo;
  for (const [key, {row}] of layer.rows) memory.rows.set(memoryKey(tenant, key), row);
  for (const [id, chain] of layer.chains) memory.chains.set(memoryKey(tenant, id), chain);
  pushRing(ledger, layer);
  ledger.head = next;
  memory.guard?.note(next);
  memory.cache?.absorb(tenant, markOf(next), cachedRows(layer));
  ledger.frontier = frontier;
}

/** Keeps an idempotency key, and lets go of the oldest where there are too many. */
export function keepKey({keys}: TenantLedger, idem: Hex, known: KnownKey): void {
  keys.set(idem, known);
  const [oldest] = keys.keys();
  if (keys.size > keyLimitCount && oldest !== undefined) keys.delete(oldest);
}

/**
 * Lays changed rows over everything that is in flight although no head moved: a clearing. The entry
 * begins at the head's size, so every snapshot taken up to now gets it.
 */
export function overlay(memory: Memory, ledger: TenantLedger, layer: Layer): void {
  const {tenantNo} = ledger.head;
  for (const [key, {row}] of layer.rows) memory.rows.set(memoryKey(tenantNo, key), row);
  for (const entry of ledger.ring) {
    // What was destroyed must not live on in what others see through.
    for (const [key, version] of layer.rows)
      if (entry.layer.rows.has(key)) entry.layer.rows.set(key, version);
  }
  pushRing(ledger, layer);
  memory.cache?.absorb(tenantNo, markOf(ledger.head), cachedRows(layer));
}

/** Changes of every commit since a size, newest first; null when the ring does not reach back. */
export function changesSince(ledger: TenantLedger, size: number): readonly Layer[] | null {
  if (size < ledger.ringStart) return null;
  const layers: Layer[] = [];
  for (let index = ledger.ring.length - 1; index >= 0; index -= 1) {
    const entry = ledger.ring[index];
    if (entry === undefined || entry.began < size) break;
    layers.push(entry.layer);
  }
  return layers;
}

/**
 * Takes in a row that was read from SQL as of a ledger size, unless a later commit changed it: what
 * memory holds must be current. Answers whether it was taken.
 */
export function offer(
  memory: Memory,
  tenant: TenantNo,
  size: number,
  key: string,
  row: Row<unknown>,
): boolean {
  const ledger = memory.tenants.get(tenant);
  const since = ledger === undefined ? null : changesSince(ledger, size);
  if (since === null || since.some((layer) => layer.rows.has(key))) return false;
  memory.rows.set(memoryKey(tenant, key), row);
  memory.cache?.put(tenant, key, row);
  return true;
}

/** A row if the lane holds it. */
export const recallRow = (
  memory: Memory,
  tenant: TenantNo,
  key: string,
): Row<unknown> | undefined => memory.rows.get(memoryKey(tenant, key));

/** A chain head if the lane holds it. */
export const recallChain = (memory: Memory, tenant: TenantNo, id: Id): Chain | undefined =>
  memory.chains.get(memoryKey(tenant, id));
