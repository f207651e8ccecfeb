/**
 * The whole-log verifier: what is sound, what columns and first leaves must say.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {
  parseBundleHead,
  parseBundleRecord,
  renderBundleHead,
  renderBundleRecord,
} from '../../../shared/ledger/bundle.ts';
import {parseHeader, renderHeader} from '../../../shared/ledger/header.ts';
import type {LogCase} from '../../../shared/ledger/log-case.ts';
import type {LogColumns, LogRecord} from '../../../shared/ledger/log-record.ts';
import {createLogVerifier} from '../../../shared/ledger/log-verifier.ts';
import type {LogReport} from '../../../shared/ledger/log-verifier.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import {parseVkey} from '../../../shared/ledger/note.ts';
import {commitData} from '../../../shared/ledger/payload.ts';
import {columnsOf, recordAt} from '../../support/ledger-rows.ts';
import type {FullRecord} from '../../support/ledger-rows.ts';
import {signerOf} from '../../support/ledger-signer.ts';
import {tellStory} from '../../support/ledger-story.ts';
import {changeRecord, verifyLog, withoutColumns} from '../../support/ledger-tamper.ts';
import type {RecordEdit} from '../../support/ledger-tamper.ts';

const hashes = await createNativeHashes();
const size = 300;
const {log, group, fork} = tellStory(hashes, size);
const trusted = [log.shard.key];
const usual: LogCase = {shards: [log.shard], trusted, note: log.note()};

function verify(records: readonly LogRecord[], input = usual, library = hashes): LogReport {
  return verifyLog(library, records, input);
}

function changed(leaf: number, edit: (record: FullRecord) => RecordEdit): readonly FullRecord[] {
  return changeRecord(log.records, leaf, edit);
}

describe('a sound log', () => {
  test('verifies, with columns and as an export, with both libraries', () => {
    const bare = log.records.map(withoutColumns);
    for (const library of [hashes, createNobleHashes()]) {
      for (const records of [log.records, bare]) {
        expect(verify(records, usual, library)).toMatchObject({
          exit: 0,
          fault: null,
          size,
          isTrusted: true,
        });
      }
    }
  });

  test('verifies beside every checkpoint that was kept', () => {
    const known = [1, 2, 128, 255, 256, 257, size].map((at) => log.note(at));
    const row = {size, root: log.root()};
    expect(verify(log.records, {...usual, known, row})).toMatchObject({exit: 0, evidence: []});
  });

  test('verifies when ended contents are gone, and says how many', () => {
    const told = tellStory(hashes, size);
    told.log.clear(told.closed);
    expect(verify(told.log.records)).toMatchObject({exit: 0, counts: {ended: 2, erased: 0}});
    told.log.clear(told.erased);
    expect(verify(told.log.records)).toMatchObject({exit: 11, counts: {ended: 2, erased: 1}});
  });

  test('survives its way through a bundle', () => {
    const head = {shards: [{...log.shard, opened: null}], note: log.note()};
    const {note, shards} = parseBundleHead(hashes, renderBundleHead(head));
    const records = log.records.map((record) => parseBundleRecord(renderBundleRecord(record)));
    expect(verify(records, {shards, note, trusted})).toMatchObject({exit: 0});
    expect(records).toEqual(log.records.map(withoutColumns));
  });

  test('without a key of the auditor says that nobody vouched for the first one', () => {
    expect(verify(log.records, {shards: [log.shard]})).toMatchObject({exit: 0, isTrusted: false});
    const other = signerOf(hashes, log.shard.key.name, new Uint8Array(32).fill(7)).key;
    expect(verify(log.records, {...usual, trusted: [other]})).toMatchObject({
      exit: 40,
      fault: {class: 'key'},
    });
  });
});

describe('columns', () => {
  const edits: {readonly [K in keyof LogColumns]?: LogColumns[K]} = {
    eventHash: new Uint8Array(32),
    leafHash: new Uint8Array(32),
    kind: 1,
    trajId: '01a1f000-0000-7000-8000-0000000000ee',
    trajSeq: 99,
    depth: 9,
    track: 9,
    entityId: null,
    entityVer: 99,
    corrId: '01a1f000-0000-7000-8000-0000000000ee',
    agentId: '01a1f000-0000-7000-8000-0000000000ee',
    idem: new Uint8Array(32),
  };
  test.each(Object.keys(edits))('%s that differs from the header: that leaf', (column) => {
    const value: unknown = Reflect.get(edits, column);
    const rows = changed(group, ({columns}) => ({columns: {...columns, [column]: value}}));
    expect(verify(rows)).toMatchObject({exit: 40, fault: {leaf: group, class: 'column'}});
  });
  test('edges that differ from the parents: that leaf', () => {
    const leaf = fork + 1;
    const {edges} = recordAt(log.records, leaf).columns;
    expect(edges).toHaveLength(2);
    const variants = [
      [],
      edges.slice(1),
      edges.toReversed(),
      edges.map((edge) => ({...edge, rel: 1})),
      edges.map((edge) => ({...edge, parentLeaf: 7})),
    ];
    for (const wrong of variants) {
      const rows = changed(leaf, ({columns}) => ({columns: {...columns, edges: wrong}}));
      expect(verify(rows)).toMatchObject({exit: 40, fault: {leaf, class: 'column'}});
    }
  });
});

describe('the first leaf', () => {
  test.each([
    ['of another kind', (text: string) => text, '0101'],
    [
      'of no first shard',
      (text: string) => text.replace('"reason":"created"', '"reason":"rotated"'),
      '0405',
    ],
    [
      'without the next key',
      (text: string) => text.replace(/"next":"[^"]*"/, '"next":null'),
      '0405',
    ],
    ['for no reason', (text: string) => text.replace('"created"', '"made up"'), '0405'],
  ])('%s: leaf 0', (_, edit, kind) => {
    const first = recordAt(log.records, 0);
    const data = edit(first.data ?? '');
    const salt = first.dataSalt ?? new Uint8Array(32);
    const header = renderHeader({
      ...parseHeader(first.header),
      kind,
      pay: {c: null, d: commitData(hashes, salt, data), s: null},
    });
    const rows = [{...first, data, header, columns: columnsOf(hashes, header, [])}];
    expect(verify(rows, {shards: [log.shard]})).toMatchObject({
      exit: 40,
      fault: {leaf: 0, class: 'shard'},
    });
  });
  test('names the key that the next shard must have', () => {
    const next = parseVkey(hashes, JSON.parse(recordAt(log.records, 0).data ?? '').data.next);
    const thief = signerOf(hashes, next.name, new Uint8Array(32).fill(7)).key;
    const shards = (key: typeof next) => ({shards: [log.shard, {key, baseLeaf: size}]});
    expect(verify(log.records, shards(thief))).toMatchObject({
      exit: 20,
      fault: {leaf: 0, class: 'shard'},
    });
    expect(verify(log.records, shards(next))).toMatchObject({
      exit: 40,
      fault: {leaf: size, class: 'shard'},
    });
  });
});

test('once there is a fault it stays the answer', () => {
  const verifier = createLogVerifier(hashes, usual);
  const [first, , third] = log.records;
  expect(first && verifier.add(first)).toBeNull();
  const fault = third && verifier.add(third);
  expect(fault).toMatchObject({leaf: 1, class: 'order'});
  expect(first && verifier.add(first)).toBe(fault);
  expect(verifier.finish()).toMatchObject({exit: 40, fault, size: 1});
});
