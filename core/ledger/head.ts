/** Loading a tenant's head: what the database says must be consistent with itself and the guard. */
import {CellError} from '../../shared/errors.ts';
import type {TenantNo} from '../../shared/ids.ts';
import {equalBytes, toHex} from '../../shared/ledger/bytes.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {frontierRoot, unpackFrontier} from '../../shared/ledger/tree.ts';
import type {Head, Store} from '../store/store.ts';
import type {Guard} from './guard.ts';
import {remember, type Memory, type TenantLedger} from './memory.ts';
import {LeafMissing, rootAt} from './proof.ts';

/** A tenant's ledger, read into memory when it is not there. One that contradicts itself or the guard is halted. */
export async function loadLedger(
  store: Store,
  memory: Memory,
  hashes: Hashes,
  tenant: TenantNo,
): Promise<TenantLedger> {
  const known = memory.tenants.get(tenant);
  if (known !== undefined) return known;
  const head = await store.head(tenant);
  if (head === null) {
    throw new CellError('TENANT_NOT_FOUND', 'no such tenant', {context: {tenant}});
  }
  const frontier = unpackFrontier(head.size - head.baseLeaf, head.frontier);
  const isWhole = equalBytes(frontierRoot(hashes, frontier), head.root);
  const isSound = await agrees(store, hashes, memory.guard, head, isWhole);
  // Another reader may have been faster, and its entry may have moved on since.
  const faster = memory.tenants.get(tenant);
  if (faster !== undefined) return faster;
  const ledger = remember(memory, head, frontier);
  ledger.isHalted = !isSound;
  return ledger;
}

/** Whether the head is one, and holds at least what the guard has seen, with the same root there. */
async function agrees(
  store: Store,
  hashes: Hashes,
  guard: Guard | null,
  head: Head,
  isWhole: boolean,
): Promise<boolean> {
  const guarded = guard?.known(head.tenantId) ?? null;
  if (guard === null) return isWhole;
  const isFirst = guarded === null || guarded.size === 0;
  if (isWhole && isFirst) {
    guard.begin(head);
    return true;
  }
  const isShort = head.size < (guarded?.size ?? 0) || head.shard < (guarded?.shard ?? 0);
  const root = isFirst || isShort ? null : await rootThere(store, hashes, head, guarded.size);
  if (isWhole && root !== null && root === guarded?.root) return true;
  const found = {size: head.size, root: toHex(head.root), rootAtGuard: root};
  guard.evidence(head.tenantId, guarded, found);
  return false;
}

/** The root at a size in hex; null where the leaves below it are not all there. */
async function rootThere(
  store: Store,
  hashes: Hashes,
  head: Head,
  size: number,
): Promise<string | null> {
  try {
    return toHex(await rootAt(store, hashes, head, size));
  } catch (cause) {
    // A database that is away says nothing of its rows, and is asked again.
    if (!(cause instanceof LeafMissing)) throw cause;
    return null;
  }
}
