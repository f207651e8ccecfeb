/**
 * The trees of a log, one a shard, and the heads they must pass through.
 *
 * A leaf's number is the shard's base and its place in the shard's tree; between two shards there
 * is a gap exactly where leaves were lost.
 */
import {toHex} from './bytes.ts';
import type {Hashes} from './hashes.ts';
import type {Heads} from './log-heads.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';
import type {Ended, Shard} from './log-shards.ts';
import {appendLeaf, frontierRoot} from './tree.ts';

/** A shard's tree as far as it was read. */
export type TreeSummary = {readonly origin: string; readonly size: number; readonly root: string};

/** The trees as far as they were read. */
export class LogTrees {
  private readonly hashes: Hashes;
  private readonly shards: readonly Shard[];
  private readonly heads: readonly Heads[];
  private readonly ended: (Ended & {readonly firstOrdinal: number})[] = [];
  private nodes: Uint8Array[] = [];
  private size = 0;
  private firstOrdinal = 0;

  constructor(hashes: Hashes, shards: readonly Shard[], heads: readonly Heads[]) {
    this.hashes = hashes;
    this.shards = shards;
    this.heads = heads;
  }

  /** The leaf that the next event has, if no shard ends before it. */
  get nextLeaf(): number {
    return this.base(this.ended.length) + this.size;
  }
  get origin(): string {
    return this.shards[this.ended.length]?.key.name ?? '';
  }
  /** Whether the next event is the first one of its shard. */
  get isEmpty(): boolean {
    return this.size === 0;
  }
  /** The shard before the open one, and the one after it. */
  get before(): Ended | null {
    return this.ended.at(-1) ?? null;
  }
  get after(): Shard | undefined {
    return this.shards[this.ended.length + 1];
  }
  get eventCount(): number {
    return this.firstOrdinal + this.size;
  }

  /** Adds a leaf, and compares the root with every head of the new size. */
  append(leaf: Uint8Array): Fault | null {
    appendLeaf(this.hashes, this.nodes, this.size, leaf);
    this.size += 1;
    const heads = this.heads[this.ended.length];
    return heads?.nextSize() === this.size ? heads.meet(this.size, this.root()) : null;
  }

  /** Ends the open shard and opens the next. */
  turn(): Fault | null {
    const shard = this.shards[this.ended.length];
    if (shard === undefined) return null;
    const fault = this.unmetFault(this.after?.baseLeaf ?? 0);
    const {firstOrdinal, size} = this;
    this.ended.push({...shard, size, root: this.root(), firstOrdinal});
    this.firstOrdinal += size;
    this.nodes = [];
    this.size = 0;
    return fault;
  }

  /** The fault of a head that the open shard did not reach; leaves below `lostEnd` may be lost. */
  unmetFault(lostEnd: number): Fault | null {
    const index = this.ended.length;
    const head = this.heads[index]
      ?.unmet()
      .find(({size, source}) => source !== 'kept' || this.base(index) + size > lostEnd);
    if (head === undefined) return null;
    const fault = invalid(this.nextLeaf, 'size', `${head.size} leaves`, `${this.size} leaves`);
    if (head.source !== 'kept') return fault;
    return {...fault, class: 'kept', exit: 30, note: head.text};
  }

  /** Leaf of the event that came as the `ordinal`-th; null for -1, which is none. */
  leafOf(ordinal: number): number | null {
    if (ordinal >= this.firstOrdinal)
      return this.base(this.ended.length) + ordinal - this.firstOrdinal;
    const shard = this.ended.findLast(({firstOrdinal}) => firstOrdinal <= ordinal);
    return shard === undefined ? null : shard.baseLeaf + ordinal - shard.firstOrdinal;
  }

  summaries(): readonly TreeSummary[] {
    const ended = this.ended.map(({key, root, size}) => ({
      origin: key.name,
      size,
      root: toHex(root),
    }));
    return [...ended, {origin: this.origin, size: this.size, root: toHex(this.root())}];
  }

  private base(index: number): number {
    return this.shards[index]?.baseLeaf ?? 0;
  }

  private root(): Uint8Array {
    return frontierRoot(this.hashes, {size: this.size, nodes: this.nodes});
  }
}
