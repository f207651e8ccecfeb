/**
 * A log as one file: NDJSON, its keys and newest note first, then an event a line.
 *
 * Salts are base64 as in a receipt; a part that has ended is null with its salt. An export holds no
 * columns: they repeat the header, and only a database can have them wrong.
 */
import {fromBase64, toBase64} from './bytes.ts';
import {isObject, type Json} from './canonical.ts';
import type {Hashes} from './hashes.ts';
import type {LogRecord} from './log-record.ts';
import type {Shard} from './log-shards.ts';
import {exactMembers} from './members.ts';
import {parseVkey, renderVkey} from './note.ts';
import {parseStrict} from './parse-strict.ts';
import {FormatRefusal} from './refusal.ts';

/** A shard as `GET /log/key` tells of it; `opened` is the text of the opened receipt of its first leaf. */
export type PublishedShard = Shard & {readonly opened: string | null};

/** The first line of a bundle. */
export type BundleHead = {readonly shards: readonly PublishedShard[]; readonly note: string};

const recordKeys = ['leaf', 'header', 'facts', 'data_salt', 'data', 'content_salt', 'content'];
/** A shard opens when a key is changed; a log with more is not one of ours. */
const shardLimitCount = 10_000;

/** The first line of a bundle, without its newline. */
export function renderBundleHead({note, shards}: BundleHead): string {
  const published = shards.map(({baseLeaf, key, opened}, index) => ({
    shard: index + 1,
    origin: key.name,
    vkey: renderVkey(key),
    base_leaf: baseLeaf,
    opened: opened === null ? null : (JSON.parse(opened) as Json),
  }));
  return JSON.stringify({shards: published, note});
}

/** Reads the first line of a bundle; keys and note are not trusted by that. */
export function parseBundleHead(hashes: Hashes, line: string): BundleHead {
  const {note, shards} = exactMembers('bundle', 'the first line', parseStrict(line), [
    'shards',
    'note',
  ]);
  if (typeof note !== 'string') throw new FormatRefusal('bundle', 'note is not text');
  return {shards: parseShards(hashes, shards), note};
}

/** Reads the member `shards` of a bundle's first line or of an answer of `GET /log/key`. */
export function parseShards(hashes: Hashes, value: Json | undefined): readonly PublishedShard[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > shardLimitCount) {
    throw new FormatRefusal('bundle', 'shards is not a list of shards');
  }
  return value.map((item: Json, index) => {
    const keys = ['shard', 'origin', 'vkey', 'base_leaf', 'opened'];
    const {
      shard,
      origin,
      vkey,
      base_leaf: baseLeaf,
      opened,
    } = exactMembers('bundle', `shards[${index}]`, item, keys);
    const key = typeof vkey === 'string' ? parseVkey(hashes, vkey) : null;
    if (shard !== index + 1 || key === null || key.name !== origin || !isCount(baseLeaf)) {
      throw new FormatRefusal('bundle', `shards[${index}] is malformed`);
    }
    if (opened !== null && !isObject(opened)) {
      throw new FormatRefusal('bundle', `shards[${index}].opened is neither a receipt nor null`);
    }
    return {key, baseLeaf, opened: opened === null ? null : JSON.stringify(opened)};
  });
}

/** One event as a line of a bundle, without its newline. */
export function renderBundleRecord(record: LogRecord): string {
  const {content, contentSalt, data, dataSalt, facts, header, leaf} = record;
  return JSON.stringify({
    leaf,
    header,
    facts,
    data_salt: dataSalt === null ? null : toBase64(dataSalt),
    data,
    content_salt: contentSalt === null ? null : toBase64(contentSalt),
    content,
  });
}

/** Reads an event of a bundle; what it says is not verified by that. */
export function parseBundleRecord(line: string): LogRecord {
  const value = exactMembers('bundle', 'an event', parseStrict(line), recordKeys);
  const {content, data, facts, header, leaf} = value;
  if (!isCount(leaf)) throw new FormatRefusal('bundle', 'leaf is not a safe integer');
  if (typeof header !== 'string' || typeof facts !== 'string') {
    throw new FormatRefusal('bundle', `leaf ${leaf}: header or facts is not text`);
  }
  return {
    leaf,
    header,
    facts,
    dataSalt: salt(value['data_salt']),
    data: textOrNull(data),
    contentSalt: salt(value['content_salt']),
    content: textOrNull(content),
  };
}

function salt(value: Json | undefined): Uint8Array | null {
  const text = textOrNull(value);
  return text === null ? null : fromBase64(text);
}

function textOrNull(value: Json | undefined): string | null {
  if (value === null || typeof value === 'string') return value;
  throw new FormatRefusal('bundle', 'a part is neither text nor null');
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
