/**
 * The Merkle tree over one shard's events: RFC 6962 §2.1 with SHA-256.
 *
 * The entry of a leaf is a tag and the event hash, so a published tree holds nothing personal and
 * an entry of another format can never pass for one of this. A tree is carried as its *frontier*:
 * the roots of the complete subtrees, left to right, one for each set bit of the size. Frontier
 * and new leaf hashes give the new root and a proof of every new leaf, without reading anything.
 *
 * Sizes are exact up to 2^53, so there is no 32-bit arithmetic here.
 */
import {encodeUtf8} from './bytes.ts';
import {hashBytes} from './hashes.ts';
import type {Hashes} from './hashes.ts';
import {FormatRefusal} from './refusal.ts';

/** A tree by its size and the roots of its complete subtrees, greatest first. */
export type Frontier = {readonly size: number; readonly nodes: readonly Uint8Array[]};

/** What an append gives: the next frontier and root, and a proof for every leaf appended. */
export type Growth = {
  readonly frontier: Frontier;
  readonly root: Uint8Array;
  /** Inclusion path, at the new size, of the `offset`-th of the leaves just appended. */
  readonly path: (offset: number) => readonly Uint8Array[];
};

/** Hash of the complete subtree `index` of `2^level` leaves. */
export type HashAt = (level: number, index: number) => Uint8Array;

const tag = encodeUtf8('cellstate.dev/leaf@1\n');
// Scratch memory, overwritten by the next hash: `Hashes` promises to keep nothing it is given.
const leafInput = new Uint8Array(1 + tag.length + hashBytes);
leafInput.set(tag, 1);
const nodeInput = new Uint8Array(1 + 2 * hashBytes);
nodeInput[0] = 1;

/** The bytes that are a leaf of the tree: tag and event hash. */
export function entryOf(eventHash: Uint8Array): Uint8Array {
  leafHashInput(eventHash);
  return leafInput.slice(1);
}

/** Hash of the leaf of an event. */
export function leafHash(hashes: Hashes, eventHash: Uint8Array): Uint8Array {
  return hashes.sha256(leafHashInput(eventHash));
}

function leafHashInput(eventHash: Uint8Array): Uint8Array {
  if (eventHash.length !== hashBytes) {
    throw new FormatRefusal('tree', `an event hash of ${eventHash.length} bytes`);
  }
  leafInput.set(eventHash, 1 + tag.length);
  return leafInput;
}

/** Hash of the node over two subtrees. */
export function nodeHash(hashes: Hashes, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return hashes.sha256(nodeInput);
}

/** Root of the tree without leaves. */
export function emptyRoot(hashes: Hashes): Uint8Array {
  return hashes.sha256(new Uint8Array(0));
}

/** The frontier of the tree without leaves. */
export const emptyFrontier: Frontier = {size: 0, nodes: []};

/** Root of a tree from its frontier; a frontier read back must give the root beside it. */
export function frontierRoot(hashes: Hashes, {nodes}: Frontier): Uint8Array {
  return nodes.length === 0 ? emptyRoot(hashes) : foldRight(hashes, nodes);
}

/** Hash over subtrees that stand side by side, greatest first. */
export function foldRight(hashes: Hashes, nodes: readonly Uint8Array[]): Uint8Array {
  let root = nodes[nodes.length - 1] ?? emptyRoot(hashes);
  for (let i = nodes.length - 2; i >= 0; i -= 1) root = nodeHash(hashes, nodes[i] ?? root, root);
  return root;
}

/** The frontier as one byte string, as `ledger.head` keeps it. */
export function packFrontier({nodes}: Frontier): Uint8Array {
  const packed = new Uint8Array(nodes.length * hashBytes);
  nodes.forEach((node, i) => packed.set(node, i * hashBytes));
  return packed;
}

/** The frontier of a tree of `size` leaves from its byte string. */
export function unpackFrontier(size: number, packed: Uint8Array): Frontier {
  if (packed.length !== hashBytes * bitCount(size)) {
    throw new FormatRefusal('tree', `a frontier of ${packed.length} bytes at size ${size}`);
  }
  const nodes: Uint8Array[] = [];
  for (let at = 0; at < packed.length; at += hashBytes)
    nodes.push(packed.slice(at, at + hashBytes));
  return {size, nodes};
}

/** Number of set bits of a size. */
export function bitCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Number of bits of a size: the level of the least complete tree that holds it. */
export function bitLength(size: number): number {
  if (size < 0x1_0000_0000) return 32 - Math.clz32(size);
  return 64 - Math.clz32(Math.floor(size / 0x1_0000_0000));
}

/** Adds one leaf: the form for readers of a whole log, who want the root at few sizes only. */
export function appendLeaf(
  hashes: Hashes,
  nodes: Uint8Array[],
  size: number,
  leaf: Uint8Array,
): void {
  let node = leaf;
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
    node = nodeHash(hashes, nodes.pop() ?? node, node);
  }
  nodes.push(node);
}
