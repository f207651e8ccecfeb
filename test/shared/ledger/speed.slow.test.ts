/**
 * Row V1 of benchmarks.md: a whole log verified from its bytes, on one core.
 */
import {expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {createLogVerifier} from '../../../shared/ledger/log-verifier.ts';
import {tellStory} from '../../support/ledger-story.ts';

test('verifies at least 40 000 events of 60 words a second', async () => {
  const hashes = await createNativeHashes();
  const size = 50_000;
  const {log} = tellStory(hashes, size);
  const note = log.note();
  const rates = [1, 2, 3].map(() => {
    const verifier = createLogVerifier(hashes, {shards: [log.shard], note});
    const begunMs = performance.now();
    for (const record of log.records) verifier.add(record);
    expect(verifier.finish()).toMatchObject({exit: 0, size});
    return Math.round((1_000 * size) / (performance.now() - begunMs));
  });
  expect(Math.max(...rates)).toBeGreaterThan(40_000);
});
