/** What the server answers as proof holds by the verifier that everybody has. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {checkCheckpoint, parseCheckpoint} from '../../../shared/ledger/checkpoint.ts';
import {compareCheckpoints, parseConsistency} from '../../../shared/ledger/consistency.ts';
import {parseVkey} from '../../../shared/ledger/note.ts';
import {verifyReceipt} from '../../../shared/ledger/verify.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {endingApp, type EndingApp} from '../../support/ending-app.ts';
import {seedLog} from '../../support/seeded-log.ts';

const hashes = await createNativeHashes();
const sizes = [1, 2, 3, 5, 127, 128, 255, 256, 257, 300, 511, 512, 513];
let database: TestDatabase;
let of: EndingApp;
let vkey: string;

beforeAll(async () => {
  database = await freshDatabase();
  const first = await endingApp(database);
  const tenant = await seedLog(first.app, 520);
  await first.close();
  of = await endingApp(database, {tenant});
  vkey = (await of.ok('GET', '/log/key')).shards[0].vkey;
});
afterAll(async () => {
  await of.close();
  await database.close();
});

test.each([true, false])(
  'checkpoints of any size are signed and consistent (tiles: %s)',
  async (hasTiles) => {
    await of.app.upkeep.run(of.tenant.tenantNo);
    if (!hasTiles) await database.admin.run('delete from aux.tile');
    const key = parseVkey(hashes, vkey);
    const notes = new Map<number, string>();
    for (const size of sizes) notes.set(size, await of.ok('GET', `/log/checkpoint?size=${size}`));
    for (const [size, note] of notes) {
      const checkpoint = parseCheckpoint(note);
      expect({size: checkpoint.size, is: checkCheckpoint(hashes, checkpoint, key)}).toEqual({
        size,
        is: 'good',
      });
    }
    for (const from of [1, 3, 128, 255, 256, 257, 512]) {
      for (const to of sizes.filter((one) => one >= from)) {
        const answer = parseConsistency(
          await of.ok('GET', `/log/consistency?from=${from}&to=${to}`),
        );
        const older = parseCheckpoint(notes.get(from) ?? '');
        expect(compareCheckpoints(hashes, older, answer.checkpoint, answer.path)).toBe(
          'consistent',
        );
        expect(answer.checkpoint.size).toBe(to);
      }
    }
  },
);

test('the receipt of an event verifies under every checkpoint that is above it', async () => {
  const policy = `log ${vkey}\nquorum none\n`;
  const {events} = await of.ok('GET', '/event-dag?limit=1000');
  for (const leaf of [0, 1, 254, 255, 256, 257, 511]) {
    const event = events.find(({position}: {position: number}) => position === leaf);
    for (const size of [leaf + 1, ...sizes.filter((one) => one > leaf + 1)]) {
      const reply = await of.call(
        'GET',
        `/receipts/${event.event_id}?open=true&checkpoint=${size}`,
      );
      const receipt = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
      const {checks, exit, index, level} = verifyReceipt(hashes, {receipt, policy});
      const bad = checks.filter((one) => JSON.stringify(one).includes('false'));
      expect({leaf, size, exit, index, level, bad}).toEqual({
        leaf,
        size,
        exit: 0,
        index: leaf,
        level: 'L1',
        bad: [],
      });
    }
    const none = await of.call('GET', `/receipts/${event.event_id}?checkpoint=${leaf}`);
    expect(none.status).toBeGreaterThanOrEqual(400);
  }
});

test('sizes that the log has not come to, and none, are refused', async () => {
  const {position} = await of.call('GET', '/agents');
  const refused = [
    `/log/checkpoint?size=${position + 2}`,
    '/log/checkpoint?size=0',
    `/log/consistency?from=5&to=${position + 2}`,
    '/log/consistency?from=9&to=8',
    '/log/consistency?from=0&to=8',
  ];
  for (const path of refused) expect((await of.call('GET', path)).body.code).toBe('INVALID_RANGE');
});
