/**
 * The event DAG of a log: chains per trajectory, places in the tree of trajectories, parents.
 *
 * Events come in leaf order, so "earlier" is "already seen" and a cycle cannot be told.
 */
import {fromHex, toHex} from './bytes.ts';
import {placeOf} from './header.ts';
import type {Header} from './header.ts';
import {createHashMemory} from './log-hashes.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';

type Chain = {
  readonly number: number;
  readonly depth: number;
  readonly track: number;
  sequence: number;
  /** Hash of the chain's newest event, in hex. */
  head: string;
};

/** The DAG as far as it was read. */
export type Chains = {
  /** Checks an event's place and chain and parents, and takes it in. */
  readonly add: (leaf: number, header: Header, hash: Uint8Array) => Fault | null;
  /** Ordinals of the parents of the event last added, -1 for those of another log. */
  readonly parentOrdinals: () => readonly number[];
};

/** Begins with no event. */
export function createChains(): Chains {
  const chains = new Map<string, Chain>();
  const byNumber: Chain[] = [];
  const memory = createHashMemory();
  let parentOrdinals: readonly number[] = [];

  const begin = (leaf: number, header: Header): Chain | Fault => {
    const [depth, track] = placeOf(header);
    const place = `${depth}:${track}`;
    // The tenant's own chain and every root trajectory are on track 0 at depth 0.
    if ((header.traj === null || depth === 0) && place !== '0:0') {
      return invalid(leaf, 'chain', 'place 0:0', `place ${place}`);
    }
    for (const [i, parent] of header.parents.entries()) {
      const ordinal = parentOrdinals[i] ?? -1;
      const from = ordinal === -1 ? undefined : byNumber[memory.chainOf(ordinal)];
      if (from === undefined || header.traj === null) continue;
      const isFork = parent.r === 'fork';
      if (!isFork && parent.r !== 'delegates') continue;
      const isPlaced =
        depth === from.depth + 1 && (isFork ? track > from.track : track === from.track);
      if (isPlaced) continue;
      const expected = `depth ${from.depth + 1}, track ${isFork ? 'above' : 'of'} ${from.track}`;
      return invalid(leaf, 'chain', expected, `place ${place}`);
    }
    return {number: byNumber.length, depth, track, sequence: -1, head: ''};
  };
  const checkPlace = (leaf: number, header: Header, chain: Chain): Fault | null => {
    const expected = `${chain.depth}:${chain.track}:${chain.sequence + 1}`;
    if (header.dag !== expected) return invalid(leaf, 'chain', expected, header.dag);
    const head = chain.sequence === -1 ? null : chain.head;
    return header.prev === head
      ? null
      : invalid(leaf, 'chain', `prev ${head}`, `prev ${header.prev}`);
  };

  return {
    add: (leaf, header, hash) => {
      parentOrdinals = header.parents.map(({h}) => memory.find(fromHex(h)));
      const unknown = header.parents.find(({r}, i) => r !== 'foreign' && parentOrdinals[i] === -1);
      if (unknown !== undefined) {
        return invalid(leaf, 'parent', 'an earlier event', `${unknown.r} ${unknown.h}`);
      }
      const name = header.traj ?? '';
      let chain = chains.get(name);
      if (chain === undefined) {
        const begun = begin(leaf, header);
        if ('exit' in begun) return begun;
        chain = begun;
        chains.set(name, chain);
        byNumber.push(chain);
      }
      const fault = checkPlace(leaf, header, chain);
      if (fault !== null) return fault;
      chain.sequence += 1;
      chain.head = toHex(hash);
      memory.add(hash, chain.number);
      return null;
    },
    parentOrdinals: () => parentOrdinals,
  };
}
