/**
 * Signs notes in tests; the product signs in `core/ledger/keys.ts`, the shared code never.
 */
import {ed25519} from '@noble/curves/ed25519.js';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {verifierKey} from '../../shared/ledger/note.ts';
import type {Signer, VerifierKey} from '../../shared/ledger/note.ts';

/** A signer and its verifier key, from a seed. */
export function signerOf(
  hashes: Hashes,
  name: string,
  seed: Uint8Array,
): {readonly signer: Signer; readonly key: VerifierKey} {
  const key = verifierKey(hashes, name, ed25519.getPublicKey(seed));
  const signer = {name, keyId: key.keyId, sign: (m: Uint8Array) => ed25519.sign(m, seed)};
  return {signer, key};
}
