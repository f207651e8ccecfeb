/** Seeds through the write path: nothing is lost, doubled, reordered or falsely answered. */
import {expect, test} from 'vitest';
import {createNativeHashes} from '../../core/ledger/hashes.ts';
import {seedCount} from '../support/seeds.ts';
import {faultsOf} from './lane-checks.ts';
import {runSeed} from './lane-run.ts';

const hashes = await createNativeHashes();
const count = seedCount(200);

async function faultsOfSeed(seed: number): Promise<readonly string[]> {
  try {
    return faultsOf(hashes, await runSeed(seed, hashes));
  } catch (error) {
    return [String(error instanceof Error ? error.stack : error)];
  }
}

test(
  `${count} seeds: every caller is told the truth, and the log and its tables agree`,
  {timeout: 60_000 + count * 500},
  async () => {
    const first = Number(process.env['SEED'] ?? 1);
    for (let seed = first; seed < first + count; seed += 1) {
      expect({seed, faults: (await faultsOfSeed(seed)).slice(0, 5)}).toEqual({seed, faults: []});
    }
  },
);

test('a seed does again what it did', async () => {
  for (const seed of [3, 17, 40]) {
    const [once, again] = [await runSeed(seed, hashes), await runSeed(seed, hashes)];
    expect(again.digest).toBe(once.digest);
    expect(again.sendings.length).toBeGreaterThan(10);
  }
});
