/**
 * What a tenant's rules allow, told a second time and simply: the oracle of the simulation.
 *
 * It knows nothing of lanes, views, versions of rows in memory or batches: one request after another,
 * in the order of their leaves, on maps.
 */
import type {ErrorCode} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import type {KindName} from '../../shared/ledger/kinds.ts';
import type {Wanted} from './wishes.ts';

type Trajectory = {
  status: 'active' | 'suspended' | 'completed' | 'failed';
  isDeleted: boolean;
  externalId: string | null;
  parent: Id | null;
  depth: number;
  version: number;
};
type Agent = {
  status: string;
  isDeleted: boolean;
  isKilled: boolean;
  externalId: string | null;
  isDefault: boolean;
  version: number;
};
type Key = {status: 'active' | 'revoked'; name: string; version: number};

export type World = {
  depthLimit: number;
  needsIfMatch: boolean;
  tenantVersion: number;
  trajectories: Map<Id, Trajectory>;
  agents: Map<Id, Agent>;
  keys: Map<Id, Key>;
  /** What an idempotency key stands for, by principal and key. */
  seen: Map<string, string>;
};

export type Expected =
  | {is: 'events'; kinds: readonly KindName[]; after: World}
  | {is: 'denied'; code: ErrorCode; isRecorded: boolean; after: World}
  | {is: 'same'};

type Denial = {code: ErrorCode; isQuiet?: true};

const refuse = (code: ErrorCode): Denial => ({code});
const missing = (code: ErrorCode): Denial => ({code, isQuiet: true});

/** What must become of a request in a world. `holder`: the agents and keys it acts with. */
export function expected(world: World, wanted: Wanted): Expected {
  const after = copyOf(world);
  const kinds: KindName[] = [];
  for (const [index, command] of wanted.commands.entries()) {
    const denial = gates(after, wanted, command, index, kinds);
    if (denial === 'same') return {is: 'same'};
    if (denial === null) continue;
    const isRecorded = denial.isQuiet !== true;
    const denied = {...world, seen: new Map(world.seen)};
    const seenAs = nameOf(wanted);
    if (isRecorded && seenAs !== null && denial.code !== 'IDEMPOTENCY_CONFLICT')
      denied.seen.set(seenAs, wanted.digest);
    return {is: 'denied', code: denial.code, isRecorded, after: denied};
  }
  const seenAs = nameOf(wanted);
  if (kinds.length > 0 && seenAs !== null) after.seen.set(seenAs, wanted.digest);
  return {is: 'events', kinds, after};
}

const copied = <T extends object>(rows: ReadonlyMap<Id, T>): Map<Id, T> =>
  new Map([...rows].map(([id, row]) => [id, {...row}]));

/** Worlds that were handed out stay as they are. */
const copyOf = (world: World): World => ({
  ...world,
  trajectories: copied(world.trajectories),
  agents: copied(world.agents),
  keys: copied(world.keys),
  seen: new Map(world.seen),
});

export const nameOf = ({key, by}: Pick<Wanted, 'key' | 'by'>): string | null =>
  key === null ? null : `${by} ${key}`;

function gates(
  world: World,
  wanted: Wanted,
  command: Wanted['commands'][number],
  index: number,
  kinds: KindName[],
): Denial | 'same' | null {
  const {keyId, agentId} = wanted;
  if (keyId !== null && world.keys.get(keyId)?.status !== 'active') return refuse('FORBIDDEN');
  const actor = agentId === null ? null : world.agents.get(agentId);
  if (actor !== null && (actor === undefined || actor.isDeleted)) return refuse('FORBIDDEN');
  if (actor?.isKilled === true && command.type !== 'agent.revive') return refuse('STATE_CONFLICT');
  const name = nameOf(wanted);
  const stands = name === null ? undefined : world.seen.get(name);
  if (stands !== undefined)
    return stands === wanted.digest ? 'same' : refuse('IDEMPOTENCY_CONFLICT');
  const ifMatch = index === 0 ? wanted.ifMatch : wanted.ifMatch === null ? null : 'any';
  return decide(world, command, ifMatch, kinds);
}

