/**
 * Cases 1 to 5 of 04-ledger.md §12: texts, parts, salts and hashes altered.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {canonicalize} from '../../../shared/ledger/canonical.ts';
import {factsHash} from '../../../shared/ledger/facts.ts';
import type {Header} from '../../../shared/ledger/header.ts';
import type {LogCase} from '../../../shared/ledger/log-case.ts';
import type {LogRecord} from '../../../shared/ledger/log-record.ts';
import type {LogReport} from '../../../shared/ledger/log-verifier.ts';
import {commitData} from '../../../shared/ledger/payload.ts';
import {recordAt} from '../../support/ledger-rows.ts';
import type {FullRecord} from '../../support/ledger-rows.ts';
import {tellStory} from '../../support/ledger-story.ts';
import {changeRecord, forgeHeader, verifyLog} from '../../support/ledger-tamper.ts';
import type {HeaderEdit, RecordEdit} from '../../support/ledger-tamper.ts';

const hashes = await createNativeHashes();
const size = 300;
const {log, turns, denied, warned, closed} = tellStory(hashes, size);
const trusted = [log.shard.key];
const usual: LogCase = {shards: [log.shard], trusted, note: log.note()};

function verify(records: readonly LogRecord[], input = usual, library = hashes): LogReport {
  return verifyLog(library, records, input);
}

function changed(leaf: number, edit: (record: FullRecord) => RecordEdit): readonly FullRecord[] {
  return changeRecord(log.records, leaf, edit);
}

function forged(leaf: number, edit: (header: Header) => HeaderEdit): readonly FullRecord[] {
  return forgeHeader(hashes, log.records, leaf, edit);
}

/** A text with one character replaced by another one of the same length. */
function flipped(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
}

describe('1: a byte of a part or of a salt flipped names that leaf', () => {
  const withContent = turns[0] ?? 0;
  describe.each([0, withContent, 255, 256, 257, size - 1])('leaf %d', (leaf) => {
    const record = recordAt(log.records, leaf);
    const places = (length: number): readonly number[] => [0, Math.floor(length / 2), length - 1];

    test('in the data', () => {
      for (const at of places((record.data ?? '').length)) {
        const report = verify(changed(leaf, ({data}) => ({data: flipped(data ?? '', at)})));
        expect(report).toMatchObject({exit: 40, fault: {leaf, class: 'data'}});
      }
    });
    test('in the salts', () => {
      for (const at of [0, 16, 31]) {
        for (const bit of [0, 7]) {
          const bent = (salt: Uint8Array | null): Uint8Array | null =>
            salt?.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte)) ?? null;
          const report = verify(changed(leaf, ({dataSalt}) => ({dataSalt: bent(dataSalt)})));
          expect(report).toMatchObject({exit: 40, fault: {leaf, class: 'data'}});
          if (record.content === null) continue;
          const other = verify(
            changed(leaf, ({contentSalt}) => ({contentSalt: bent(contentSalt)})),
          );
          expect(other).toMatchObject({exit: 40, fault: {leaf, class: 'content'}});
        }
      }
    });
    test('in the content, where there is one', () => {
      const {content: whole} = record;
      for (const at of whole === null ? [] : places(whole.length)) {
        const report = verify(
          changed(leaf, ({content}) => ({content: flipped(content ?? '', at)})),
        );
        expect(report).toMatchObject({exit: 40, fault: {leaf, class: 'content'}});
      }
    });
  });
});

describe('2: a part replaced by one that looks the same', () => {
  const leaf = turns[0] ?? 0;
  const other = recordAt(log.records, turns[1] ?? 0);
  /** Replaces the part and makes its commitment fit, which only a forger with the key could keep. */
  const refitted = (data: string): readonly FullRecord[] =>
    forged(leaf, ({pay}) => {
      const salt = recordAt(log.records, leaf).dataSalt ?? new Uint8Array(32);
      return {pay: {...pay, d: commitData(hashes, salt, data)}};
    }).map((record) => (record.leaf === leaf ? {...record, data} : record));

  test.each([
    [
      'other key order',
      (text: string) =>
        text
          .replace('"data":{', '')
          .replace(/^\{(.*)\},"on_behalf_of":null\}$/, '{"on_behalf_of":null,"data":{$1}}'),
    ],
    ['1.0 for 1', (text: string) => text.replace('"sequence":1', '"sequence":1.0')],
    ['a space', (text: string) => text.replace(':', ': ')],
    ['an escape', (text: string) => text.replace('User', '\\u0055ser')],
  ])('%s: that leaf, also when its commitment was made to fit', (_, edit) => {
    const data = edit(recordAt(log.records, leaf).data ?? '');
    expect(JSON.parse(data)).toEqual(JSON.parse(recordAt(log.records, leaf).data ?? ''));
    expect(verify(changed(leaf, () => ({data})))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'data'},
    });
    expect(verify(refitted(data))).toMatchObject({exit: 40, fault: {leaf, class: 'data'}});
  });

  test('data and content swapped, another event’s part with its salt', () => {
    const swapped = changed(leaf, ({content, contentSalt, data, dataSalt}) => ({
      content: data,
      contentSalt: dataSalt,
      data: content,
      dataSalt: contentSalt,
    }));
    expect(verify(swapped)).toMatchObject({exit: 40, fault: {leaf, class: 'data'}});
    const {content, contentSalt, data, dataSalt} = other;
    expect(verify(changed(leaf, () => ({data, dataSalt})))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'data'},
    });
    expect(verify(changed(leaf, () => ({content, contentSalt})))).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'content'},
    });
  });
});

