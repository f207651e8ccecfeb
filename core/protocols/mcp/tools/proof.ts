/** The set `proof`: what happened, and that it is so. */
import {z} from 'zod';
import {createNobleHashes} from '../../../../shared/ledger/noble.ts';
import {verifyReceipt} from '../../../../shared/ledger/verify.ts';
import type {Contract} from '../../../../shared/wire/contract.ts';
import {eventsAncestors, eventsDescendants} from '../../../../shared/wire/events.ts';
import {inputError, refuse} from '../../../../shared/wire/issues.ts';
import {logKey, receiptsGet} from '../../../../shared/wire/ledger.ts';
import {id, text} from '../../../../shared/wire/scalar.ts';
import {outputSchema, ownSchema} from '../schemas.ts';
import {readOwn, toolOf, type Tool} from '../tool.ts';

const hashes = createNobleHashes();
const receiptCharacters = 1024 * 1024;

const strictInput = z.strictObject({
  event_id: id.read.optional(),
  receipt: z.union([text(receiptCharacters).read, z.record(z.string(), z.unknown())]).optional(),
});
const eitherOf = strictInput.superRefine((value, context) => {
  const isOne = (value.event_id === undefined) !== (value.receipt === undefined);
  if (!isOne) refuse(context, 'INVALID_INPUT', 'states not exactly one of event_id and receipt');
});

const check = z.object({name: z.string(), ok: z.boolean(), detail: z.string()});

/** The policy that trusts the keys of this tenant's log, as this server names them. */
const policyOf = (shards: readonly {vkey: string}[]): string =>
  [...shards.map(({vkey}) => `log ${vkey}`), 'quorum none', ''].join('\n');

/**
 * A convenience: it asks this server for its own keys. Proof is the offline verifier with a key
 * that its holder came by in another way.
 */
const receiptVerify: Tool = {
  set: 'proof',
  name: 'receipt_verify',
  title: 'Verify a receipt',
  description:
    'Verify that a change is in the ledger: by the receipt_id of a result (event_id), or a whole receipt that you kept.',
  annotations: {readOnlyHint: true, idempotentHint: true, openWorldHint: false},
  may: 'ledger:read',
  input: ownSchema(strictInput),
  output: outputSchema({
    valid: z.boolean(),
    level: z.enum(['none', 'L0', 'L1']),
    checks: z.array(check),
    receipt: z.string(),
  }),
  async run(stated, asking, ask) {
    const read = eitherOf.safeParse(stated, {reportInput: true});
    if (!read.success) throw inputError('receipt_verify', read.error.issues);
    const {event_id, receipt: kept} = read.data;
    const asked =
      event_id === undefined ? null : await ask(receiptsGet as Contract, {event_id}, asking);
    const receipt = asReceipt(asked === null ? kept : asked.body);
    const keys = await ask(logKey as Contract, {}, asking);
    const {shards} = keys.body as {shards: {vkey: string}[]};
    const {level, exit, checks} = verifyReceipt(hashes, {receipt, policy: policyOf(shards)});
    const shown = checks.map(({name, ok, detail}) => ({name, ok, detail}));
    return {structured: {valid: exit === 0, level, checks: shown, receipt}, answer: {}};
  },
};

const asReceipt = (kept: unknown): string =>
  typeof kept === 'string' ? kept : JSON.stringify(kept);

const own = {
  direction: z.enum(['ancestors', 'descendants']),
  limit: z.int().min(1).max(200).default(50),
};
const walk = toolOf({
  set: 'proof',
  name: 'events_walk',
  title: 'Walk along the events',
  description:
    'From one event to what it follows from (ancestors) or what follows from it (descendants), nearest first.',
  contract: eventsAncestors as Contract,
  kind: 'reads',
  members: ['events', 'count', 'truncated'],
  own,
});
const ownReader = z.object(own);

export const proofTools: readonly Tool[] = [
  receiptVerify,
  {
    ...walk,
    async run(stated, asking, ask) {
      const {direction, ...rest} = readOwn('events_walk', ownReader, own, stated);
      const contract = direction === 'ancestors' ? eventsAncestors : eventsDescendants;
      const answer = await ask(contract as Contract, rest, asking);
      return {structured: {...(answer.body as object)}, answer};
    },
  },
];
