/**
 * Seeds of the log keys. Nothing here signs, and no seed is kept.
 *
 * Every key of a server is made of one master (`CELLSTATE_MASTER_KEY`), so a backup of 32 bytes
 * restores them all, and a shard's key can be made again on any machine.
 */
import {u32be} from './bytes.ts';
import {dk} from './contexts.ts';
import type {Hashes} from './hashes.ts';
import {uuidBytes} from './ids.ts';

/** Ed25519 seed (RFC 8032 §5.1.5) of one shard of one tenant. */
export function shardSeed(
  hashes: Hashes,
  master: Uint8Array,
  tenantId: string,
  shard: number,
): Uint8Array {
  if (master.length !== 32) throw new RangeError(`a master key has 32 bytes, not ${master.length}`);
  if (shard < 1) throw new RangeError(`shards count from 1, not ${shard}`);
  return dk(hashes, 'log key', master, uuidBytes(tenantId), u32be(shard));
}

/** Origin of a shard: name of its log and of its key. Shard 1 has no number in it. */
export function shardOrigin(logHost: string, tenantId: string, shard: number): string {
  const first = `${logHost}/logs/${tenantId}`;
  return shard === 1 ? first : `${first}/${shard}`;
}
