/**
 * Whether two checkpoints of one log can both be true.
 *
 * A log that signed two heads neither of which begins the other has lied to somebody, and the two
 * notes show it to anyone: that is exit 30, and worth more than any single bad receipt.
 */
import {equalBytes, fromBase64, toBase64} from './bytes.ts';
import {parseCheckpoint} from './checkpoint.ts';
import type {Checkpoint, SignedCheckpoint} from './checkpoint.ts';
import {hashBytes} from './hashes.ts';
import type {Hashes} from './hashes.ts';
import {FormatRefusal} from './refusal.ts';
import {emptyRoot} from './tree.ts';
import {verifyConsistency} from './tree-verify.ts';

/** An answer of `GET /log/consistency`: the hashes of the proof and the note of the later head. */
export type ConsistencyAnswer = {
  readonly path: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
};

/** A consistency proof has at most one hash a level and one more. */
const pathLimitCount = 64;

/** The answer's text: one hash a line, an empty line, the note. */
export function renderConsistency(path: readonly Uint8Array[], note: string): string {
  return [...path.map(toBase64), '', note].join('\n');
}

/** Reads an answer; nothing in it is verified yet. */
export function parseConsistency(text: string): ConsistencyAnswer {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  if (end === 0 && !text.startsWith('\n')) {
    throw new FormatRefusal('proof', 'has no empty line before its checkpoint');
  }
  const lines = text.slice(0, end).split('\n').slice(0, -1);
  if (lines.length > pathLimitCount) {
    throw new FormatRefusal('proof', `${lines.length} hashes, limit ${pathLimitCount}`);
  }
  const path = lines.map((line) => fromBase64(line));
  if (path.some((hash) => hash.length !== hashBytes)) {
    throw new FormatRefusal('proof', 'a hash is not of 32 bytes');
  }
  return {path, checkpoint: parseCheckpoint(text.slice(end + 1))};
}

/**
 * What two heads of one origin are to each other.
 *
 * `undecided` without a path where their sizes differ: a proof is needed then. A path that does not
 * verify is `unproven`, not divergence: it may be the path that is wrong.
 */
export function compareCheckpoints(
  hashes: Hashes,
  one: Checkpoint,
  other: Checkpoint,
  path?: readonly Uint8Array[],
): 'consistent' | 'diverged' | 'undecided' | 'unproven' {
  const [older, newer] = one.size <= other.size ? [one, other] : [other, one];
  if (older.size === newer.size) {
    return equalBytes(older.root, newer.root) ? 'consistent' : 'diverged';
  }
  if (older.size === 0)
    return equalBytes(older.root, emptyRoot(hashes)) ? 'consistent' : 'diverged';
  if (path === undefined) return 'undecided';
  const isPrefix = verifyConsistency(hashes, {
    from: older.size,
    to: newer.size,
    fromRoot: older.root,
    toRoot: newer.root,
    path,
  });
  return isPrefix ? 'consistent' : 'unproven';
}
