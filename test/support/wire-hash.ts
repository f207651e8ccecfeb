/** What of the contracts a client can notice, in one hash. */
import {createHash} from 'node:crypto';
import {z} from 'zod';
import {errorTable} from '../../shared/errors.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import {contracts} from '../../shared/wire/all.ts';
import type {Contract} from '../../shared/wire/contract.ts';

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): unknown =>
  z.toJSONSchema(schema, {io, unrepresentable: 'any'});

function wireOf(contract: Contract): object {
  const {input, output, summary: _, errors, ...rest} = contract;
  return {
    ...rest,
    errors: [...errors].toSorted(),
    input: schemaOf(input, 'input'),
    output: schemaOf(output, 'output'),
  };
}

/** SHA-256 of every contract and the error table; summaries, which are prose, do not count. */
export function wireHash(): string {
  const wire = {
    errors: errorTable,
    contracts: Object.fromEntries(contracts.map((contract) => [contract.id, wireOf(contract)])),
  };
  const plain = JSON.parse(JSON.stringify(wire)) as Parameters<typeof canonicalize>[0];
  return createHash('sha256').update(canonicalize(plain)).digest('hex');
}
