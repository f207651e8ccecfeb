/** Random requests of random callers, as the use cases would make commands of them. */
import type {AgentCommand} from '../../core/domain/agent.ts';
import type {ApiKeyCommand} from '../../core/domain/api-key.ts';
import type {TenantCommand} from '../../core/domain/tenant.ts';
import type {TrajectoryCommand} from '../../core/domain/trajectory.ts';
import type {Id} from '../../shared/ids.ts';
import {defaultMemoryAccess} from '../../shared/wire/agents.ts';
import type {Random} from '../support/seeds.ts';
import {poison} from '../support/simulated-tables.ts';

type SimulatedCommand =
  | TrajectoryCommand
  | Extract<
      AgentCommand,
      {type: 'agent.register' | 'agent.update' | 'agent.kill' | 'agent.revive' | 'agent.unregister'}
    >
  | Extract<ApiKeyCommand, {type: 'api_key.create' | 'api_key.revoke' | 'api_key.rotate'}>
  | Extract<TenantCommand, {type: 'tenant.change_settings' | 'tenant.update'}>;

/** A request as it is judged: who, what, under which key. */
export type Wanted = {
  readonly by: string;
  readonly keyId: Id | null;
  readonly agentId: Id | null;
  readonly commands: readonly SimulatedCommand[];
  /** Equal for equal requests, whatever ids were made for them. */
  readonly digest: string;
  readonly key: string | null;
  readonly ifMatch: number | 'any' | null;
};

/** What callers of a tenant know of. */
export type Known = {
  readonly tenantId: Id;
  readonly defaultAgentId: Id;
  readonly adminKeyId: Id;
  readonly trajectories: Id[];
  readonly agents: Id[];
  readonly keys: Id[];
};

type Body = {
  readonly make: (newId: () => Id) => readonly SimulatedCommand[];
  readonly digest: string;
};

/** Few, so that callers get in each other's way. */
export const externalIds = ['x', 'y', 'z'] as const;

