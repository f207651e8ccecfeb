/** V2: one receipt verified offline, under a policy of its log's key. */
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {verifyReceipt} from '../../../shared/ledger/verify.ts';
import {eachOf} from '../floors/lmdb-get.ts';
import {rowOf} from '../row.ts';
import {openScope} from '../scale.ts';

const calls = 2_000;

export const v2 = rowOf({
  id: 'V2',
  about: 'one receipt offline, p50',
  measure: 'p50',
  unit: 'ms',
  floor: null,
  must: 2,
  goal: 1,
  async setup(world) {
    const {core, tenants} = await world.served();
    const key = tenants[0]?.key ?? '';
    const {shards} = await core.call<{shards: {vkey: string}[]}>(key, 'GET', '/log/key');
    const answer = await fetch(`${core.url}/api/v1/turns`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        prefer: 'receipt',
      },
      body: JSON.stringify({
        scope_id: await openScope(core, key),
        role: 'user',
        content: 'word '.repeat(60),
      }),
    });
    const {_receipt: receipt} = (await answer.json()) as {_receipt: unknown};
    const policy = `log ${shards[0]?.vkey ?? ''}\nquorum none\n`;
    return {receipt: JSON.stringify(receipt), policy, hashes: await createNativeHashes()};
  },
  async once({hashes, policy, receipt}) {
    const verdict = verifyReceipt(hashes, {receipt, policy});
    if (verdict.exit !== 0)
      throw new Error(`the receipt does not verify: ${JSON.stringify(verdict.checks)}`);
    return eachOf(calls, () => verifyReceipt(hashes, {receipt, policy}));
  },
});
