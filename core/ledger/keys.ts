/**
 * The keys made of `CELLSTATE_MASTER_KEY`: one signing key a tenant and shard, the stored form of
 * API keys, the idempotency hashes.
 *
 * Nothing here is stored but public keys. Several masters may be listed: what was made under an older
 * one goes on working, what is new uses the first.
 */
import {createPrivateKey, createPublicKey, sign, type KeyObject} from 'node:crypto';
import type {Hex, TenantId} from '../../shared/ids.ts';
import {concat, encodeUtf8, toHex, u16be, u32be} from '../../shared/ledger/bytes.ts';
import {dk} from '../../shared/ledger/contexts.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {shardOrigin, shardSeed} from '../../shared/ledger/keys.ts';
import {renderVkey, verifierKey, type Signer} from '../../shared/ledger/note.ts';

/** PKCS #8 of an Ed25519 seed (RFC 8410 §7): a fixed prefix and the seed. */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

export type ShardKey = {readonly origin: string; readonly vkey: string; readonly signer: Signer};

export type Keys = {
  /** The key of a shard, by the first master; `vkey` picks the one that yields it. */
  shard(tenantId: TenantId, shard: number, vkey: string | null): ShardKey | null;
  /** Stored forms of an API key's text, one for each master, newest first. */
  apiKeyHashes(text: string): readonly Uint8Array[];
};

function keyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.from(concat(pkcs8Prefix, seed));
  return createPrivateKey({key: der, format: 'der', type: 'pkcs8'});
}

/** Makes the keys of the listed masters; the first makes what is new. `host` begins every origin. */
export function createKeys(hashes: Hashes, masters: readonly Uint8Array[], host: string): Keys {
  const made = new Map<string, ShardKey>();
  const shardKey = (
    master: Uint8Array,
    index: number,
    tenantId: TenantId,
    shard: number,
    origin: string,
  ): ShardKey => {
    const name = `${index}/${tenantId}/${shard}/${origin}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    const key = keyOf(shardSeed(hashes, master, tenantId, shard));
    const raw = createPublicKey(key).export({format: 'der', type: 'spki'}).subarray(-32);
    const verifier = verifierKey(hashes, origin, new Uint8Array(raw));
    const signer = {
      name: origin,
      keyId: verifier.keyId,
      sign: (message: Uint8Array) => new Uint8Array(sign(null, message, key)),
    };
    const out = {origin, vkey: renderVkey(verifier), signer};
    made.set(name, out);
    return out;
  };
  return {
    shard(tenantId, shard, vkey) {
      // An origin is fixed when its shard opens, also when the host is configured anew afterwards.
      const origin =
        vkey === null ? shardOrigin(host, tenantId, shard) : vkey.slice(0, vkey.indexOf('+'));
      const keys = masters.map((master, index) => shardKey(master, index, tenantId, shard, origin));
      return (vkey === null ? keys[0] : keys.find((key) => key.vkey === vkey)) ?? null;
    },
    apiKeyHashes: (text) =>
      masters.map((master) => dk(hashes, 'api key', master, encodeUtf8(text))),
  };
}

/** Hash by which a repeated idempotency key is known (`03-pipeline` §8). `index`: place in a batch. */
export function idempotencyHash(
  hashes: Hashes,
  salt: Uint8Array,
  principal: string,
  index: number,
  key: string,
): Hex {
  const by = encodeUtf8(principal);
  return toHex(
    dk(hashes, 'idempotency key', salt, u16be(by.length), by, u32be(index), encodeUtf8(key)),
  );
}

/** Hash that tells a repeated request from a reused key. `digest` is SHA-256 of the request. */
export function requestHash(
  hashes: Hashes,
  salt: Uint8Array,
  key: string,
  digest: Uint8Array,
): Hex {
  const text = encodeUtf8(key);
  return toHex(dk(hashes, 'request', salt, u16be(text.length), text, digest));
}

/** Hash by which an equal item is known; `canonical` is its whole normalised body. */
export function identityHash(hashes: Hashes, salt: Uint8Array, canonical: string): Hex {
  return toHex(dk(hashes, 'identity', salt, encodeUtf8(canonical)));
}
