/** Use cases of proofs. */
import {
  logCheckpoint,
  logConsistency,
  logKey,
  receiptsGet,
  receiptsProof,
} from '../../shared/wire/ledger.ts';
import type {Actor} from '../domain/actor.ts';
import {checkpointText, consistencyText, headOf, proofText, storedReceipt} from './receipt.ts';
import {serve, type Services, type Serving} from './services.ts';

const firstEvent = {
  name: 'event_select_first',
  text: 'select event_id from ledger.event where tenant_no = $1 and leaf = $2',
};

async function shardsOf(services: Services, actor: Actor): Promise<object> {
  const head = await headOf(services, actor);
  const {tenantNo} = actor;
  const [first] = await services.store.read(tenantNo, (q) =>
    q.rows<{event_id: string}>(firstEvent, [tenantNo, head.baseLeaf]),
  );
  const opened =
    first === undefined
      ? null
      : JSON.parse(await storedReceipt(services, actor, first.event_id, {open: true}));
  return {
    shards: [
      {shard: head.shard, origin: head.origin, vkey: head.vkey, base_leaf: head.baseLeaf, opened},
    ],
  };
}

export const ledgerUseCases = (services: Services): Serving[] => [
  serve(receiptsGet, async ({actor, input}) => ({
    body: await storedReceipt(services, actor, input.eventId, input),
  })),
  serve(receiptsProof, async ({actor, input}) => ({
    body: await proofText(services, actor, input.eventId),
  })),
  serve(logCheckpoint, async ({actor, input}) => ({
    body: await checkpointText(services, actor, input.size),
  })),
  serve(logConsistency, async ({actor, input}) => ({
    body: await consistencyText(services, actor, input.from, input.to),
  })),
  serve(logKey, async ({actor}) => ({body: await shardsOf(services, actor)})),
];