function versions(world: World, ifMatch: number | 'any' | null, version: number): Denial | null {
  if (typeof ifMatch === 'number' && ifMatch !== version) return refuse('PRECONDITION_FAILED');
  return ifMatch === null && world.needsIfMatch ? refuse('PRECONDITION_REQUIRED') : null;
}

const isLive = (row: {isDeleted: boolean} | undefined): boolean =>
  row !== undefined && !row.isDeleted;

function decide(
  world: World,
  c: Wanted['commands'][number],
  ifMatch: number | 'any' | null,
  kinds: KindName[],
): Denial | null {
  switch (c.type) {
    case 'trajectory.create':
      return createTrajectory(world, c, kinds);
    case 'trajectory.update':
    case 'trajectory.suspend':
    case 'trajectory.resume':
    case 'trajectory.end':
    case 'trajectory.delete':
      return changeTrajectory(world, c, ifMatch, kinds);
    case 'agent.register': {
      const {externalId, reportsTo} = c.draft;
      const isTaken =
        externalId !== null &&
        [...world.agents.values()].some((one) => !one.isDeleted && one.externalId === externalId);
      if (isTaken) return refuse('ENTITY_ALREADY_EXISTS');
      if (reportsTo !== null && !isLive(world.agents.get(reportsTo)))
        return missing('AGENT_NOT_FOUND');
      world.agents.set(c.id, {
        status: 'idle',
        isDeleted: false,
        isKilled: false,
        externalId,
        isDefault: false,
        version: 1,
      });
      kinds.push('agent.registered');
      return null;
    }
    case 'agent.update':
    case 'agent.kill':
    case 'agent.revive':
    case 'agent.unregister':
      return changeAgent(world, c, ifMatch, kinds);
    case 'api_key.create': {
      const isTaken = [...world.keys.values()].some(
        (one) => one.status === 'active' && one.name === c.draft.name,
      );
      if (isTaken) return refuse('ENTITY_ALREADY_EXISTS');
      world.keys.set(c.id, {status: 'active', name: c.draft.name, version: 1});
      kinds.push('api_key.created');
      return null;
    }
    case 'api_key.revoke':
    case 'api_key.rotate':
      return changeKey(world, c, ifMatch, kinds);
    case 'tenant.change_settings': {
      const denial = versions(world, ifMatch, world.tenantVersion);
      if (denial !== null) return denial;
      if (c.set['max_trajectory_depth'] !== undefined)
        world.depthLimit = Number(c.set['max_trajectory_depth']);
      if (c.set['require_if_match'] !== undefined)
        world.needsIfMatch = c.set['require_if_match'] === true;
      world.tenantVersion += 1;
      kinds.push('tenant.settings_changed');
      return null;
    }
    case 'tenant.update': {
      const denial = versions(world, ifMatch, world.tenantVersion);
      if (denial !== null) return denial;
      world.tenantVersion += 1;
      kinds.push('tenant.updated');
      return null;
    }
  }
}

function createTrajectory(
  world: World,
  c: Extract<Wanted['commands'][number], {type: 'trajectory.create'}>,
  kinds: KindName[],
): Denial | null {
  const {externalId, parentTrajectoryId, agentId} = c.draft;
  const isTaken =
    externalId !== null &&
    [...world.trajectories.values()].some((one) => !one.isDeleted && one.externalId === externalId);
  if (isTaken) return refuse('ENTITY_ALREADY_EXISTS');
  const parent =
    parentTrajectoryId === null ? undefined : world.trajectories.get(parentTrajectoryId);
  if (parentTrajectoryId !== null && !isLive(parent)) return missing('TRAJECTORY_NOT_FOUND');
  if (!isLive(world.agents.get(agentId))) return missing('AGENT_NOT_FOUND');
  if (parent?.status === 'completed' || parent?.status === 'failed')
    return refuse('STATE_CONFLICT');
  const depth = parent === undefined ? 0 : parent.depth + 1;
  if (depth > world.depthLimit) return refuse('LIMIT_EXCEEDED');
  world.trajectories.set(c.id, {
    status: 'active',
    isDeleted: false,
    externalId,
    parent: parentTrajectoryId,
    depth,
    version: 1,
  });
  kinds.push('trajectory.created');
  return null;
}

