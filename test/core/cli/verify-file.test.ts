/** Receipts and bundles as files: what an auditor does with them, without a server and a database. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {renderBundleHead, renderBundleRecord} from '../../../shared/ledger/bundle.ts';
import {createLedgerFixture, type LedgerFixture} from '../../support/ledger-fixture.ts';
import {command, type Ended} from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellstate-verify-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));
const hashes = await createNativeHashes();

let log: LedgerFixture;
const path = (name: string): string => join(folder, name);
function file(name: string, text: string): string {
  writeFileSync(path(name), text);
  return path(name);
}

beforeAll(() => {
  log = createLedgerFixture(hashes);
  const traj = log.id();
  log.write({kind: 'trajectory.created', traj, ent: {id: traj, ver: 1}});
  for (let i = 0; i < 20; i += 1) {
    log.write({
      kind: 'note.created',
      traj,
      ent: {id: log.id(), ver: 1},
      content: {content: `note ${i}`},
    });
  }
  file('policy', log.policy);
});

/** Verifies with pins and evidence of this test alone. */
const verify = (...argv: string[]): Promise<Ended> =>
  command(['verify', ...argv, '--pins', path('pins'), '--evidence', path('evidence.txt')]);

describe('a receipt', () => {
  test('is verified under a policy, and `--quiet` says nothing of it', async () => {
    const receipt = file('receipt.json', log.receipt(5, undefined, true));
    const {exit, out} = await verify(receipt, '--policy', path('policy'));
    expect({exit, out}).toEqual({exit: 0, out: expect.stringContaining('Verified (L1)')});
    expect((await verify(receipt, '--policy', path('policy'), '--quiet')).out).toBe('');
  });

  test('without a policy is sound by itself, and what is missing is said', async () => {
    const receipt = file('receipt.json', log.receipt(5));
    const {exit, out} = await verify(receipt);
    expect(exit).toBe(20);
    expect(out).toMatch(/Sound by itself \(L0\)[^]*--policy FILE[^]*quorum none/);
  });

  test('with one letter changed is invalid', async () => {
    const receipt = file(
      'receipt.json',
      log.receipt(5, undefined, true).replace('PPPSPP', 'PPPSPW'),
    );
    const {exit, out} = await verify(receipt, '--policy', path('policy'));
    expect({exit, out}).toEqual({exit: 40, out: expect.stringContaining('INVALID')});
  });

  test('under a policy of another log cannot pass', async () => {
    const other = createLedgerFixture(hashes, '01a1f000-0000-7000-8000-0000000000bb');
    const receipt = file('receipt.json', log.receipt(5));
    expect((await verify(receipt, '--policy', file('other', other.policy))).exit).toBe(40);
  });

  test('of a log that signed another head is evidence, in a file', async () => {
    const receipt = file('receipt.json', log.receipt(5, 10));
    const twin = createLedgerFixture(hashes);
    while (twin.records.length < 10)
      twin.write({kind: 'agent.registered', ent: {id: twin.id(), ver: 1}});
    const kept = file('kept.note', twin.note(10));
    const {exit, out} = await verify(
      receipt,
      '--policy',
      path('policy'),
      '--known',
      kept,
      '--json',
    );
    expect(exit).toBe(30);
    expect(JSON.parse(out)).toMatchObject({exit: 30, evidence_file: path('evidence.txt')});
    const evidence = readFileSync(path('evidence.txt'), 'utf8');
    expect(evidence).toContain(twin.note(10));
    expect(evidence).toContain(log.note(10));
  });

  test('that is no UTF-8 is invalid', async () => {
    const bad = path('bad.json');
    writeFileSync(bad, Uint8Array.of(0x7b, 0xff));
    expect((await verify(bad)).exit).toBe(40);
  });
});

