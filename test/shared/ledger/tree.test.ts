import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {concat, toHex, u32be} from '../../../shared/ledger/bytes.ts';
import {growTree} from '../../../shared/ledger/tree-growth.ts';
import {
  consistencyNodes,
  consistencyPath,
  inclusionNodes,
  inclusionPath,
} from '../../../shared/ledger/tree-path.ts';
import {verifyConsistency, verifyInclusion} from '../../../shared/ledger/tree-verify.ts';
import {
  appendLeaf,
  bitCount,
  bitLength,
  emptyFrontier,
  emptyRoot,
  entryOf,
  frontierRoot,
  leafHash,
  packFrontier,
  unpackFrontier,
} from '../../../shared/ledger/tree.ts';
import type {Frontier} from '../../../shared/ledger/tree.ts';

const hashes = await createNativeHashes();
const leaves = Array.from({length: 65_537}, (_, i) => leafHash(hashes, hashes.sha256(u32be(i))));

/** MTH of RFC 6962 §2.1, as it is written there, with a memory. */
const memory = new Map<string, Uint8Array>();
function defined(from: number, to: number): Uint8Array {
  if (from === to) return hashes.sha256(new Uint8Array(0));
  if (to - from === 1) return leaves[from] ?? new Uint8Array(0);
  const known = memory.get(`${from}:${to}`);
  if (known !== undefined) return known;
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  const node = concat(Uint8Array.of(1), defined(from, from + k), defined(from + k, to));
  const hash = hashes.sha256(node);
  memory.set(`${from}:${to}`, hash);
  return hash;
}

/** PATH and SUBPROOF of RFC 6962 §2.1.1 and §2.1.2, as they are written there. */
function definedPath(m: number, from: number, to: number): Uint8Array[] {
  if (to - from === 1) return [];
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  return m < k
    ? [...definedPath(m, from, from + k), defined(from + k, to)]
    : [...definedPath(m - k, from + k, to), defined(from, from + k)];
}
function definedProof(m: number, from: number, to: number, isWhole: boolean): Uint8Array[] {
  if (m === to - from) return isWhole ? [] : [defined(from, to)];
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  return m <= k
    ? [...definedProof(m, from, from + k, isWhole), defined(from + k, to)]
    : [...definedProof(m - k, from + k, to, false), defined(from, from + k)];
}

const hashAt = (level: number, index: number): Uint8Array =>
  defined(index * 2 ** level, (index + 1) * 2 ** level);
const hex = (path: readonly Uint8Array[]): readonly string[] => path.map(toHex);
const edges = [255, 256, 257, 65_535, 65_536, 65_537];

describe('the tree against its recursive definition', () => {
  test('root of every size up to 130, and at the edges of tiles', () => {
    const nodes: Uint8Array[] = [];
    for (let size = 0; size <= 65_537; size += 1) {
      if (size <= 130 || edges.includes(size)) {
        expect(toHex(frontierRoot(hashes, {size, nodes}))).toBe(toHex(defined(0, size)));
        expect(nodes).toHaveLength(bitCount(size));
      }
      appendLeaf(hashes, nodes, size, leaves[size] ?? new Uint8Array(0));
    }
  });

  test('inclusion of every leaf of every size up to 130', () => {
    for (let size = 1; size <= 130; size += 1) {
      const root = defined(0, size);
      for (let index = 0; index < size; index += 1) {
        const path = inclusionPath(hashes, index, size, hashAt);
        expect(hex(path)).toEqual(hex(definedPath(index, 0, size)));
        const leaf = leaves[index] ?? root;
        expect(verifyInclusion(hashes, {index, size, leaf, path, root})).toBe(true);
      }
    }
  });

  test('consistency of every two sizes up to 130', () => {
    for (let to = 0; to <= 130; to += 1) {
      for (let from = 0; from <= to; from += 1) {
        const path = consistencyPath(hashes, from, to, hashAt);
        if (from > 0) expect(hex(path)).toEqual(hex(definedProof(from, 0, to, true)));
        const claim = {from, to, fromRoot: defined(0, from), toRoot: defined(0, to), path};
        expect(verifyConsistency(hashes, claim)).toBe(true);
      }
    }
  });

  test.each(edges)('inclusion and consistency at the tile edge %d', (size) => {
    const root = defined(0, size);
    for (const index of [0, 1, 254, 255, 256, size - 2, size - 1].filter((i) => i < size)) {
      const path = inclusionPath(hashes, index, size, hashAt);
      expect(hex(path)).toEqual(hex(definedPath(index, 0, size)));
      const leaf = leaves[index] ?? root;
      expect(verifyInclusion(hashes, {index, size, leaf, path, root})).toBe(true);
    }
    for (const from of [1, 2, 255, 256, 257, size - 1, size].filter((n) => n <= size)) {
      const path = consistencyPath(hashes, from, size, hashAt);
      expect(hex(path)).toEqual(hex(definedProof(from, 0, size, true)));
      const claim = {from, to: size, fromRoot: defined(0, from), toRoot: root, path};
      expect(verifyConsistency(hashes, claim)).toBe(true);
    }
  });
});

