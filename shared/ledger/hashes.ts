/**
 * The four primitives everything in this folder is made of, passed in by whoever runs it.
 *
 * One library a runtime: `noble.ts` for browsers and workerd, which refuse to compile WASM, and
 * `core/ledger/hashes.ts` for the core and its CLI. All four are synchronous, because the lane
 * sequences a batch without an `await`, and none may keep the arrays it was given: callers hand
 * in scratch memory that the next call overwrites.
 */
export type Hashes = {
  /** BLAKE3, 32 bytes. */
  readonly blake3: (data: Uint8Array) => Uint8Array;
  /** BLAKE3 in keyed mode, a 32-byte key, 32 bytes out. */
  readonly blake3Keyed: (key: Uint8Array, data: Uint8Array) => Uint8Array;
  /** SHA-256 (FIPS 180-4), which RFC 6962 fixes for the tree. */
  readonly sha256: (data: Uint8Array) => Uint8Array;
  /** Ed25519 as RFC 8032 §5.1.7; false for anything malformed, never an exception. */
  readonly ed25519Verify: (
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ) => boolean;
};

/** Length of every hash and of every salt here. */
export const hashBytes = 32;
