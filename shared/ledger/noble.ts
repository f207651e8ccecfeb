/**
 * The primitives in pure JavaScript, for browsers and workerd.
 *
 * workerd forbids compiling WASM at run time, so `hash-wasm` cannot serve there; the audited noble
 * libraries run anywhere, at about a fifth of the speed. The core uses `core/ledger/hashes.ts`;
 * a test holds both to the same vectors.
 */
import {ed25519} from '@noble/curves/ed25519.js';
import {blake3} from '@noble/hashes/blake3.js';
import {sha256} from '@noble/hashes/sha2.js';
import type {Hashes} from './hashes.ts';

/** Makes the primitives of the noble libraries. */
export function createNobleHashes(): Hashes {
  return {
    blake3: (data) => blake3(data),
    blake3Keyed: (key, data) => blake3(data, {key}),
    sha256: (data) => sha256(data),
    ed25519Verify: (publicKey, message, signature) => {
      if (publicKey.length !== 32 || signature.length !== 64) return false;
      try {
        // RFC 8032 as written: noble's default, ZIP 215, also takes encodings that node:crypto
        // refuses, and two verifiers must never disagree about one note.
        return ed25519.verify(signature, message, publicKey, {zip215: false});
      } catch {
        // noble throws for a public key that is no point of the curve; that is a bad signature.
        return false;
      }
    },
  };
}