describe('a batch', () => {
  test('grows any frontier to the same tree, and proves each of its leaves', () => {
    for (const from of [0, 1, 2, 3, 5, 7, 8, 63, 64, 100, 254, 255, 256, 257]) {
      const old = frontierAt(from);
      for (const count of [0, 1, 2, 3, 7, 8, 9, 256]) {
        const grown = growTree(hashes, old, leaves.slice(from, from + count));
        const size = from + count;
        expect(toHex(grown.root)).toBe(toHex(defined(0, size)));
        expect(hex(grown.frontier.nodes)).toEqual(hex(frontierAt(size).nodes));
        for (let offset = 0; offset < count; offset += 1) {
          expect(hex(grown.path(offset))).toEqual(hex(definedPath(from + offset, 0, size)));
        }
      }
    }
  });

  test('of any sizes, one after another, gives the tree of all leaves', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({max: 300}), {maxLength: 8}), (counts) => {
        let frontier: Frontier = emptyFrontier;
        for (const count of counts) {
          const batch = leaves.slice(frontier.size, frontier.size + count);
          frontier = growTree(hashes, frontier, batch).frontier;
        }
        expect(toHex(frontierRoot(hashes, frontier))).toBe(toHex(defined(0, frontier.size)));
      }),
      {numRuns: 50},
    );
  });

  test('a leaf that was not appended has no path', () => {
    const grown = growTree(hashes, emptyFrontier, leaves.slice(0, 2));
    expect(() => grown.path(2)).toThrow(RangeError);
    expect(() => grown.path(-1)).toThrow(RangeError);
  });
});

describe('a proof that is not the right one is refused', () => {
  test('of inclusion: another leaf, index, size, root, or a path cut, lengthened or altered', () => {
    const size = 100;
    const root = defined(0, size);
    for (let index = 0; index < size; index += 1) {
      const path = definedPath(index, 0, size);
      const leaf = leaves[index] ?? root;
      const good = {index, size, leaf, path, root};
      const claims = [
        {...good, leaf: leaves[index + 1] ?? root},
        {...good, index: index + 1},
        {...good, index: size},
        {...good, index: -1},
        {...good, index: index + 0.5},
        {...good, size: 0},
        {...good, size: 2 ** 53},
        {...good, root: leaf},
        {...good, leaf: root, path: []},
        {...good, path: path.slice(1)},
        {...good, path: path.slice(0, -1)},
        {...good, path: [...path, root]},
        {...good, path: path.map((hash, i) => (i === index % path.length ? leaf : hash))},
        {...good, path: path.map((hash) => hash.slice(1))},
      ];
      expect(claims.map((claim) => verifyInclusion(hashes, claim))).toEqual(
        claims.map(() => false),
      );
    }
  });

  test('of consistency: other roots or sizes, or a path cut, lengthened or altered', () => {
    const [to, toRoot] = [100, defined(0, 100)];
    for (let from = 1; from < to; from += 1) {
      const path = definedProof(from, 0, to, true);
      const good = {from, to, fromRoot: defined(0, from), toRoot, path};
      const claims = [
        {...good, fromRoot: defined(0, from + 1)},
        {...good, from: 1, fromRoot: toRoot, path: []},
        {...good, toRoot: defined(0, 99)},
        {...good, from: to},
        {...good, from: -1},
        {...good, path: path.slice(1)},
        {...good, path: path.slice(0, -1)},
        {...good, path: [...path, toRoot]},
        {...good, path: []},
      ];
      expect(claims.map((claim) => verifyConsistency(hashes, claim))).toEqual(
        claims.map(() => false),
      );
    }
  });

  test('paths of trees that cannot be asked for are a RangeError', () => {
    expect(() => inclusionPath(hashes, 5, 5, hashAt)).toThrow(RangeError);
    expect(() => inclusionPath(hashes, 0, 2 ** 53, hashAt)).toThrow(RangeError);
    expect(() => consistencyPath(hashes, 6, 5, hashAt)).toThrow(RangeError);
  });
});

test('the nodes a path will ask for are those it asks for', () => {
  fc.assert(
    fc.property(fc.nat({max: 2 ** 40}), fc.integer({min: 1, max: 2 ** 40}), (at, size) => {
      const asked: string[] = [];
      const record = (level: number, index: number): Uint8Array => {
        asked.push(`${level}/${index}`);
        return emptyRoot(hashes);
      };
      const index = at % size;
      inclusionPath(hashes, index, size, record);
      consistencyPath(hashes, index, size, record);
      const nodes = [...inclusionNodes(index, size), ...consistencyNodes(index, size)];
      expect(nodes.map((node) => `${node.level}/${node.index}`)).toEqual(asked);
    }),
  );
});

test('a frontier survives its byte string, and one of another size is refused', () => {
  for (const size of [0, 1, 2, 3, 255, 256, 257]) {
    const frontier = frontierAt(size);
    expect(unpackFrontier(size, packFrontier(frontier))).toEqual(frontier);
  }
});

test('a frontier that has not one node a bit of its size is refused', () => {
  expect(() => unpackFrontier(3, packFrontier(frontierAt(4)))).toThrow('a frontier of 32 bytes');
});

test('sizes beyond 32 bits keep their bits', () => {
  expect([0, 1, 2, 3, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1].map(bitLength)).toEqual([
    0, 1, 2, 2, 32, 33, 53,
  ]);
  expect([0, 7, 2 ** 40 + 1, 2 ** 53 - 1].map(bitCount)).toEqual([0, 3, 2, 53]);
});

test('an entry is the tag and the event hash, 53 bytes', () => {
  const entry = entryOf(new Uint8Array(32).fill(7));
  expect(entry).toHaveLength(53);
  expect(Buffer.from(entry).toString('latin1', 0, 21)).toBe('cellstate.dev/leaf@1\n');
  expect(() => leafHash(hashes, new Uint8Array(31))).toThrow('31 bytes');
});

function frontierAt(size: number): Frontier {
  const nodes: Uint8Array[] = [];
  for (let at = 0; at < size;) {
    const length = 2 ** (bitLength(size - at) - 1);
    nodes.push(defined(at, at + length));
    at += length;
  }
  return {size, nodes};
}
