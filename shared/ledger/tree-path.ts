/**
 * Inclusion and consistency proofs of any size of a tree: RFC 6962 §2.1.1 and §2.1.2.
 *
 * `hashAt(level, index)` is the hash of a complete subtree, from a tile, a row or memory. It is
 * synchronous; a caller that must read first asks `inclusionNodes` or `consistencyNodes` which
 * subtrees it will be asked for.
 */
import type {Hashes} from './hashes.ts';
import {bitLength, foldRight} from './tree.ts';
import type {HashAt} from './tree.ts';

/** A complete subtree: `2^level` leaves from leaf `index · 2^level` on. */
export type Node = {readonly level: number; readonly index: number};

/** The path that proves leaf `index` in the tree of `size` leaves, from its sibling upwards. */
export function inclusionPath(
  hashes: Hashes,
  index: number,
  size: number,
  hashAt: HashAt,
): readonly Uint8Array[] {
  return inclusionPathBy(hashes, index, size, hashAt, new Map());
}

/** The same with a memory of the subtrees along the right edge, by their first leaf. */
export function inclusionPathBy(
  hashes: Hashes,
  index: number,
  size: number,
  hashAt: HashAt,
  edges: Map<number, Uint8Array>,
): readonly Uint8Array[] {
  return inclusionRanges(index, size).map(([from, to]) => {
    if (to < size) return rangeHash(hashes, from, to, hashAt);
    const known = edges.get(from) ?? rangeHash(hashes, from, to, hashAt);
    edges.set(from, known);
    return known;
  });
}

/** The proof that the tree of `from` leaves is a prefix of that of `to` leaves. */
export function consistencyPath(
  hashes: Hashes,
  from: number,
  to: number,
  hashAt: HashAt,
): readonly Uint8Array[] {
  return consistencyRanges(from, to).map(([a, b]) => rangeHash(hashes, a, b, hashAt));
}

/** Every subtree that `inclusionPath` asks for. */
export function inclusionNodes(index: number, size: number): readonly Node[] {
  return inclusionRanges(index, size).flatMap(([from, to]) => nodesOf(from, to));
}

/** Every subtree that `consistencyPath` asks for. */
export function consistencyNodes(from: number, to: number): readonly Node[] {
  return consistencyRanges(from, to).flatMap(([a, b]) => nodesOf(a, b));
}

type Range = readonly [from: number, to: number];

/** The leaves under each hash of an inclusion path, from the leaf's sibling upwards. */
function inclusionRanges(index: number, size: number): readonly Range[] {
  if (!isSize(size) || !isSize(index) || index >= size) {
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  }
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  return ranges.reverse();
}

/** The leaves under each hash of a consistency proof, lowest first: SUBPROOF of RFC 6962. */
function consistencyRanges(size: number, newSize: number): readonly Range[] {
  if (!isSize(size) || !isSize(newSize) || size > newSize) {
    throw new RangeError(`no tree of ${size} leaves is a prefix of one of ${newSize}`);
  }
  // Nothing to prove about the empty tree, nor about a tree and itself (RFC 9162 §2.1.4).
  if (size === 0 || size === newSize) return [];
  const ranges: Range[] = [];
  let [from, to] = [0, newSize];
  while (to > size) {
    const middle = from + split(to - from);
    if (size <= middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  // The old root itself is known to the reader; a subtree inside it is not.
  if (from > 0) ranges.push([from, to]);
  return ranges.reverse();
}

/** Hash over the leaves `from` to `to`, which begin at a multiple of a subtree that holds them. */
function rangeHash(hashes: Hashes, from: number, to: number, hashAt: HashAt): Uint8Array {
  return foldRight(
    hashes,
    nodesOf(from, to).map(({level, index}) => hashAt(level, index)),
  );
}

/** The complete subtrees over the leaves `from` to `to`, greatest first. */
function nodesOf(from: number, to: number): readonly Node[] {
  const nodes: Node[] = [];
  for (let at = from; at < to;) {
    const level = bitLength(to - at) - 1;
    nodes.push({level, index: at / 2 ** level});
    at += 2 ** level;
  }
  return nodes;
}

/** The greatest power of two below a size. */
function split(size: number): number {
  return 2 ** (bitLength(size - 1) - 1);
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}
