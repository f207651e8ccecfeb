/**
 * Case 15 of 04-ledger.md §12: how a log goes on under another key, and when it must not.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {signCheckpoint} from '../../../shared/ledger/checkpoint.ts';
import type {LogCase} from '../../../shared/ledger/log-case.ts';
import {renderVkey} from '../../../shared/ledger/note.ts';
import type {DataPart} from '../../../shared/ledger/payload.ts';
import type {LedgerFixture} from '../../support/ledger-fixture.ts';
import {signerOf} from '../../support/ledger-signer.ts';
import {tellStory} from '../../support/ledger-story.ts';
import {verifyLog} from '../../support/ledger-tamper.ts';

const hashes = await createNativeHashes();
const firstSize = 40;

/** The story, then a second shard with three events of its own. */
function rotated(lostCount = 0, said: DataPart['data'] = {}): LedgerFixture {
  const {log, main} = tellStory(hashes, firstSize);
  log.rotate(lostCount, said);
  log.write({kind: 'custom.f001'});
  log.write({kind: 'trajectory.updated', traj: main, ent: {id: main, ver: 2}});
  return log;
}

function verify(log: LedgerFixture, more: Partial<LogCase> = {}) {
  return verifyLog(hashes, log.records, {shards: log.shards, trusted: [log.shard.key], ...more});
}

/** A note of the first shard over leaves that its server then lost. */
function noteAt(log: LedgerFixture, size: number): string {
  return signCheckpoint({origin: log.shard.key.name, size, root: new Uint8Array(32)}, log.signer);
}

describe('a log whose key was changed', () => {
  test('verifies over both shards, chains going on from one to the other', () => {
    const log = rotated();
    log.rotate();
    log.write({kind: 'custom.f001'});
    const report = verify(log, {note: log.note()});
    expect(report).toMatchObject({exit: 0, size: firstSize + 5, isTrusted: true});
    expect(report.shards.map(({size}) => size)).toEqual([firstSize, 3, 2]);
  });

  test('verifies when leaves were lost and the new shard says which', () => {
    const log = rotated(5);
    expect(verify(log)).toMatchObject({exit: 0, size: firstSize + 5 + 3});
    expect(verify(log, {known: [noteAt(log, firstSize + 5)]})).toMatchObject({exit: 0});
  });

  test('has diverged when a kept note reaches beyond what it says was lost: 30', () => {
    const known = [noteAt(rotated(), firstSize + 6)];
    expect(verify(rotated(5), {known})).toMatchObject({exit: 30, evidence: known});
    expect(verify(rotated(), {known})).toMatchObject({exit: 30, evidence: known});
    const two = [noteAt(rotated(), firstSize + 1), ...known];
    expect(verify(rotated(5), {known: two})).toMatchObject({exit: 30, evidence: known});
  });

  test('needs the key that was announced: 20', () => {
    const log = rotated();
    const name = log.shards[1]?.key.name ?? '';
    const {key} = signerOf(hashes, name, new Uint8Array(32).fill(7));
    const shards = [log.shard, {key, baseLeaf: firstSize}];
    expect(verify(log, {shards})).toMatchObject({exit: 20, fault: {leaf: 0, class: 'shard'}});
  });

  test('without the first leaf of a shard is invalid: that leaf', () => {
    const log = rotated();
    log.records.splice(firstSize, 1);
    expect(verify(log)).toMatchObject({exit: 40, fault: {leaf: firstSize}});
  });

  test('whose shards are not those of one log, or not in order, is invalid', () => {
    const log = rotated();
    const [first, second] = log.shards;
    const lists = [[], [second], [first, first], [second, first]];
    for (const shards of lists) {
      const input = {shards: shards.filter((one) => one !== undefined)};
      expect(verifyLog(hashes, log.records, input)).toMatchObject({exit: 40, fault: {leaf: null}});
    }
  });
});

describe('the note over the shard before', () => {
  const log = tellStory(hashes, firstSize).log;
  const {signer} = signerOf(hashes, log.shard.key.name, new Uint8Array(32).fill(7));
  const stranger = signCheckpoint({origin: signer.name, size: firstSize, root: log.root()}, signer);

  test.each([
    ['is not signed by its key', {previous: stranger}, 40],
    ['is of another root', {previous: noteAt(log, firstSize)}, 40],
    ['reaches beyond what survives', {previous: noteAt(log, firstSize + 1)}, 40],
    ['is no note', {previous: 'x'}, 40],
    ['is no text', {previous: 1}, 40],
    ['is of less than survives', {previous: log.note(30)}, 20],
    ['is not there', {previous: null}, 20],
  ])('that %s: exit %s', (_, said, exit) => {
    expect(verify(rotated(0, said))).toMatchObject({
      exit,
      fault: {leaf: firstSize, class: 'shard'},
    });
  });

  test.each([
    ['leaves that are there are lost', 0, [30, 39]],
    ['none is lost where five are', 5, null],
    ['other leaves are lost', 5, [40, 45]],
  ])('an opening that says that %s: 40', (_, lostCount, lost) => {
    const report = verify(rotated(lostCount, {lost}));
    expect(report).toMatchObject({exit: 40, fault: {class: 'shard'}});
  });
});

test('the vkeys of the shards are those that were announced', () => {
  const log = rotated();
  const announced: string = JSON.parse(log.records[0]?.data ?? '').data.next;
  expect(log.shards.map(({key}) => renderVkey(key))[1]).toBe(announced);
});
