/**
 * Appending a batch to a tree.
 *
 * The lane proves every event of a batch at the batch's own size without any read: a subtree that
 * is the left neighbour of a new leaf is complete and greatest, hence in the old frontier; every
 * other node of a path lies over new leaves.
 */
import type {Hashes} from './hashes.ts';
import {inclusionPathBy} from './tree-path.ts';
import {frontierRoot, nodeHash} from './tree.ts';
import type {Frontier, Growth} from './tree.ts';
import {FormatRefusal} from './refusal.ts';

/** Appends leaf hashes; 256 of them cost about 300 node hashes, a path none that is not shared. */
export function growTree(hashes: Hashes, old: Frontier, leaves: readonly Uint8Array[]): Growth {
  const size = old.size + leaves.length;
  const levels = buildLevels(hashes, old, leaves);
  const hashAt = (level: number, index: number): Uint8Array => {
    const row = levels[level];
    const hash = row?.nodes[index - row.first];
    if (hash === undefined) throw new RangeError(`no node ${level}/${index} at size ${size}`);
    return hash;
  };
  const frontier = {size, nodes: frontierOf(size, hashAt)};
  // Paths share the subtrees along the right edge; each is folded once.
  const edges = new Map<number, Uint8Array>();
  return {
    frontier,
    root: frontierRoot(hashes, frontier),
    path: (offset) => {
      if (!Number.isInteger(offset) || offset < 0 || offset >= leaves.length) {
        throw new RangeError(`leaf ${offset} of ${leaves.length} appended`);
      }
      return inclusionPathBy(hashes, old.size + offset, size, hashAt, edges);
    },
  };
}

type Row = {readonly first: number; readonly nodes: readonly Uint8Array[]};

/** Complete subtrees of each level that hold a new leaf, with the old one to their left. */
function buildLevels(hashes: Hashes, old: Frontier, leaves: readonly Uint8Array[]): readonly Row[] {
  const levels: Row[] = [];
  let first = old.size;
  let nodes = leaves;
  let used = old.nodes.length;
  for (;;) {
    if (first % 2 === 1) {
      used -= 1;
      const left = old.nodes[used];
      if (left === undefined) throw new FormatRefusal('tree', 'the frontier is not of its size');
      nodes = [left, ...nodes];
      first -= 1;
    }
    levels.push({first, nodes});
    if (first === 0 && nodes.length < 2) return levels;
    nodes = pairs(hashes, nodes);
    first /= 2;
  }
}

function pairs(hashes: Hashes, nodes: readonly Uint8Array[]): readonly Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i + 1 < nodes.length; i += 2) {
    const [left, right] = [nodes[i], nodes[i + 1]];
    if (left !== undefined && right !== undefined) parents.push(nodeHash(hashes, left, right));
  }
  return parents;
}

/** The complete subtrees of a tree, greatest first. */
function frontierOf(
  size: number,
  hashAt: (level: number, index: number) => Uint8Array,
): Uint8Array[] {
  const nodes: Uint8Array[] = [];
  for (let level = 0, rest = size; rest > 0; level += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) nodes.push(hashAt(level, rest - 1));
  }
  return nodes.reverse();
}
