/** Loading a tenant's head: what the database says must be consistent with itself and the guard. */
import {CellError} from '../../shared/errors.ts';
import type {TenantNo} from '../../shared/ids.ts';
import {equalBytes, toHex} from '../../shared/ledger/bytes.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {frontierRoot, unpackFrontier} from '../../shared/ledger/tree.ts';
import type {Head, Store} from '../store/store.ts';
import type {Guard} from './guard.ts';
import {remember, type Memory, type TenantLedger} from './memory.ts';
import {rootAt} from './proof.ts';

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
  const isHalted = !isWhole || !(await agrees(store, hashes, memory.guard, head));
  // Another reader may have been faster, and its entry may have moved on since.
  const faster = memory.tenants.get(tenant);
  if (faster !== undefined) return faster;
  const ledger = remember(memory, head, frontier);
  ledger.isHalted = isHalted;
  return ledger;
}

/** Whether the database holds at least what the guard has seen, with the same root there. */
async function agrees(
  store: Store,
  hashes: Hashes,
  guard: Guard | null,
  head: Head,
): Promise<boolean> {
  const guarded = guard?.known(head.tenantId) ?? null;
  if (guard === null) return true;
  if (guarded === null || guarded.size === 0) {
    guard.note(head);
    return true;
  }
  const isShort = head.size < guarded.size || head.shard < guarded.shard;
  const root = isShort ? head.root : await rootAt(store, hashes, head, guarded.size);
  if (!isShort && toHex(root) === guarded.root) return true;
  guard.evidence(head.tenantId, guarded, {size: head.size, root: toHex(root)});
  return false;
}
