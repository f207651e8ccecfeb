/**
 * The ledger's primitives on Bun: hash-wasm for BLAKE3, Bun's own SHA-256, node:crypto for Ed25519.
 *
 * This is the hot path: sequencing a note takes five keyed hashes and some fifteen of SHA-256.
 * Measured for 65 bytes on one core of CI's machine: keyed BLAKE3 0.40 µs (noble 1.6–4.8),
 * `Bun.SHA256.hash` 0.11 µs (`crypto.hash` 0.21, `createHash` 0.40, `Bun.CryptoHasher` 0.17).
 */
import {createPublicKey, verify} from 'node:crypto';
import type {KeyObject} from 'node:crypto';
import {createBLAKE3} from 'hash-wasm';
import type {Hashes} from '../../shared/ledger/hashes.ts';

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 §4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
/** A verifier meets one key a shard; the lane one a tenant. A miss costs 20 µs. */
const keyLimitCount = 1_024;

/** Makes the primitives; the one wait is for the compiler of WASM. */
export async function createNativeHashes(): Promise<Hashes> {
  const plain = await createBLAKE3();
  // hash-wasm makes keyed hashers asynchronously, one a key, but reads the key out of the array it
  // was given at each `init`. One hasher whose array we overwrite therefore serves every key
  // without a wait. `checkKeySlot` refuses to start on a version that copies the array instead.
  const keySlot = new Uint8Array(32);
  const keyed = await createBLAKE3(256, keySlot);
  const keys = new Map<string, KeyObject>();

  // Each hasher holds state from `init` to `digest`: both stay inside one synchronous call.
  const hashes: Hashes = {
    blake3: (data) => plain.init().update(data).digest('binary'),
    blake3Keyed: (key, data) => {
      if (key.length !== 32) throw new RangeError(`a BLAKE3 key has 32 bytes, not ${key.length}`);
      keySlot.set(key);
      return keyed.init().update(data).digest('binary');
    },
    sha256: (data) => {
      const hash = new Uint8Array(32);
      Bun.SHA256.hash(data, hash);
      return hash;
    },
    ed25519Verify: (publicKey, message, signature) => {
      if (publicKey.length !== 32 || signature.length !== 64) return false;
      const key = publicKeyOf(publicKey, keys);
      return key !== null && verify(null, message, key, signature);
    },
  };
  checkKeySlot(hashes);
  return hashes;
}

function checkKeySlot(hashes: Hashes): void {
  const first = hashes.blake3Keyed(new Uint8Array(32).fill(1), keySlotProbe);
  const second = hashes.blake3Keyed(new Uint8Array(32).fill(2), keySlotProbe);
  const again = hashes.blake3Keyed(new Uint8Array(32).fill(1), keySlotProbe);
  if (Buffer.compare(first, again) !== 0 || Buffer.compare(first, second) === 0) {
    throw new Error('this version of hash-wasm does not read its key at init');
  }
}

const keySlotProbe = new Uint8Array(1);

function publicKeyOf(publicKey: Uint8Array, known: Map<string, KeyObject>): KeyObject | null {
  const name = publicKey.toHex();
  const found = known.get(name);
  if (found !== undefined) return found;
  try {
    const der = Buffer.concat([spkiPrefix, publicKey]);
    const key = createPublicKey({key: der, format: 'der', type: 'spki'});
    if (known.size >= keyLimitCount) known.clear();
    known.set(name, key);
    return key;
  } catch {
    // 32 bytes that are no point of the curve: no signature verifies under them.
    return null;
  }
}
