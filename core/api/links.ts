/**
 * The links of a single entity: itself, what it hangs on, and what may be done with it now.
 *
 * They are read off the contracts: every operation on the entity's own path is a link under its verb,
 * where the caller's scopes cover it and the state allows it.
 */
import {contracts} from '../../shared/wire/all.ts';
import {covers, type Contract} from '../../shared/wire/contract.ts';
import type {Fields, Resource} from '../../shared/wire/resource.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';

type Link = {readonly href: string; readonly method: string; readonly title?: string};
type State = Readonly<Record<string, unknown>>;

/** Operations that a state does not allow, by `<entity>.<verb>`; those not listed are always allowed. */
const allowed: Readonly<Record<string, (s: State) => boolean>> = {
  'trajectory.outcome': (s) => s['status'] === 'active' || s['status'] === 'suspended',
  'trajectory.suspend': (s) => s['status'] === 'active',
  'trajectory.resume': (s) => s['status'] === 'suspended',
  'scope.close': (s) => s['isActive'] === true,
  'scope.checkpoint': (s) => s['isActive'] === true,
  'scope.rewind': (s) => s['isActive'] === true,
  'agent.kill': (s) => s['killedAt'] === null,
  'agent.revive': (s) => s['killedAt'] !== null,
  'artifact.supersede': (s) => s['supersededBy'] === null,
  'note.supersede': (s) => s['supersededBy'] === null,
  'api_key.rotate': (s) => s['status'] === 'active',
  'tenant.suspend': (s) => s['status'] === 'active',
  'tenant.activate': (s) => s['status'] === 'suspended',
  'lock.extend': (s) => s['status'] === 'held',
  'lock.release': (s) => s['status'] === 'held',
};

/** Entities that a member names, and where they are read. */
const named = [
  ['trajectory', 'trajectoryId', '/trajectories/'],
  ['parent', 'parentTrajectoryId', '/trajectories/'],
  ['scope', 'scopeId', '/scopes/'],
  ['parent', 'parentScopeId', '/scopes/'],
  ['agent', 'agentId', '/agents/'],
] as const;

type Rel = {readonly rel: string; readonly contract: Contract; readonly path: string};

const prefix = '/api/v1';
const known = new Map<string, readonly Rel[]>();

/** Operations on one entity's own path, from its contracts. */
function relsOf(resource: Resource<Fields>): readonly Rel[] {
  const made = known.get(resource.name);
  if (made !== undefined) return made;
  const own = `/${resource.plural.replaceAll('_', '-')}/{${resource.idKey}}`;
  const rels = contracts
    .filter(({path}) => path.startsWith(own) && path.indexOf('{') === path.lastIndexOf('{'))
    .map((contract) => {
      const verb = contract.id.slice(contract.id.lastIndexOf('_') + 1);
      return {rel: verb === 'get' ? 'self' : verb, contract, path: contract.path};
    });
  known.set(resource.name, rels);
  return rels;
}

/** Links of an entity for a caller. A read of the past has none that change anything. */
export function linksOf(
  resource: Resource<Fields>,
  row: Row<unknown>,
  actor: Actor,
  isPast: boolean,
): Record<string, Link> {
  const links: Record<string, Link> = {};
  const state = row.state as State;
  for (const {rel, contract, path} of relsOf(resource)) {
    const isChange = contract.method !== 'GET';
    if (isChange && (isPast || !covers(actor.scopes, contract.may))) continue;
    if (allowed[`${resource.name}.${rel}`]?.(state) === false) continue;
    const href = prefix + path.replace(`{${resource.idKey}}`, row.id);
    links[rel] = {href, method: contract.method};
  }
  for (const [rel, member, path] of named) {
    const id = state[member];
    if (typeof id === 'string') links[rel] = {href: prefix + path + id, method: 'GET'};
  }
  const by = state['supersededBy'];
  if (typeof by === 'string') {
    links['superseded_by'] = {href: `${prefix}/${resource.plural}/${by}`, method: 'GET'};
  }
  return links;
}
