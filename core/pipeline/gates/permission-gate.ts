/**
 * Gate 3: the credential works now, and its agent may do this.
 *
 * Scopes were checked against the contract before anything was looked up; what is judged here is
 * what may change between that moment and the event: a key revoked one leaf earlier, an agent killed,
 * permissions and regions as they are in the lane. What is hidden from the agent is answered as if it
 * were not there, and leaves no event. A follow-up acts with what its cause was granted.
 */
import {isSystem, type SourceClass} from '../../domain/actor.ts';
import {isKilled, type Agent} from '../../domain/agent.ts';
import type {Row, View} from '../../domain/aggregate.ts';
import {aggregateNamed} from '../../domain/aggregates.ts';
import {isUsable, type ApiKey} from '../../domain/api-key.ts';
import {lowerClass, type Writer} from '../../domain/memory-item.ts';
import {itemOf, mayAccess, regionOf, type Asker, type Kind} from '../../domain/visibility.ts';
import {
  deny,
  denyQuietly,
  isLive,
  pass,
  skip,
  type Denial,
  type Unit,
  type Verdict,
} from './gate.ts';
import {fieldOf} from './reference-gate.ts';
import {refuseTransition, stateOf} from './who-may.ts';

const kinds: ReadonlySet<string> = new Set(['turn', 'artifact', 'note'] satisfies Kind[]);

export function permissionGate(u: Unit, v: View): Verdict {
  if (isSystem(u.actor)) return skip;
  // Before the credential too: a key that rotates itself is no longer active when its successor is made.
  if (u.isFollowUp) return pass;
  const credential = refuseCredential(u, v) ?? refuseAgent(u, v);
  if (credential !== null) return credential;
  const asker =
    u.actor.agentId === null ? null : (v.row<Agent>('agent', u.actor.agentId) as Asker | null);
  return (
    refuseTransition(u, v, asker) ??
    refuseRegion(u, v, asker) ??
    (asker === null ? null : (refuseItem(u, v, asker) ?? refuseHidden(u, v, asker))) ??
    pass
  );
}

/** The key works at this leaf, and still for the class that is written. */
function refuseCredential(u: Unit, v: View): Denial | null {
  if (u.actor.keyId === null) return null;
  const key = v.row<ApiKey>('api_key', u.actor.keyId);
  if (key === null || !isUsable(key.state, v.at)) {
    const why = {need: 'active_key', via: u.actor.keyId};
    return deny('FORBIDDEN', 'the API key no longer works', why);
  }
  const {writer, draft} = u.command as {
    writer?: Writer;
    draft?: {sourceClass?: SourceClass | null};
  };
  const {sourceCeiling: ceiling} = key.state;
  const isAbove = (value: SourceClass | null | undefined): boolean =>
    value !== null && value !== undefined && lowerClass(value, ceiling) !== value;
  // What was prepared under a higher ceiling is not written under this one.
  if (!isAbove(writer?.ceiling) && !isAbove(draft?.sourceClass)) return null;
  return deny('FORBIDDEN', `${u.aggregate.name}: this key writes nothing above ${ceiling}`, {
    need: 'source_ceiling',
    via: u.actor.keyId,
    limit: ceiling,
  });
}

function refuseAgent(u: Unit, v: View): Denial | null {
  if (u.actor.agentId === null) return null;
  const agent = v.row<Agent>('agent', u.actor.agentId);
  if (!isLive(agent)) return deny('FORBIDDEN', 'the acting agent is unregistered', {need: 'agent'});
  if (!isKilled(agent.state) || u.command.type === 'agent.revive') return null;
  const why = {from: 'killed', to: u.command.type, allowed: []};
  return deny('STATE_CONFLICT', 'the acting agent was killed', why);
}

/** A region that is named must be there, and be seen by who names it. */
function refuseRegion(u: Unit, v: View, asker: Asker | null): Denial | null {
  const {draft = {}, set = {}} = u.command as {draft?: object; set?: object};
  for (const stated of [draft, set]) {
    const region = regionOf(v, stated);
    if (region === null) continue;
    const isSeen =
      region !== undefined &&
      (asker === null || mayAccess(asker, 'read', itemOf(v, 'all', stated, region)));
    if (!isSeen) return denyQuietly('ENTITY_NOT_FOUND', 'no such region', {field: 'region_id'});
  }
  return null;
}

/** What is written must be seen and be writable; after a move, in both regions. */
function refuseItem(u: Unit, v: View, asker: Asker): Denial | null {
  const {name} = u.aggregate;
  const state = stateOf(u);
  if (!kinds.has(name) || state === null || (u.target !== null && !isLive(u.target))) return null;
  const {set} = u.command as {set?: object};
  const isMoved = set !== undefined && 'regionId' in set;
  for (const version of isMoved ? [state, {...state, ...set}] : [state]) {
    const region = regionOf(v, version) ?? null;
    const item = itemOf(v, name as Kind, version, region);
    if (u.target !== null && version === state && !mayAccess(asker, 'read', item)) {
      return denyQuietly(u.aggregate.missing, `no such ${name}`);
    }
    if (mayAccess(asker, 'write', item)) continue;
    return deny('FORBIDDEN', `${name}: the acting agent may not write this`, {
      need: 'write',
      agent: asker.id,
      via: region === null ? 'memory_access' : 'region',
    });
  }
  return null;
}

/** Items that a command names and that its agent may not read are not there. */
function refuseHidden(u: Unit, v: View, asker: Asker): Denial | null {
  for (const {entity, column, values, leaves} of u.aggregate.needs(u.command)) {
    if (column !== 'id' || leaves === true || !kinds.has(entity)) continue;
    for (const id of values) {
      const row: Row<unknown> | null = id === u.command.id ? null : v.row(entity, id);
      if (!isLive(row)) continue;
      const state = row.state as object;
      const item = itemOf(v, entity as Kind, state, regionOf(v, state) ?? null);
      if (mayAccess(asker, 'read', item)) continue;
      const field = fieldOf(u.command, id);
      const missing = aggregateNamed(entity)?.missing ?? 'ENTITY_NOT_FOUND';
      return denyQuietly(missing, `no such ${entity}`, field === null ? {} : {field});
    }
  }
  return null;
}
