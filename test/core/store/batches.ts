/**
 * Batches that PostgreSQL accepts, without the pipeline that makes them.
 *
 * The texts are not those of real events, the hash of each leaf is that of its event hash, and roots
 * are random: the database compares them and cannot tell.
 */
import {createHash, randomBytes} from 'node:crypto';
import {newId, type Id, type TenantId, type TenantNo} from '../../../shared/ids.ts';
import type {Batch, Head, HeadMove, NewTenant, Store} from '../../../core/store/store.ts';

export const tenantChain = '00000000-0000-0000-0000-000000000000';

export const nowMicros = (): number => Date.now() * 1000;

export const anId = (): Id => newId(nowMicros(), randomBytes(10));

export const hex = (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString('hex')}`;

export function aTenant(): NewTenant {
  const tenantId: TenantId = newId<'tenant'>(nowMicros(), randomBytes(10));
  const origin = `test/logs/${tenantId}`;
  return {tenantId, salt: randomBytes(32), origin, vkey: `${origin}+00000000+key`};
}

/** Opens a tenant and answers its head. */
export async function newHead(store: Store): Promise<Head> {
  return headOf(store, await store.openTenant(aTenant()));
}

export async function headOf(store: Store, tenant: TenantNo): Promise<Head> {
  const head = await store.head(tenant);
  if (head === null) throw new Error(`tenant ${tenant} has no head`);
  return head;
}

export type SqlRow = Record<string, unknown>;

/** An event of the tenant's chain at the next leaf, as `ledger.put_event` takes it. */
export function anEvent(head: Head, offset = 0, members: SqlRow = {}): SqlRow {
  const eventHash = randomBytes(32);
  const leaf = head.size + offset;
  return {
    tenant_no: head.tenantNo,
    leaf,
    event_id: anId(),
    kind: 0x2003,
    traj_id: tenantChain,
    traj_seq: leaf,
    depth: 0,
    track: 0,
    event_hash: hex(eventHash),
    leaf_hash: leafHash(eventHash),
    header: JSON.stringify({at: nowMicros(), kind: '2003'}),
    facts: JSON.stringify({ends: []}),
    ...members,
  };
}

export const leafHash = (eventHash: Uint8Array): string => {
  const entry = Buffer.concat([Buffer.from('\0cellstate.dev/leaf@1\n'), eventHash]);
  return hex(createHash('sha256').update(entry).digest());
};

export const aPayload = (event: SqlRow, members: SqlRow = {}): SqlRow => ({
  tenant_no: event['tenant_no'],
  leaf: event['leaf'],
  data_salt: hex(randomBytes(32)),
  data: '{}',
  ...members,
});

/** The move of a head over some events. */
export function aMove(head: Head, eventCount = 1): HeadMove {
  const size = head.size + eventCount;
  const subtreeCount = (size - head.baseLeaf).toString(2).replaceAll('0', '').length;
  return {
    tenantNo: head.tenantNo,
    baseSize: head.size,
    baseRoot: head.root,
    size,
    root: randomBytes(32),
    frontier: randomBytes(32 * subtreeCount),
  };
}

/** A batch of one tenant: its events with their payloads, and further rows. */
export function aBatch(
  head: Head,
  events: readonly SqlRow[] = [anEvent(head)],
  rows: Readonly<Record<string, readonly SqlRow[]>> = {},
): Batch {
  const payload = events.map((event) => aPayload(event));
  return {
    lane: 0,
    nowMicros: nowMicros(),
    heads: [aMove(head, events.length)],
    rows: {event: events, payload, ...rows},
  };
}

/** Commits events on a tenant's newest head; answers the head after them. */
export async function commitTo(
  store: Store,
  tenant: TenantNo,
  rows: Readonly<Record<string, readonly SqlRow[]>> = {},
  members: SqlRow = {},
): Promise<Head> {
  const head = await headOf(store, tenant);
  const outcome = await store.commit(aBatch(head, [anEvent(head, 0, members)], rows));
  if (outcome.is !== 'committed')
    throw new Error(`the batch is ${outcome.is}`, {cause: outcome.cause});
  return headOf(store, tenant);
}