describe('3: header and facts', () => {
  const other: Record<keyof Header, unknown> = {
    v: 2,
    log: 'cellstate.example/logs/01a1f000-0000-7000-8000-0000000000ab',
    id: '01a20283-e193-774b-8000-000000000009',
    at: 1_795_338_527_999_999,
    kind: '4001',
    traj: '01a1f000-0000-7000-8000-0000000000ee',
    dag: '0:0:7777',
    prev: 'ab'.repeat(32),
    parents: [{h: 'ab'.repeat(32), r: 'foreign'}],
    corr: '01a1f000-0000-7000-8000-0000000000ee',
    trace: 'ab'.repeat(16),
    actor: {agent: null, by: 'system:job'},
    ent: {id: '01a1f000-0000-7000-8000-0000000000ee', ver: 9},
    grp: [0, 2],
    rdx: 2,
    pay: {c: null, d: 'ab'.repeat(32), s: null},
    gates: {v: 1, r: 'PPPSPPSSPSP', f: 'ab'.repeat(32)},
    idem: 'ab'.repeat(32),
  };
  const leaf = turns[1] ?? 0;

  test.each(Object.keys(other))('%s edited: that leaf', (key) => {
    const value = Reflect.get(other, key);
    const plain = changed(leaf, ({header}) => ({
      header: canonicalize({...JSON.parse(header), [key]: value}),
    }));
    expect(verify(plain)).toMatchObject({exit: 40, fault: {leaf}});
    // With the row's hashes made anew the header's own rules, its neighbours or the root tell.
    expect(verify(forged(leaf, () => ({[key]: value})))).toMatchObject({exit: 40});
  });

  test('a D made a P', () => {
    const edit = changed(denied, ({header}) => ({
      header: header.replace('PPPSPPSDSSS', 'PPPSPPSPSSS'),
    }));
    expect(verify(edit)).toMatchObject({exit: 40, fault: {leaf: denied, class: 'header'}});
    const kind = changed(denied, ({header}) => ({
      header: header
        .replace('PPPSPPSDSSS', 'PPPSPPSPSSS')
        .replace('"kind":"0401"', '"kind":"4001"')
        .replace('"ver":null', '"ver":1'),
    }));
    expect(verify(kind)).toMatchObject({exit: 40, fault: {leaf: denied}});
  });

  test.each([
    ['at', (text: string) => text.replace(/"at":\d+/, '"at":1')],
    ['ends', (text: string) => text.replace('"ends":[[', '"ends":[[0,0],[')],
    ['policy', (text: string) => text.replace(/"policy":"../, '"policy":"00')],
    ['reads', (text: string) => text.replace(/,1\]\],"v"/, ',2]],"v"')],
    ['v', (text: string) => text.replace('"v":1,"why"', '"v":2,"why"')],
    ['why', (text: string) => text.replace('"why":{', '"why":{"BudgetGate":{"code":"X"}')],
    ['a space', (text: string) => `${text} `],
  ])('facts: %s edited: that leaf', (_, edit) => {
    const report = verify(changed(closed, ({facts}) => ({facts: edit(facts)})));
    expect(report).toMatchObject({exit: 40, fault: {leaf: closed, class: 'facts'}});
  });

  test.each([
    ['another time', turns[0] ?? 0, (text: string) => text.replace(/"at":\d+/, '"at":1')],
    [
      'a letter without its reason',
      warned,
      (text: string) => text.replace(/"why":.*$/, '"why":{}}'),
    ],
    [
      'a reason without its letter',
      turns[0] ?? 0,
      (text: string) => text.replace('"why":{}', '"why":{"LockGate":{"code":"X"}}'),
    ],
    ['another gate’s reason', denied, (text: string) => text.replace('LockGate', 'BudgetGate')],
  ])('%s, with the hash made to fit', (_, leaf, edit) => {
    const facts = edit(recordAt(log.records, leaf).facts);
    const fitted = forged(leaf, ({gates}) => ({gates: {...gates, f: factsHash(hashes, facts)}}));
    const report = verify(
      fitted.map((record) => (record.leaf === leaf ? {...record, facts} : record)),
    );
    expect(report).toMatchObject({exit: 40, fault: {leaf, class: 'facts'}});
  });
});

describe('4 and 5: hashes recomputed', () => {
  const edit = (header: Header): HeaderEdit => ({rdx: header.rdx + 1});
  test('event hash made anew, leaf hash left: that leaf', () => {
    const leaf = size - 1;
    const rows = forged(leaf, edit).map((record) => {
      const {leafHash: was} = recordAt(log.records, record.leaf).columns;
      return {...record, columns: {...record.columns, leafHash: was}};
    });
    expect(verify(rows)).toMatchObject({
      exit: 40,
      fault: {leaf, class: 'column', expected: expect.stringContaining('leaf_hash')},
    });
  });
  test('both made anew, inside a chain: its next event; at a chain’s end: the root', () => {
    expect(verify(forged(turns[0] ?? 0, edit))).toMatchObject({
      exit: 40,
      fault: {leaf: turns[1], class: 'chain'},
    });
    expect(verify(forged(size - 1, edit))).toMatchObject({
      exit: 40,
      fault: {leaf: null, class: 'root'},
    });
  });
  test('everything made anew with the root: the note is not signed by the key', () => {
    const rows = forged(size - 1, edit);
    const root = verify(rows, {shards: [log.shard], trusted}).shards[0]?.root ?? '';
    const note = log
      .note()
      .replace(/\n[^\n]+\n\n/, `\n${Buffer.from(root, 'hex').toString('base64')}\n\n`);
    expect(verify(rows, {...usual, note})).toMatchObject({
      exit: 40,
      fault: {class: 'key', found: 'bad'},
    });
  });
});
