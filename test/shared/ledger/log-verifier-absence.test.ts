/**
 * Case 18 of 04-ledger.md §12: what may be absent, and what may not.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import type {LogCase} from '../../../shared/ledger/log-case.ts';
import type {LogRecord} from '../../../shared/ledger/log-record.ts';
import type {LogReport} from '../../../shared/ledger/log-verifier.ts';
import {commitContent} from '../../../shared/ledger/payload.ts';
import type {FullRecord} from '../../support/ledger-rows.ts';
import {tellStory} from '../../support/ledger-story.ts';
import {changeRecord, verifyLog} from '../../support/ledger-tamper.ts';
import type {RecordEdit} from '../../support/ledger-tamper.ts';

const hashes = await createNativeHashes();
const size = 300;
const {log, turns, denied, closed, secret, erased} = tellStory(hashes, size);
const trusted = [log.shard.key];
const usual: LogCase = {shards: [log.shard], trusted, note: log.note()};

function verify(records: readonly LogRecord[], input = usual, library = hashes): LogReport {
  return verifyLog(library, records, input);
}

describe('18: absence', () => {
  const gone = {content: null, contentSalt: null};
  const all = {...gone, data: null, dataSalt: null};
  const absent = (leaf: number, parts: RecordEdit): readonly FullRecord[] =>
    changeRecord(log.records, leaf, () => parts);

  test('content that no ending lists: that leaf', () => {
    expect(verify(absent(turns[2] ?? 0, gone))).toMatchObject({
      exit: 40,
      fault: {leaf: turns[2], class: 'ending'},
    });
    expect(verify(absent(size - 1, gone))).toMatchObject({
      exit: 40,
      fault: {leaf: size - 1, class: 'ending'},
    });
  });
  test('content whose ending was removed: that leaf', () => {
    const rows = absent(turns[0] ?? 0, gone).slice(0, closed);
    expect(verify(rows, {shards: [log.shard]})).toMatchObject({
      exit: 40,
      fault: {leaf: turns[0], class: 'ending'},
    });
  });
  test('data by an ending that is no erasure: that leaf', () => {
    expect(verify(absent(turns[0] ?? 0, all))).toMatchObject({
      exit: 40,
      fault: {leaf: turns[0], class: 'ending'},
    });
    expect(verify(absent(secret, all))).toMatchObject({exit: 11});
  });
  test('a part without its salt, a salt without its part, content without data: that leaf', () => {
    const leaf = turns[0] ?? 0;
    expect(verify(absent(leaf, {content: null}))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'content'},
    });
    expect(verify(absent(leaf, {contentSalt: null}))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'content'},
    });
    expect(verify(absent(leaf, {dataSalt: null}))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'data'},
    });
    expect(verify(absent(secret, {data: null, dataSalt: null}))).toMatchObject({
      exit: 40,
      fault: {leaf: secret, class: 'data'},
    });
  });
  test('content that was never committed: that leaf', () => {
    const salt = new Uint8Array(32);
    const content = '{"content":"x"}';
    expect(commitContent(hashes, salt, content)).toHaveLength(64);
    const report = verify(absent(denied, {content, contentSalt: salt}));
    expect(report).toMatchObject({exit: 40, fault: {leaf: denied, class: 'content'}});
  });
  test('an ending by a kind that may not end, or of its own and later leaves: that leaf', () => {
    const told = tellStory(hashes, 40);
    const kind = told.log.write({kind: 'note.updated', ends: [[3, 4]]});
    const rows = told.log.records;
    expect(verify(rows, {shards: [log.shard]})).toMatchObject({
      exit: 40,
      fault: {leaf: kind, class: 'ending'},
    });
    const own = tellStory(hashes, 40);
    const leaf = own.log.write({kind: 'note.deleted', ends: [[3, own.log.records.length]]});
    expect(verify(own.log.records, {shards: [log.shard]})).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'ending'},
    });
    expect(erased).toBeGreaterThan(secret);
  });
});