describe('a bundle', () => {
  const bundle = (edit: (line: string, leaf: number) => string = (line) => line): string => {
    const {key} = log.shard;
    const head = renderBundleHead({shards: [{key, baseLeaf: 0, opened: null}], note: log.note()});
    const lines = log.records.map((record) => edit(renderBundleRecord(record), record.leaf));
    return file('bundle.ndjson', [head, ...lines, ''].join('\n'));
  };

  test('is verified whole under a policy', async () => {
    const {exit, out} = await verify(bundle(), '--policy', path('policy'));
    expect({exit, out}).toEqual({
      exit: 0,
      out: expect.stringContaining(`${log.records.length} events`),
    });
  });

  test('without a policy agrees with itself, and that is said', async () => {
    const {exit, out} = await verify(bundle());
    expect({exit, out}).toEqual({exit: 20, out: expect.stringContaining('--policy FILE')});
  });

  test('names the leaf whose part was changed', async () => {
    const changed = bundle((line, leaf) => (leaf === 17 ? line.replace('note', 'Note') : line));
    const {exit, out} = await verify(changed, '--policy', path('policy'), '--json');
    expect(exit).toBe(40);
    expect(JSON.parse(out)).toMatchObject({kind: 'bundle', exit: 40, fault: {leaf: 17}});
  });

  test('that lost its tail, or a line, is invalid', async () => {
    const whole = readFileSync(bundle(), 'utf8').split('\n');
    const cut = file('cut.ndjson', `${whole.slice(0, -3).join('\n')}\n`);
    expect((await verify(cut, '--policy', path('policy'))).out).toContain('Invalid');
    const holed = file('holed.ndjson', whole.filter((_, i) => i !== 9).join('\n'));
    expect((await verify(holed, '--policy', path('policy'))).out).toContain('at leaf 8');
  });

  test('names the line that is no event', async () => {
    const broken = bundle((line, leaf) => (leaf === 3 ? '{"leaf":3}' : line));
    const {exit, out} = await verify(broken, '--policy', path('policy'));
    expect({exit, out}).toEqual({exit: 40, out: expect.stringContaining('line 5')});
  });
});

describe('pinning a note', () => {
  const pin = (...argv: string[]): Promise<Ended> =>
    command([
      'checkpoint',
      'pin',
      ...argv,
      '--policy',
      path('policy'),
      '--pins',
      path('pinned'),
      '--evidence',
      path('split.txt'),
    ]);

  test('keeps it, for a later verification to compare with', async () => {
    expect(await pin(file('a.note', log.note(10)))).toMatchObject({exit: 0});
    expect((await pin(file('a.note', log.note(10)))).exit).toBe(0);
    const twin = createLedgerFixture(hashes);
    while (twin.records.length < 10)
      twin.write({kind: 'agent.registered', ent: {id: twin.id(), ver: 1}});
    const receipt = file('twin.json', twin.receipt(1, 10));
    const argv = [
      'verify',
      receipt,
      '--policy',
      path('policy'),
      '--pins',
      path('pinned'),
      '--evidence',
      path('split.txt'),
    ];
    expect((await command(argv)).exit).toBe(30);
  });

  test('refuses one that is not signed by a key of the policy', async () => {
    const forged = log.note(10).replace('\n10\n', '\n11\n');
    expect((await pin(file('b.note', forged))).exit).toBe(40);
    const other = createLedgerFixture(hashes, '01a1f000-0000-7000-8000-0000000000bb');
    expect((await pin(file('b.note', other.note()))).exit).toBe(20);
  });

  test('finds the second head of one size out', async () => {
    const twin = createLedgerFixture(hashes);
    while (twin.records.length < 10)
      twin.write({kind: 'agent.registered', ent: {id: twin.id(), ver: 1}});
    const {err, exit} = await pin(file('c.note', twin.note(10)));
    expect({exit, isThere: existsSync(path('split.txt'))}).toEqual({exit: 30, isThere: true});
    expect(err).toContain('exclude each other');
  });

  test('wants a proof that a longer log begins with the pinned one', async () => {
    const asked = await command(
      [
        'checkpoint',
        'pin',
        file('d.note', log.note(15)),
        '--policy',
        path('policy'),
        '--pins',
        path('pinned'),
      ],
      {CELLSTATE_API_URL: 'http://127.0.0.1:9'},
    );
    expect(asked.exit).toBe(3);
    const unproven = file('wrong.proof', `\n${log.note(15)}`);
    expect((await pin(path('d.note'), '--consistency', unproven)).exit).toBe(20);
  });
});