type TrajectoryChange = Exclude<
  Extract<Wanted['commands'][number], {type: `trajectory.${string}`}>,
  {type: 'trajectory.create'}
>;

function changeTrajectory(
  world: World,
  c: TrajectoryChange,
  ifMatch: number | 'any' | null,
  kinds: KindName[],
): Denial | null {
  const found = world.trajectories.get(c.id);
  if (found === undefined || found.isDeleted) return missing('TRAJECTORY_NOT_FOUND');
  const from: Readonly<Record<string, readonly string[]>> = {
    'trajectory.suspend': ['active'],
    'trajectory.resume': ['suspended'],
    'trajectory.end': ['active'],
  };
  if (from[c.type]?.includes(found.status) === false) return refuse('STATE_CONFLICT');
  const hasChildren = [...world.trajectories.values()].some(
    (one) => one.parent === c.id && !one.isDeleted,
  );
  if (c.type === 'trajectory.delete' && hasChildren) return refuse('STATE_CONFLICT');
  const denial = versions(world, ifMatch, found.version);
  if (denial !== null) return denial;
  found.version += 1;
  switch (c.type) {
    case 'trajectory.update':
      kinds.push('trajectory.updated');
      break;
    case 'trajectory.suspend':
      found.status = 'suspended';
      kinds.push('trajectory.suspended');
      break;
    case 'trajectory.resume':
      found.status = 'active';
      kinds.push('trajectory.resumed');
      break;
    case 'trajectory.end':
      found.status = 'completed';
      kinds.push('trajectory.completed');
      break;
    case 'trajectory.delete':
      found.isDeleted = true;
      kinds.push('trajectory.deleted');
      break;
  }
  return null;
}

type AgentChange = Exclude<
  Extract<Wanted['commands'][number], {type: `agent.${string}`}>,
  {type: 'agent.register'}
>;

function changeAgent(
  world: World,
  c: AgentChange,
  ifMatch: number | 'any' | null,
  kinds: KindName[],
): Denial | null {
  const found = world.agents.get(c.id);
  if (found === undefined || found.isDeleted) return missing('AGENT_NOT_FOUND');
  const isRefused =
    (c.type === 'agent.unregister' && (found.isDefault || found.status === 'active')) ||
    (c.type === 'agent.kill' && found.isKilled) ||
    (c.type === 'agent.revive' && !found.isKilled);
  if (isRefused) return refuse('STATE_CONFLICT');
  const denial = versions(world, ifMatch, found.version);
  if (denial !== null) return denial;
  found.version += 1;
  switch (c.type) {
    case 'agent.update':
      kinds.push('agent.updated');
      break;
    case 'agent.kill':
      found.isKilled = true;
      found.status = 'offline';
      kinds.push('agent.killed');
      break;
    case 'agent.revive':
      found.isKilled = false;
      found.status = 'idle';
      kinds.push('agent.revived');
      break;
    case 'agent.unregister':
      found.isDeleted = true;
      kinds.push('agent.unregistered');
      break;
  }
  return null;
}

type KeyChange = Extract<Wanted['commands'][number], {type: 'api_key.revoke' | 'api_key.rotate'}>;

function changeKey(
  world: World,
  c: KeyChange,
  ifMatch: number | 'any' | null,
  kinds: KindName[],
): Denial | null {
  const found = world.keys.get(c.id);
  if (found === undefined) return missing('API_KEY_NOT_FOUND');
  if (c.type === 'api_key.rotate' && found.status !== 'active') return refuse('STATE_CONFLICT');
  const denial = versions(world, ifMatch, found.version);
  if (denial !== null) return denial;
  if (found.status === 'revoked') return null;
  found.version += 1;
  found.status = 'revoked';
  if (c.type === 'api_key.revoke') {
    kinds.push('api_key.revoked');
    return null;
  }
  world.keys.set(c.successor, {status: 'active', name: found.name, version: 1});
  kinds.push('api_key.rotated', 'api_key.created');
  return null;
}
