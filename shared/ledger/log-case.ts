/**
 * What a whole log is judged by: its shards, and every head it must pass through.
 */
import type {Hashes} from './hashes.ts';
import {createHeads, readHead} from './log-heads.ts';
import type {Head, Heads} from './log-heads.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';
import type {Shard} from './log-shards.ts';
import {renderVkey} from './note.ts';
import type {VerifierKey} from './note.ts';
import {emptyRoot} from './tree.ts';

/** What a log is judged by. */
export type LogCase = {
  /** All shards, oldest first. */
  readonly shards: readonly Shard[];
  /** Keys that the auditor trusts; without them the first shard's key is taken at its word. */
  readonly trusted?: readonly VerifierKey[] | undefined;
  /** Unsigned head of the newest shard, from `ledger.head`: ledger size and root. */
  readonly row?: {readonly size: number; readonly root: Uint8Array} | undefined;
  /** The log's newest note. */
  readonly note?: string | undefined;
  /** Notes that the auditor kept. */
  readonly known?: readonly string[] | undefined;
};

/** A case made ready: the heads of each shard, in the order of the shards. */
export type ReadyCase = {readonly heads: readonly Heads[]; readonly isTrusted: boolean};

/** Reads the notes of a case and checks that its shards are those of one log. */
export function readLogCase(hashes: Hashes, input: LogCase): ReadyCase | Fault {
  const {shards, trusted} = input;
  const [first] = shards;
  if (first === undefined) return invalid(null, 'shard', 'a shard', 'none');
  const fault = shardsFault(shards);
  if (fault !== null) return fault;
  const vkey = renderVkey(first.key);
  const isTrusted = trusted?.some((key) => renderVkey(key) === vkey) ?? false;
  if (trusted !== undefined && !isTrusted) {
    return invalid(null, 'key', 'a key of the policy', vkey);
  }
  const keys = shards.map(({key}) => key);
  const heads: Head[][] = shards.map(() => []);
  const notes = [
    ...(input.note === undefined ? [] : [{text: input.note, source: 'note' as const}]),
    ...(input.known ?? []).map((text) => ({text, source: 'kept' as const})),
  ];
  for (const {text, source} of notes) {
    const read = readHead(hashes, keys, text, source);
    if ('exit' in read) return source === 'kept' ? {...read, exit: 64} : read;
    heads[read.shardIndex]?.push(read.head);
  }
  if (input.row !== undefined) {
    const last = shards.at(-1) ?? first;
    const size = input.row.size - last.baseLeaf;
    if (size < 0) return invalid(null, 'size', `at least ${last.baseLeaf}`, `${input.row.size}`);
    heads.at(-1)?.push({size, root: input.row.root, source: 'row', text: ''});
  }
  const ready = heads.map(createHeads);
  // A head of size 0 is met before the first event.
  const atZero = ready.map((one) => one.meet(0, emptyRoot(hashes))).find((one) => one !== null);
  return atZero ?? {heads: ready, isTrusted};
}

/** Shards of one log are named after the first and begin one after another. */
function shardsFault(shards: readonly Shard[]): Fault | null {
  const first = shards[0]?.key.name ?? '';
  for (const [index, {baseLeaf, key}] of shards.entries()) {
    const origin = index === 0 ? first : `${first}/${index + 1}`;
    if (key.name !== origin) return invalid(null, 'shard', origin, key.name);
    const least = index === 0 ? 0 : (shards[index - 1]?.baseLeaf ?? 0) + 1;
    const isPlaced = index === 0 ? baseLeaf === 0 : baseLeaf >= least;
    if (!isPlaced) return invalid(null, 'shard', `base leaf ${least}`, `${baseLeaf}`);
  }
  return null;
}
