/**
 * The heads a log must pass through: its own newest one, and every one that an auditor kept.
 *
 * Ed25519 signatures are what make the difference: a log that misses its own note is invalid, one
 * that misses a kept and signed note has diverged, and the two notes are the evidence.
 */
import {equalBytes, toBase64} from './bytes.ts';
import {checkCheckpoint, parseCheckpoint} from './checkpoint.ts';
import type {SignedCheckpoint} from './checkpoint.ts';
import type {Hashes} from './hashes.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';
import type {VerifierKey} from './note.ts';
import {refusalMessage} from './verdict.ts';

/** A size and root that the tree of one shard must have. */
export type Head = {
  readonly size: number;
  readonly root: Uint8Array;
  /** `row`: ledger.head, unsigned · `note`: the log's newest note · `kept`: an auditor's. */
  readonly source: 'kept' | 'note' | 'row';
  /** The note, verbatim; empty for a row. */
  readonly text: string;
};

/** Heads of one shard, asked in the order of their sizes. */
export type Heads = {
  /** Size of the next head to be met, or Infinity. */
  readonly nextSize: () => number;
  /** Compares every head of this size with the root. */
  readonly meet: (size: number, root: Uint8Array) => Fault | null;
  /** The heads that the tree did not reach. */
  readonly unmet: () => readonly Head[];
};

/** Sorts the heads of a shard. */
export function createHeads(all: readonly Head[]): Heads {
  // Of two heads of one size the log's own comes first: it must be met whatever was kept.
  const heads = all.toSorted((a, b) => a.size - b.size || a.source.localeCompare(b.source) * -1);
  let at = 0;
  return {
    nextSize: () => heads[at]?.size ?? Infinity,
    meet: (size, root) => {
      for (; heads[at]?.size === size; at += 1) {
        const head = heads[at];
        if (head !== undefined && !equalBytes(head.root, root)) return differs(head, root);
      }
      return null;
    },
    unmet: () => heads.slice(at),
  };
}

function differs(head: Head, root: Uint8Array): Fault {
  const [expected, found] = [toBase64(head.root), toBase64(root)];
  if (head.source !== 'kept') return invalid(null, 'root', `${expected} at ${head.size}`, found);
  return {
    leaf: null,
    class: 'kept',
    expected: `${expected} at ${head.size}`,
    found,
    exit: 30,
    note: head.text,
  };
}

/** Reads a note of a log whose shards and keys are given: its shard and the head, or a fault. */
export function readHead(
  hashes: Hashes,
  keys: readonly VerifierKey[],
  text: string,
  source: 'kept' | 'note',
): {readonly shardIndex: number; readonly head: Head} | Fault {
  let checkpoint: SignedCheckpoint;
  try {
    checkpoint = parseCheckpoint(text);
  } catch (error) {
    return invalid(null, 'key', `a note (${source})`, refusalMessage(error));
  }
  const {origin, root, size} = checkpoint;
  const shardIndex = keys.findIndex(({name}) => name === origin);
  const key = keys[shardIndex];
  if (key === undefined) return invalid(null, 'key', 'a note of this log', `origin ${origin}`);
  const signature = checkCheckpoint(hashes, checkpoint, key);
  if (signature !== 'good') {
    return invalid(null, 'key', `a signature of ${key.name}+${key.keyId}`, signature);
  }
  return {shardIndex, head: {size, root, source, text}};
}
