/**
 * Which events' payloads a caller is shown: those of entities that it could read by id.
 *
 * `ledger:read` lets a caller see that something happened, and its proof; not what was written.
 */
import {kindEntity, type KindName} from '../../shared/ledger/kinds.ts';
import {contracts} from '../../shared/wire/all.ts';
import {covers} from '../../shared/wire/contract.ts';
import type {Actor} from '../domain/actor.ts';
import {resourceNamed} from './resources.ts';

const mayById = new Map(contracts.map(({id, may}) => [id, may]));

/** Whether the payload of an event of this kind is shown to a caller. */
export function mayReadPayload(actor: Actor, kind: KindName): boolean {
  const entity = kindEntity(kind);
  // Kinds about no one entity hold what the ledger itself has to say, or what a caller gave it.
  if (entity === null) return true;
  const plural = resourceNamed(entity)?.plural;
  const may = plural === undefined ? undefined : mayById.get(`${plural}_get`);
  return may !== undefined && covers(actor.scopes, may);
}
