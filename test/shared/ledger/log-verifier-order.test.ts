/**
 * Cases 6 to 11, 16 and 17 of 04-ledger.md §12: heads, rows, chains and groups.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {toHex} from '../../../shared/ledger/bytes.ts';
import type {Header} from '../../../shared/ledger/header.ts';
import type {LogCase} from '../../../shared/ledger/log-case.ts';
import type {LogRecord} from '../../../shared/ledger/log-record.ts';
import type {LogReport} from '../../../shared/ledger/log-verifier.ts';
import {recordAt} from '../../support/ledger-rows.ts';
import type {FullRecord} from '../../support/ledger-rows.ts';
import {signerOf} from '../../support/ledger-signer.ts';
import {tellStory} from '../../support/ledger-story.ts';
import {forgeHeader, renumber, verifyLog} from '../../support/ledger-tamper.ts';
import type {HeaderEdit} from '../../support/ledger-tamper.ts';

const hashes = await createNativeHashes();
const size = 300;
const {log, turns, group, fork} = tellStory(hashes, size);
const trusted = [log.shard.key];
const usual: LogCase = {shards: [log.shard], trusted, note: log.note()};

function verify(records: readonly LogRecord[], input = usual, library = hashes): LogReport {
  return verifyLog(library, records, input);
}

function forged(leaf: number, edit: (header: Header) => HeaderEdit): readonly FullRecord[] {
  return forgeHeader(hashes, log.records, leaf, edit);
}

describe('6, 8, 10, 11: against what was kept', () => {
  const known = [log.note(200), log.note(280)];
  const twin = tellStory(hashes, 250).log;
  twin.write({kind: 'custom.f001'});
  while (twin.records.length < size) twin.write({kind: 'custom.f002'});

  test('another history under the same key: 30, with both notes', () => {
    const report = verify(twin.records, {shards: [log.shard], trusted, note: twin.note(), known});
    expect(report).toMatchObject({
      exit: 30,
      fault: {class: 'kept'},
      evidence: [known[1], twin.note()],
    });
  });
  test('tail cut: 40 against its own note or head, 30 against one that was kept', () => {
    const cut = log.records.slice(0, 270);
    expect(verify(cut)).toMatchObject({exit: 40, fault: {leaf: 270, class: 'size'}});
    expect(verify(cut, {shards: [log.shard], row: {size, root: log.root()}})).toMatchObject({
      exit: 40,
      fault: {leaf: 270},
    });
    const short = {shards: [log.shard], trusted, note: log.note(270)};
    expect(verify(cut, short)).toMatchObject({exit: 0});
    expect(verify(cut, {...short, known})).toMatchObject({
      exit: 30,
      evidence: [known[1], log.note(270)],
    });
  });
  test('a kept note of nobody or of another log is misuse: 64', () => {
    expect(verify(log.records, {...usual, known: ['x']})).toMatchObject({exit: 64});
    const {signer} = signerOf(hashes, 'other.example/logs/x', new Uint8Array(32).fill(7));
    expect(
      verify(log.records, {
        ...usual,
        known: [log.note().replaceAll(log.shard.key.name, signer.name)],
      }),
    ).toMatchObject({exit: 64});
  });
});

function without(leaf: number): readonly FullRecord[] {
  return log.records.filter((record) => record.leaf !== leaf);
}

describe('7, 9, 10: rows deleted, swapped, inserted', () => {
  test.each([0, 1, 150, 255, 256, size - 1])('leaf %d deleted: that leaf', (leaf) => {
    expect(verify(without(leaf))).toMatchObject({exit: 40, fault: {leaf}});
  });
  test.each([0, 150, 256])('leaf %d deleted and the rest renumbered: 40', (leaf) => {
    expect(verify(renumber(without(leaf)))).toMatchObject({exit: 40});
    expect(verify(renumber(without(leaf)), {...usual, note: undefined})).toMatchObject({
      exit: 40,
    });
  });
  test.each([
    [10, 11],
    [255, 256],
    [254, 257],
    [298, 299],
  ])('leaves %d and %d swapped: 40', (one, other) => {
    const swapped = [...log.records];
    swapped[one] = recordAt(log.records, other);
    swapped[other] = recordAt(log.records, one);
    expect(verify(swapped)).toMatchObject({exit: 40, fault: {leaf: one, class: 'order'}});
    expect(verify(renumber(swapped), {shards: [log.shard]})).toMatchObject({exit: 40});
  });
  test('a row inserted and the rest renumbered: 40', () => {
    const rows = log.records.toSpliced(100, 0, recordAt(log.records, 99));
    expect(verify(renumber(rows))).toMatchObject({exit: 40, fault: {leaf: 100, class: 'time'}});
  });
});

describe('16: chains and parents', () => {
  const lastTurn = size - 1;
  test.each([
    [
      'prev that is not the head',
      lastTurn,
      (h: Header) => ({prev: toHex(recordAt(log.records, 3).columns.eventHash), dag: h.dag}),
      'chain',
    ],
    ['prev null inside a chain', lastTurn, () => ({prev: null}), 'chain'],
    [
      'a sequence skipped',
      lastTurn,
      (h: Header) => ({dag: h.dag.replace(/\d+$/, (n) => `${Number(n) + 1}`)}),
      'chain',
    ],
    ['another depth', lastTurn, (h: Header) => ({dag: h.dag.replace(/^0/, '1')}), 'chain'],
    ['a first event with a prev', fork, (h: Header) => ({prev: h.pay.d}), 'chain'],
    ['a fork on its parent’s track', fork, () => ({dag: '1:0:0'}), 'chain'],
    ['a fork at its parent’s depth', fork, () => ({dag: '0:0:0'}), 'chain'],
    ['a root off track 0', fork, () => ({dag: '0:5:0', parents: []}), 'chain'],
    [
      'a parent that comes later',
      20,
      () => ({parents: [{h: toHex(recordAt(log.records, 30).columns.eventHash), r: 'causes'}]}),
      'parent',
    ],
    [
      'a parent that nobody knows',
      lastTurn,
      () => ({parents: [{h: 'ab'.repeat(32), r: 'causes'}]}),
      'parent',
    ],
    [
      'a foreign parent that is not called foreign',
      fork + 1,
      (h: Header) => ({parents: h.parents.map(({h: hash}) => ({h: hash, r: 'acks'}))}),
      'parent',
    ],
  ])('%s: that leaf', (_, leaf, edit, faultClass) => {
    const report = verify(forged(leaf, edit));
    expect(report).toMatchObject({exit: 40, fault: {leaf, class: faultClass}});
  });

  test('itself as a parent, or a foreign one unknown, is what it is', () => {
    const self = forged(lastTurn, () => ({
      parents: [{h: toHex(recordAt(log.records, lastTurn).columns.eventHash), r: 'causes'}],
    }));
    expect(verify(self)).toMatchObject({fault: {leaf: lastTurn, class: 'parent'}});
    expect(verify(log.records)).toMatchObject({exit: 0});
  });
});

describe('17: groups', () => {
  test.each([
    ['its last event missing', (rows: FullRecord[]) => rows.splice(group + 2, 1)],
    ['its middle event missing', (rows: FullRecord[]) => rows.splice(group + 1, 1)],
    ['its first event missing', (rows: FullRecord[]) => rows.splice(group, 1)],
  ])('%s, the rest renumbered: 40', (_, edit) => {
    const rows = [...log.records];
    edit(rows);
    expect(verify(renumber(rows), {shards: [log.shard]})).toMatchObject({exit: 40});
  });
  test('events numbered in another order, or of another count: that leaf', () => {
    const order = forged(group + 1, () => ({grp: [2, 3]}));
    expect(verify(order)).toMatchObject({exit: 40, fault: {leaf: group + 1, class: 'group'}});
    const count = forged(group + 1, () => ({grp: [1, 4]}));
    expect(verify(count)).toMatchObject({exit: 40, fault: {leaf: group + 1, class: 'group'}});
    const begun = forged(turns[0] ?? 0, () => ({grp: [0, 2]}));
    expect(verify(begun)).toMatchObject({exit: 40, fault: {leaf: turns[1]}});
  });
  test('the log ends inside one: its next leaf', () => {
    const rows = log.records.slice(0, group + 2);
    expect(verify(rows, {shards: [log.shard]})).toMatchObject({
      exit: 40,
      fault: {leaf: group + 2, class: 'group'},
    });
  });
});
