/**
 * Remembers the hash of every event of a log, to look parents up.
 *
 * A parent may be any earlier event, so all are kept: 32 bytes and a chain number each in chunks
 * that are never copied, and an open-addressed table of 8 to 16 bytes an event. A hundred million
 * events take 5 GB; the objects a Map would make of them, thirty.
 */
import {hashBytes} from './hashes.ts';

const chunkCount = 65_536;

/** The events seen so far, by the order they came in. */
export type HashMemory = {
  /** Keeps a hash with the number of its chain. */
  readonly add: (hash: Uint8Array, chain: number) => void;
  /** Ordinal of the event with this hash, or -1. */
  readonly find: (hash: Uint8Array) => number;
  /** Chain number of an event. */
  readonly chainOf: (ordinal: number) => number;
};

type Chunk = {readonly hashes: Uint8Array; readonly chains: Uint32Array};

/** An empty memory. */
export function createHashMemory(): HashMemory {
  const chunks: Chunk[] = [];
  let count = 0;
  let slots = new Uint32Array(1_024);

  const isAt = (ordinal: number, hash: Uint8Array): boolean => {
    const bytes = chunks[Math.floor(ordinal / chunkCount)]?.hashes;
    const start = (ordinal % chunkCount) * hashBytes;
    for (let i = 0; i < hashBytes; i += 1) {
      if (bytes?.[start + i] !== hash[i]) return false;
    }
    return true;
  };
  /** Slot of a hash, or of the free place where it belongs. A slot holds ordinal + 1. */
  const slotOf = (hash: Uint8Array): number => {
    const mask = slots.length - 1;
    let slot = prefixOf(hash, 0) & mask;
    for (;;) {
      const held = slots[slot] ?? 0;
      if (held === 0 || isAt(held - 1, hash)) return slot;
      slot = (slot + 1) & mask;
    }
  };
  const grow = (): void => {
    slots = new Uint32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      const bytes = chunks[Math.floor(ordinal / chunkCount)]?.hashes ?? new Uint8Array(0);
      let slot = prefixOf(bytes, (ordinal % chunkCount) * hashBytes) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = ordinal + 1;
    }
  };

  return {
    add: (hash, chain) => {
      if (count * 2 >= slots.length) grow();
      let chunk = chunks[Math.floor(count / chunkCount)];
      if (chunk === undefined) {
        const hashes = new Uint8Array(chunkCount * hashBytes);
        chunk = {hashes, chains: new Uint32Array(chunkCount)};
        chunks.push(chunk);
      }
      chunk.hashes.set(hash, (count % chunkCount) * hashBytes);
      chunk.chains[count % chunkCount] = chain;
      slots[slotOf(hash)] = count + 1;
      count += 1;
    },
    find: (hash) => (slots[slotOf(hash)] ?? 0) - 1,
    chainOf: (ordinal) =>
      chunks[Math.floor(ordinal / chunkCount)]?.chains[ordinal % chunkCount] ?? 0,
  };
}

/** Four bytes of a hash, which is as good as random. */
function prefixOf(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
  return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}
