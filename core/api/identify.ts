/**
 * Who holds a key: the one question that authentication asks.
 *
 * Which row a key's hash names never changes, so that is remembered; whether the row still works is
 * read on every request from what the lane acknowledged last, and a revoked key stops at once.
 */
import {LRUCache} from 'lru-cache';
import type {Id, TenantId, TenantNo} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import type {Row} from '../domain/aggregate.ts';
import type {ApiKey} from '../domain/api-key.ts';
import {headOf} from './receipt.ts';
import type {Services} from './services.ts';
import {systemActor} from '../domain/actor.ts';

export type Holder = {
  readonly tenantNo: TenantNo;
  readonly tenantId: TenantId;
  readonly key: Row<ApiKey>;
};

const rememberedKeys = 10_000;

/** Makes the function that finds the holder of a key's text; null for a text nobody holds. */
export function createIdentify(services: Services): (text: string) => Promise<Holder | null> {
  const known = new LRUCache<string, {tenantNo: TenantNo; tenantId: TenantId; keyId: Id}>({
    max: rememberedKeys,
  });

  async function find(
    text: string,
  ): Promise<{tenantNo: TenantNo; tenantId: TenantId; keyId: Id} | null> {
    const hashes = services.keys.apiKeyHashes(text);
    const name = toHex(hashes[0] ?? new Uint8Array());
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const [found] = await services.store.lookup.credential(hashes);
    if (found === undefined) return null;
    const head = await headOf(services, systemActor(found.tenantNo, '', 'auth'));
    const holder = {tenantNo: found.tenantNo, tenantId: head.tenantId, keyId: found.row.id};
    known.set(name, holder);
    return holder;
  }

  return async (text) => {
    const holder = await find(text);
    if (holder === null) return null;
    const key = await services.reads.row<ApiKey>(holder.tenantNo, 'api_key', holder.keyId);
    return key === null ? null : {tenantNo: holder.tenantNo, tenantId: holder.tenantId, key};
  };
}
