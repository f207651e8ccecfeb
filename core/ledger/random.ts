/** Random bytes from the system, taken in blocks: an event needs some 70 of them. */
import {randomFillSync} from 'node:crypto';

const blockBytes = 8_192;

/** Makes a source of random bytes; each answer is a copy of its own. */
export function createRandom(): (bytes: number) => Uint8Array {
  const block = new Uint8Array(blockBytes);
  let used = blockBytes;
  return (bytes) => {
    if (bytes > blockBytes) return randomFillSync(new Uint8Array(bytes));
    if (used + bytes > blockBytes) {
      randomFillSync(block);
      used = 0;
    }
    used += bytes;
    return block.slice(used - bytes, used);
  };
}
