/**
 * How one shard of a log hands over to the next: the first leaf says which key comes after.
 *
 * A shard's first event is `log.shard_opened`; it names the key of the shard after it while its own
 * key is safe, and holds the note over all that survives of the shard before. So a reader with the
 * first key follows the whole log, and a thief of a key cannot choose the successor.
 */
import {equalBytes} from './bytes.ts';
import type {Json} from './canonical.ts';
import type {Hashes} from './hashes.ts';
import {shardOpenedCode} from './kinds.ts';
import type {ReadEvent} from './log-event.ts';
import {readHead} from './log-heads.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';
import {renderVkey} from './note.ts';
import type {VerifierKey} from './note.ts';

/** A shard as `/log/key` or `ledger.shard` tells of it. */
export type Shard = {
  readonly key: VerifierKey;
  /** Ledger size at which the shard begins. */
  readonly baseLeaf: number;
};

/** What a shard ended with. */
export type Ended = {
  readonly key: VerifierKey;
  readonly baseLeaf: number;
  readonly size: number;
  readonly root: Uint8Array;
};

const reasons = ['created', 'recovered', 'revoked', 'rotated'];

/** What a shard's first event breaks of the hand-over, or null. */
export function openingFault(
  hashes: Hashes,
  leaf: number,
  event: ReadEvent,
  before: Ended | null,
  after: Shard | undefined,
): Fault | null {
  const kind = Number.parseInt(event.header.kind, 16);
  if (kind !== shardOpenedCode || event.header.traj !== null) {
    return invalid(leaf, 'shard', 'log.shard_opened on the tenant chain', event.header.kind);
  }
  if (event.data === null) return undecided(leaf, 'the data of log.shard_opened', 'erased');
  const {lost, next, previous, reason} = event.data.data;
  if (typeof reason !== 'string' || !reasons.includes(reason)) {
    return invalid(leaf, 'shard', 'a reason', JSON.stringify(reason));
  }
  if (typeof next !== 'string') return invalid(leaf, 'shard', 'the next vkey', 'none');
  if (after !== undefined && renderVkey(after.key) !== next) {
    return undecided(leaf, `key ${next}, which was announced`, renderVkey(after.key));
  }
  if (before === null) {
    const isFirst = lost === null && previous === null && reason === 'created';
    return isFirst ? null : invalid(leaf, 'shard', 'the first shard', `one that was ${reason}`);
  }
  return lostFault(leaf, before, lost) ?? previousFault(hashes, leaf, before, previous);
}

/** `lost` must be exactly the leaves between what survives and the new shard. */
function lostFault(leaf: number, before: Ended, lost: Json | undefined): Fault | null {
  const end = before.baseLeaf + before.size;
  const expected = end === leaf ? 'null' : JSON.stringify([end, leaf - 1]);
  const found = JSON.stringify(lost ?? null);
  return found === expected ? null : invalid(leaf, 'shard', `lost ${expected}`, `lost ${found}`);
}

function previousFault(
  hashes: Hashes,
  leaf: number,
  before: Ended,
  previous: Json | undefined,
): Fault | null {
  if (previous === null) return undecided(leaf, 'a note of the shard before', 'none');
  if (typeof previous !== 'string') {
    return invalid(leaf, 'shard', 'a note of the shard before', JSON.stringify(previous));
  }
  const read = readHead(hashes, [before.key], previous, 'note');
  if ('exit' in read) return {...read, leaf, class: 'shard'};
  const {root, size} = read.head;
  if (size < before.size) return undecided(leaf, `a note at ${before.size}`, `one at ${size}`);
  if (size > before.size || !equalBytes(root, before.root)) {
    return invalid(leaf, 'shard', `the head at ${before.size}`, `another, at ${size}`);
  }
  return null;
}

/** The key may be good and must come as the first one came: exit 20. */
function undecided(leaf: number, expected: string, found: string): Fault {
  return {leaf, class: 'shard', expected, found, exit: 20};
}
