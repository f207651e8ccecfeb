/** How MCP reaches the use cases: by contract, with members as the wire spells them. */
import {
  covers,
  missingScope,
  placeOf,
  readInput,
  type Contract,
} from '../../../shared/wire/contract.ts';
import type {Answer, Serving} from '../../api/services.ts';
import type {Actor, Call} from '../../domain/actor.ts';

/** Who asks, and what its request says besides its input. */
export type Asking = {readonly actor: Actor; readonly call: Call};

export type Stated = Readonly<Record<string, unknown>>;

/** Asks the use case of a contract. Throws what it throws, and 403 without the contract's scope. */
export type Ask = (contract: Contract, stated: Stated, of: Asking) => Promise<Answer>;

/** Makes the function that asks. */
export function createAsk(servings: readonly Serving[]): Ask {
  const byContract = new Map(servings.map((serving) => [serving.contract, serving]));
  return async (contract, stated, {actor, call}) => {
    const serving = byContract.get(contract);
    if (serving === undefined) throw new Error(`no use case serves ${contract.id}`);
    if (!covers(actor.scopes, contract.may)) throw missingScope(contract.may);
    const input = readInput(contract, asSent(contract, stated));
    return serving.run({actor, input: input as never, call});
  };
}

/** What travels in a query is text there; in MCP it is what it means. */
function asSent(contract: Contract, stated: Stated): Record<string, unknown> {
  const sent = Object.entries(stated).map(([name, value]) => [
    name,
    placeOf(contract, name) === 'query' ? asText(value) : value,
  ]);
  return Object.fromEntries(sent) as Record<string, unknown>;
}

function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}
