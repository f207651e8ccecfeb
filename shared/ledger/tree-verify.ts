/**
 * Checking proofs: RFC 9162 §2.1.3.2 and §2.1.4.2, on exact numbers up to 2^53.
 *
 * Answers are booleans and the loops end with the proof, whatever a stranger puts into it.
 */
import {equalBytes} from './bytes.ts';
import {hashBytes} from './hashes.ts';
import type {Hashes} from './hashes.ts';
import {nodeHash} from './tree.ts';

/** A claim that a leaf is in a tree. */
export type InclusionClaim = {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
};

/** A claim that one tree is a prefix of another. */
export type ConsistencyClaim = {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly path: readonly Uint8Array[];
};

/** Whether the path leads from the leaf to the root. */
export function verifyInclusion(hashes: Hashes, claim: InclusionClaim): boolean {
  const {index, size, leaf, path, root} = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size)) return false;
  if (index < 0 || index >= size || !areHashes([leaf, root, ...path])) return false;
  let hash = leaf;
  let at = index;
  let last = size - 1;
  for (const step of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(hashes, step, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hashes, hash, step);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(hash, root);
}

/** Whether the path shows the first tree as a prefix of the second. */
export function verifyConsistency(hashes: Hashes, claim: ConsistencyClaim): boolean {
  const {from, to, fromRoot, toRoot, path} = claim;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return false;
  if (from < 0 || from > to || !areHashes([fromRoot, toRoot, ...path])) return false;
  if (from === to) return path.length === 0 && equalBytes(fromRoot, toRoot);
  // Every tree begins with the empty one; what its root is, the caller's checkpoint says.
  if (from === 0) return path.length === 0;
  let at = from - 1;
  let last = to - 1;
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  // Where the old tree is complete its root is the first node, and the proof leaves it out.
  const steps = at === 0 ? [fromRoot, ...path] : path;
  const [first, ...rest] = steps;
  if (first === undefined) return false;
  let [old, next] = [first, first];
  for (const step of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      old = nodeHash(hashes, step, old);
      next = nodeHash(hashes, step, next);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      next = nodeHash(hashes, next, step);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(old, fromRoot) && equalBytes(next, toRoot);
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === hashBytes);
}