function body(random: Random, known: Known): Body {
  const of = (digest: string, make: Body['make']): Body => ({digest, make});
  const name = random.chance(0.03) ? poison : `name ${random.int(1_000)}`;
  const trajectory = known.trajectories.length === 0 ? null : random.pick(known.trajectories);
  const agent = random.pick(known.agents);
  const others = known.keys.filter((one) => one !== known.adminKeyId);
  // No such key at first; its holders would be shut out for the rest of the run if it were the only one.
  const key = random.chance(0.03)
    ? known.adminKeyId
    : others.length > 0
      ? random.pick(others)
      : known.tenantId;
  const kind = random.int(100);
  if (trajectory === null || kind < 22) {
    const draft = {
      externalId: random.chance(0.3) ? random.pick(externalIds) : null,
      name,
      description: null,
      subject: null,
      metadata: {},
      parentTrajectoryId: trajectory !== null && random.chance(0.3) ? trajectory : null,
      parentScopeId: null,
      agentId: random.chance(0.8) ? known.defaultAgentId : agent,
    };
    return of(`create ${JSON.stringify(draft)}`, (newId) => [
      {type: 'trajectory.create', id: newId(), draft},
    ]);
  }
  const id = trajectory;
  if (kind < 36)
    return of(`update ${id} ${name}`, () => [{type: 'trajectory.update', id, set: {name}}]);
  if (kind < 42) return of(`suspend ${id}`, () => [{type: 'trajectory.suspend', id, reason: null}]);
  if (kind < 48) return of(`resume ${id}`, () => [{type: 'trajectory.resume', id, reason: null}]);
  if (kind < 56) {
    const group: SimulatedCommand[] = [
      {type: 'trajectory.update', id, set: {name}},
      {type: random.chance(0.5) ? 'trajectory.suspend' : 'trajectory.resume', id, reason: null},
    ];
    return of(`group ${JSON.stringify(group)}`, () => group);
  }
  if (kind < 59) {
    const outcome = {
      status: 'success' as const,
      summary: '',
      produced_artifacts: [],
      produced_notes: [],
      promoted_artifacts: [],
      unpromoted: [],
      error: null,
    };
    return of(`end ${id}`, () => [{type: 'trajectory.end', id, outcome}]);
  }
  if (kind < 63) return of(`delete ${id}`, () => [{type: 'trajectory.delete', id}]);
  if (kind < 71) {
    const draft = {
      externalId: random.chance(0.3) ? random.pick(externalIds) : null,
      name,
      agentType: 'worker',
      capabilities: [],
      memoryAccess: defaultMemoryAccess,
      team: null,
      currentTrajectoryId: null,
      currentScopeId: null,
      canDelegateTo: [],
      reportsTo: random.chance(0.2) ? agent : null,
      metadata: {},
    };
    return of(`register ${JSON.stringify(draft)}`, (newId) => [
      {type: 'agent.register', id: newId(), draft, ownerPrincipalId: 'owner'},
    ]);
  }
  if (kind < 77)
    return of(`agent ${agent} ${name}`, () => [{type: 'agent.update', id: agent, set: {name}}]);
  if (kind < 80) return of(`kill ${agent}`, () => [{type: 'agent.kill', id: agent, reason: null}]);
  if (kind < 83) return of(`revive ${agent}`, () => [{type: 'agent.revive', id: agent}]);
  if (kind < 85) return of(`unregister ${agent}`, () => [{type: 'agent.unregister', id: agent}]);
  if (kind < 89) {
    const draft = {
      name: `key ${random.int(4)}`,
      scopes: [],
      agentId: null,
      sourceCeiling: 'user' as const,
      expiresAt: null,
      metadata: {},
      keyPrefix: 'cst_',
      keyHash: 'ab'.repeat(32),
    };
    return of(`key ${JSON.stringify(draft)}`, (newId) => [
      {type: 'api_key.create', id: newId(), draft},
    ]);
  }
  if (kind < 91)
    return of(`revoke ${key}`, () => [{type: 'api_key.revoke', id: key, reason: null}]);
  if (kind < 93) {
    const made = {keyPrefix: 'cst_', keyHash: 'cd'.repeat(32)};
    return of(`rotate ${key}`, (newId) => [
      {type: 'api_key.rotate', id: key, successor: newId(), made, graceSeconds: 0},
    ]);
  }
  if (kind < 97) {
    const set: Record<string, number | boolean> = random.chance(0.7)
      ? {max_trajectory_depth: 1 + random.int(3)}
      : {require_if_match: random.chance(0.4)};
    return of(`settings ${JSON.stringify(set)}`, () => [
      {type: 'tenant.change_settings', id: known.tenantId, set},
    ]);
  }
  // One namespace for all tenants: gate 4 cannot see that it is taken, the unique index does.
  const domain = `${random.pick(externalIds)}.test`;
  return of(`domain ${domain}`, () => [{type: 'tenant.update', id: known.tenantId, set: {domain}}]);
}

/** A request that may be sent more than once: each sending makes new ids, as the use cases do. */
export type Request = Omit<Wanted, 'commands'> & Body;

export function request(random: Random, known: Known, idempotencyKey: () => string): Request {
  const keyId = random.chance(0.75) ? known.adminKeyId : random.pick(known.keys);
  const agentId = random.chance(0.15) ? random.pick(known.agents) : null;
  const ifMatch = random.chance(0.15)
    ? random.chance(0.5)
      ? ('any' as const)
      : 1 + random.int(3)
    : null;
  const of = body(random, known);
  return {
    ...of,
    digest: `${of.digest} by ${agentId ?? ''} if ${ifMatch ?? ''}`,
    by: `api_key:${keyId}`,
    keyId,
    agentId,
    ifMatch,
    key: random.chance(0.6) ? idempotencyKey() : null,
  };
}

/** One sending of a request. */
export const sent = ({make, ...of}: Request, newId: () => Id): Wanted => ({
  ...of,
  commands: make(newId),
});
