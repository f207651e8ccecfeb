/**
 * Proofs over what is stored: from tiles where they exist, from the leaves' own hashes where not.
 *
 * A tile holds 256 hashes of one level; level k of tiles is level 8·k of the tree. A hash that no
 * tile holds is computed from the level below, so missing tiles cost time and nothing else.
 */
import type {TenantNo} from '../../shared/ids.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {
  consistencyNodes,
  consistencyPath,
  inclusionNodes,
  inclusionPath,
  type Node,
} from '../../shared/ledger/tree-path.ts';
import {foldRight, nodeHash, type HashAt} from '../../shared/ledger/tree.ts';
import type {Head, Query, Store} from '../store/store.ts';

const tileLevels = 8;
const tileHashes = 256;
const hashBytes = 32;

const leafHashes = {
  name: 'event_select_leaf_hashes',
  text: 'select leaf, leaf_hash from ledger.event where tenant_no = $1 and leaf >= $2 and leaf < $3 order by leaf',
};
const tile = {
  name: 'tile_select',
  text: 'select hashes from aux.tile where tenant_no = $1 and shard = $2 and level = $3 and idx = $4',
};

/** A leaf below the head is not there: somebody took rows out of the log. */
export class LeafMissing extends Error {
  override readonly name = 'LeafMissing';
}

/** Reads the hashes that a proof asks for. Sizes and indexes are of the tree, not of the ledger. */
class TreeReader {
  readonly #q: Query;
  readonly #head: Head;
  readonly #hashes: Hashes;
  readonly #tiles = new Map<string, readonly Uint8Array[] | null>();
  readonly #leaves = new Map<number, Uint8Array>();

  constructor(q: Query, head: Head, hashes: Hashes) {
    this.#q = q;
    this.#head = head;
    this.#hashes = hashes;
  }

  /** Hash of a complete subtree. */
  async node({level, index}: Node): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / tileLevels);
    const width = 2 ** (level % tileLevels);
    const hashes = await this.#range(tileLevel, index * width, (index + 1) * width);
    return perfectRoot(this.#hashes, hashes);
  }

  /** Hashes [from, to) of one level of tiles. */
  async #range(level: number, from: number, to: number): Promise<Uint8Array[]> {
    if (level === 0) return this.#leafRange(from, to);
    const out: Uint8Array[] = [];
    for (let at = from; at < to; at += 1) {
      const known = await this.#tile(level, Math.floor(at / tileHashes));
      const hash = known?.[at % tileHashes];
      out.push(
        hash ??
          perfectRoot(
            this.#hashes,
            await this.#range(level - 1, at * tileHashes, (at + 1) * tileHashes),
          ),
      );
    }
    return out;
  }

  async #tile(level: number, index: number): Promise<readonly Uint8Array[] | null> {
    const key = `${level}/${index}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) return known;
    const {tenantNo, shard} = this.#head;
    const [row] = await this.#q.rows<{hashes: Uint8Array}>(tile, [tenantNo, shard, level, index]);
    const hashes = row === undefined ? null : splitHashes(row.hashes);
    this.#tiles.set(key, hashes);
    return hashes;
  }

  async #leafRange(from: number, to: number): Promise<Uint8Array[]> {
    const out: Uint8Array[] = [];
    for (let at = from; at < to; at += 1) {
      if (!this.#leaves.has(at)) await this.#loadLeaves(at, to);
      const hash = this.#leaves.get(at);
      if (hash === undefined)
        throw new LeafMissing(`leaf ${at} of tenant ${this.#head.tenantNo} is missing`);
      out.push(hash);
    }
    return out;
  }

  async #loadLeaves(from: number, to: number): Promise<void> {
    const {tenantNo, baseLeaf} = this.#head;
    const tileStart = Math.floor(from / tileHashes) * tileHashes;
    const stored = await this.#tile(0, tileStart / tileHashes);
    if (stored !== null) {
      stored.forEach((hash, offset) => this.#leaves.set(tileStart + offset, hash));
      return;
    }
    const values = [tenantNo, baseLeaf + from, baseLeaf + Math.max(to, from + 1)];
    const rows = await this.#q.rows<{leaf: number; leaf_hash: Uint8Array}>(leafHashes, values);
    for (const row of rows) this.#leaves.set(row.leaf - baseLeaf, row.leaf_hash);
  }
}

