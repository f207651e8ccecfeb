/**
 * Runs every vector of `shared/ledger/vectors`, on whatever runtime it is loaded by.
 *
 * The vectors come as text: a bundler that reads JSON files would replace lone surrogates.
 */
import {fromHex, toHex} from '../../shared/ledger/bytes.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {eventHash} from '../../shared/ledger/header.ts';
import {parseStrict} from '../../shared/ledger/parse-strict.ts';
import {commitContent, commitData} from '../../shared/ledger/payload.ts';
import {SyntaxRefusal} from '../../shared/ledger/syntax.ts';
import {leafHash} from '../../shared/ledger/tree.ts';
import {verifyReceipt} from '../../shared/ledger/verify.ts';

/** Texts of the vector files, by their names without `.json`. */
export type VectorTexts = Readonly<Record<'1' | 'blake3' | 'json' | 'receipts', string>>;

/** What did not come out as it is written, and how many vectors there were. */
export type VectorReport = {readonly wrong: readonly string[]; readonly count: number};

/** Runs all vectors with one library. */
export function runVectors(hashes: Hashes, texts: VectorTexts): VectorReport {
  const results = [
    ...one(hashes, JSON.parse(texts['1'])),
    ...blake3(hashes, JSON.parse(texts.blake3)),
    ...json(JSON.parse(texts.json)),
    ...receipts(hashes, JSON.parse(texts.receipts)),
  ];
  const wrong = results.filter(([, found, expected]) => found !== expected);
  return {wrong: wrong.map((row) => row.join(' | ')), count: results.length};
}

type Result = readonly [name: string, found: string | number, expected: string | number];
type Strings = Readonly<Record<string, string>>;

function one(hashes: Hashes, vector: Strings): readonly Result[] {
  const text = (name: string): string => vector[name] ?? '';
  const hash = eventHash(hashes, text('header'));
  return [
    ['d', commitData(hashes, fromHex(text('salt')), text('data')), text('d')],
    ['c', commitContent(hashes, fromHex(text('content_salt')), text('content')), text('c')],
    ['event hash', toHex(hash), text('event_hash')],
    ['leaf hash', toHex(leafHash(hashes, hash)), text('leaf_hash')],
  ];
}

type Blake3 = {key: string; cases: {length: number; hash: string; keyed: string}[]};

function blake3(hashes: Hashes, vectors: Blake3): readonly Result[] {
  const key = new TextEncoder().encode(vectors.key);
  return vectors.cases.flatMap((row): Result[] => {
    const input = Uint8Array.from({length: row.length}, (_, i) => i % 251);
    return [
      [`hash of ${row.length}`, toHex(hashes.blake3(input)), row.hash],
      [`keyed hash of ${row.length}`, toHex(hashes.blake3Keyed(key, input)), row.keyed],
    ];
  });
}

type JsonVectors = {
  accept: {text: string; canonical: string}[];
  reject: {text: string; reason: string}[];
};

function json({accept, reject}: JsonVectors): readonly Result[] {
  return [
    ...accept.map(({text, canonical}): Result => [
      text,
      canonicalize(parseStrict(text)),
      canonical,
    ]),
    ...reject.map(({text, reason}): Result => [text, reasonOf(text), reason]),
  ];
}

function reasonOf(text: string): string {
  try {
    parseStrict(text);
    return 'accepted';
  } catch (error) {
    if (error instanceof SyntaxRefusal) return error.reason;
    throw error;
  }
}

type Receipts = {policy: string; accept: Named[]; reject: Named[]};
type Named = {name: string; receipt: string};

function receipts(hashes: Hashes, {accept, policy, reject}: Receipts): readonly Result[] {
  const exitOf = (receipt: string): number => verifyReceipt(hashes, {receipt, policy}).exit;
  return [
    ...accept.map(({name, receipt}): Result => [name, exitOf(receipt), 0]),
    ...reject.map(({name, receipt}): Result => [name, exitOf(receipt), 40]),
  ];
}
