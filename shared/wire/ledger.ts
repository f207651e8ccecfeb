/** Proofs: receipts of events, checkpoints and consistency of a tenant's log, its keys. */
import {z} from 'zod';
import {receiptMediaType} from '../ledger/receipt.ts';
import {contract} from './contract.ts';
import {boolText, id, intText} from './scalar.ts';

export const receiptsGet = contract({
  id: 'receipts_get',
  method: 'GET',
  path: '/receipts/{event_id}',
  may: 'ledger:read',
  summary: 'The receipt of an event: its exact header and a proof under a signed checkpoint',
  input: {
    event_id: id.read,
    open: boolText.read.optional(),
    checkpoint: intText(1).read.optional(),
  },
  output: z.string(),
  produces: receiptMediaType,
  errors: ['ENTITY_NOT_FOUND', 'INVALID_RANGE'],
});

export const receiptsProof = contract({
  id: 'receipts_proof',
  method: 'GET',
  path: '/receipts/{event_id}/proof',
  may: 'ledger:read',
  summary: 'The same proof as a c2sp.org/tlog-proof',
  input: {event_id: id.read},
  output: z.string(),
  produces: 'text/plain; charset=utf-8',
  errors: ['ENTITY_NOT_FOUND'],
});

export const logCheckpoint = contract({
  id: 'log_checkpoint',
  method: 'GET',
  path: '/log/checkpoint',
  may: 'ledger:read',
  summary: 'The signed note over the ledger of any committed size',
  input: {size: intText(1).read.optional()},
  output: z.string(),
  produces: 'text/plain; charset=utf-8',
  errors: ['INVALID_RANGE'],
});

export const logConsistency = contract({
  id: 'log_consistency',
  method: 'GET',
  path: '/log/consistency',
  may: 'ledger:read',
  summary: 'Proof that one size of the ledger is a prefix of another',
  input: {from: intText(1).read, to: intText(1).read},
  output: z.string(),
  produces: 'text/plain; charset=utf-8',
  errors: ['INVALID_RANGE'],
});

export const logKey = contract({
  id: 'log_key',
  method: 'GET',
  path: '/log/key',
  may: 'ledger:read',
  summary: 'Verification keys of all shards of the ledger, oldest first',
  output: z.object({
    shards: z.array(
      z.object({
        shard: z.int(),
        origin: z.string(),
        vkey: z.string(),
        base_leaf: z.int(),
        opened: z.unknown(),
      }),
    ),
  }),
});