function splitHashes(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += hashBytes) out.push(bytes.subarray(at, at + hashBytes));
  return out;
}

/** Root over a power of two of hashes. */
function perfectRoot(hashes: Hashes, nodes: readonly Uint8Array[]): Uint8Array {
  let level = nodes;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      next.push(nodeHash(hashes, level[at] ?? new Uint8Array(), level[at + 1] ?? new Uint8Array()));
    }
    level = next;
  }
  return level[0] ?? new Uint8Array();
}

const nodeKey = ({level, index}: Node): string => `${level}/${index}`;

/** Complete subtrees of a tree, greatest first. */
function peaks(size: number): Node[] {
  const out: Node[] = [];
  let from = 0;
  for (let level = 52; level >= 0; level -= 1) {
    const width = 2 ** level;
    if (from + width > size) continue;
    out.push({level, index: from / width});
    from += width;
  }
  return out;
}

async function load(reader: TreeReader, nodes: readonly Node[]): Promise<HashAt> {
  const known = new Map<string, Uint8Array>();
  for (const node of nodes)
    if (!known.has(nodeKey(node))) known.set(nodeKey(node), await reader.node(node));
  return (level, index) => {
    const hash = known.get(nodeKey({level, index}));
    if (hash === undefined) throw new Error(`hash ${level}/${index} was not loaded`);
    return hash;
  };
}

const rootOf = (hashes: Hashes, size: number, hashAt: HashAt): Uint8Array =>
  foldRight(
    hashes,
    peaks(size).map(({level, index}) => hashAt(level, index)),
  );

type Proven = {readonly path: readonly Uint8Array[]; readonly root: Uint8Array};

/** The path of a leaf in the ledger of `size` leaves, and the root there. */
export function inclusionOf(
  store: Store,
  hashes: Hashes,
  head: Head,
  leaf: number,
  size: number,
): Promise<Proven> {
  const index = leaf - head.baseLeaf;
  const treeSize = size - head.baseLeaf;
  return prove(store, hashes, head, treeSize, inclusionNodes(index, treeSize), (hashAt) =>
    inclusionPath(hashes, index, treeSize, hashAt),
  );
}

/** The proof that the ledger of `from` leaves is a prefix of that of `to`, and the root of `to`. */
export function consistencyFrom(
  store: Store,
  hashes: Hashes,
  head: Head,
  from: number,
  to: number,
): Promise<Proven> {
  const [a, b] = [from - head.baseLeaf, to - head.baseLeaf];
  return prove(store, hashes, head, b, consistencyNodes(a, b), (hashAt) =>
    consistencyPath(hashes, a, b, hashAt),
  );
}

/** Root of the ledger of `size` leaves. */
export async function rootAt(
  store: Store,
  hashes: Hashes,
  head: Head,
  size: number,
): Promise<Uint8Array> {
  if (size === head.size) return head.root;
  return (await prove(store, hashes, head, size - head.baseLeaf, [], () => [])).root;
}

function prove(
  store: Store,
  hashes: Hashes,
  head: Head,
  treeSize: number,
  nodes: readonly Node[],
  pathOf: (hashAt: HashAt) => readonly Uint8Array[],
): Promise<Proven> {
  return store.read(head.tenantNo as TenantNo, async (q) => {
    const hashAt = await load(new TreeReader(q, head, hashes), [...nodes, ...peaks(treeSize)]);
    return {path: pathOf(hashAt), root: rootOf(hashes, treeSize, hashAt)};
  });
}
