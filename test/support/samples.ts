/**
 * One accepted input for every contract, made through the API.
 *
 * The contract tests call each route with these, so a contract without a sample is a route without
 * tests, and `sampleOf` throws. A builder gets a tenant and makes there what its route needs; it is
 * called many times. `deletedIds` does the same for ids of what is no longer there.
 */
import type {Contract} from '../../shared/wire/contract.ts';
import type {Sample} from './contract-requests.ts';
import {members, type Caller, type TestApp} from './test-app.ts';

/** What a builder builds with. */
type Bench = {
  readonly caller: Caller;
  /** A tenant that the caller is not in. */
  other(): Promise<Caller>;
  /** Calls as the caller; answers what stands at `member`, names parted by `/`. */
  make(path: string, body: object, member: string): Promise<string>;
  read(path: string, member: string): Promise<string>;
  remove(path: string): Promise<void>;
  /** Posts as the operator. */
  operate(path: string): Promise<void>;
};

type Builder = (bench: Bench) => Sample | Promise<Sample>;

function benchOf(app: TestApp, caller: Caller): Bench {
  async function call(method: string, path: string, body?: object, key = caller.key) {
    const reply = await app.send({method, path: `/api/v1${path}`, key, body});
    if (reply.status >= 300) throw new Error(`${method} ${path}, for a sample: ${reply.text}`);
    return reply.status === 204 ? null : members(reply);
  }
  const at = (body: unknown, member: string): string => {
    let value = body;
    for (const name of member.split('/')) value = (value as Record<string, unknown>)[name];
    return String(value);
  };
  return {
    caller,
    other: () => app.tenant(),
    make: async (path, body, member) => at(await call('POST', path, body), member),
    read: async (path, member) => at(await call('GET', path), member),
    async remove(path) {
      await call('DELETE', path);
    },
    async operate(path) {
      await call('POST', path, {}, caller.operatorKey);
    },
  };
}

let numbered = 0;
/** A name that no other sample has. */
const unique = (): string => {
  numbered += 1;
  return `sample ${numbered}`;
};

// Each makes one thing and answers its id.
const agent = (of: Bench) => of.make('/agents', {agent_type: 'worker'}, 'agent_id');
const trajectory = (of: Bench) => of.make('/trajectories', {name: 'sample'}, 'trajectory_id');
const scope = async (of: Bench) =>
  of.make('/scopes', {trajectory_id: await trajectory(of), name: 'sample'}, 'scope_id');
const turnOf = (scopeId: string) => ({scope_id: scopeId, role: 'user', content: 'said'});
const turn = async (of: Bench) => of.make('/turns', turnOf(await scope(of)), 'turn_id');
const artifactIn = (trajectoryId: string, scopeId: string) => ({
  trajectory_id: trajectoryId,
  scope_id: scopeId,
  artifact_type: 'fact',
  name: unique(),
  content: unique(),
  provenance: {source_turn: 0, extraction_method: 'Explicit'},
});
const newArtifact = async (of: Bench) => {
  const trajectoryId = await trajectory(of);
  const body = {trajectory_id: trajectoryId, name: 'sample'};
  return artifactIn(trajectoryId, await of.make('/scopes', body, 'scope_id'));
};
const artifact = async (of: Bench) => of.make('/artifacts', await newArtifact(of), 'artifact_id');
const newNote = () => ({note_type: 'fact', title: 'sample', content: unique()});
const note = (of: Bench) => of.make('/notes', newNote(), 'note_id');
const apiKey = (of: Bench) =>
  of.make('/api-keys', {name: unique(), scopes: ['memory:read']}, 'api_key/api_key_id');
const newLock = async (of: Bench) => ({resource_id: unique(), holder_agent_id: await agent(of)});
const lock = async (of: Bench) => of.make('/locks/acquire', await newLock(of), 'lock_id');
const newRegion = async (of: Bench) => ({
  name: unique(),
  region_type: 'private',
  owner_agent_id: await agent(of),
});
const region = async (of: Bench) => of.make('/regions', await newRegion(of), 'region_id');
const noteRef = async (of: Bench) => ({entity_type: 'note', id: await note(of)});
const newConflict = async (of: Bench) => ({
  conflict_type: 'contradicting_fact',
  item_a: await noteRef(of),
  item_b: await noteRef(of),
});
const conflict = async (of: Bench) => of.make('/conflicts', await newConflict(of), 'conflict_id');
const intent = async (of: Bench) =>
  of.make('/intents', {name: unique(), agent_id: await agent(of)}, 'name');
const event = async (of: Bench) => {
  const header = await of.read('/log/key', 'shards/0/opened/header');
  return String((JSON.parse(header) as {id: unknown}).id);
};
const checkpoint = async (of: Bench) => {
  const id = await scope(of);
  await of.make(`/scopes/${id}/checkpoint`, {context_state: 'AAEC'}, 'scope_id');
  return of.read(`/scopes/${id}/checkpoints`, 'scope_checkpoints/0/checkpoint_id');
};

const on =
  (
    member: string,
    make: (of: Bench) => Promise<string>,
    more: Omit<Sample, 'path'> = {},
  ): Builder =>
  async (of) => ({path: {[member]: await make(of)}, ...more});
const onAgent = (more?: Omit<Sample, 'path'>) => on('agent_id', agent, more);
const onTrajectory = (more?: Omit<Sample, 'path'>) => on('trajectory_id', trajectory, more);
const onScope = (more?: Omit<Sample, 'path'>) => on('scope_id', scope, more);
const onKey = (more?: Omit<Sample, 'path'>) => on('api_key_id', apiKey, more);
const sends =
  (body: object): Builder =>
  () => ({body});
const nothing: Builder = () => ({});

/** The operator on a tenant of its own, because the others are still needed as they are. */
const onTenant = async (of: Bench): Promise<Sample> => {
  const {tenantId} = await of.other();
  return {path: {tenant_id: tenantId}, key: of.caller.operatorKey};
};

/** By contract id. A new contract gets its line here. */
const samples: Readonly<Record<string, Builder>> = {
  agents_create: sends({agent_type: 'worker'}),
  agents_register: sends({agent_type: 'worker'}),
  agents_list: nothing,
  agents_get: onAgent(),
  agents_update: onAgent({body: {name: 'renamed'}}),
  agents_delete: onAgent(),
  agents_heartbeat: onAgent(),
  agents_kill: onAgent({body: {reason: 'a sample'}}),
  agents_revive: on('agent_id', async (of) => {
    const id = await agent(of);
    await of.make(`/agents/${id}/kill`, {}, 'agent_id');
    return id;
  }),

  api_keys_create: () => ({body: {name: unique(), scopes: ['memory:read']}}),
  users_me_api_key: () => ({body: {name: unique()}}),
  api_keys_list: nothing,
  api_keys_current: nothing,
  api_keys_get: onKey(),
  api_keys_update: onKey({body: {metadata: {changed: true}}}),
  api_keys_delete: onKey(),
  api_keys_rotate: onKey({body: {grace_seconds: 60}}),
  api_keys_revoke: onKey({body: {reason: 'a sample'}}),
  api_keys_admin_list: ({caller}) => ({path: {tenant_id: caller.tenantId}}),
  api_keys_admin_revoke: async (of) => ({
    path: {tenant_id: of.caller.tenantId, api_key_id: await apiKey(of)},
  }),
  users_me: nothing,
  auth_introspect: ({caller}) => ({body: {token: caller.key}}),

  tenants_create: sends({name: 'Sample'}),
  tenants_list: nothing,
  tenants_get: ({caller}) => ({path: {tenant_id: caller.tenantId}}),
  tenants_update: ({caller}) => ({path: {tenant_id: caller.tenantId}, body: {name: 'Renamed'}}),
  tenants_suspend: onTenant,
  tenants_activate: async (of) => {
    const sample = await onTenant(of);
    await of.operate(`/tenants/${sample.path?.['tenant_id']}/suspend`);
    return sample;
  },
  tenants_archive: onTenant,
  config_get: nothing,
  config_update: sends({stale_hours: 700}),
  config_validate: sends({stale_hours: 700}),

  trajectories_create: sends({name: 'sample', metadata: {deep: [1, {two: 'ü'}]}}),
  trajectories_list: nothing,
  trajectories_get: onTrajectory(),
  trajectories_update: onTrajectory({body: {name: 'renamed'}}),
  trajectories_delete: onTrajectory(),
  trajectories_outcome: onTrajectory({body: {status: 'Success', summary: 'done'}}),
  trajectories_suspend: onTrajectory({body: {reason: 'a sample'}}),
  trajectories_resume: on('trajectory_id', async (of) => {
    const id = await trajectory(of);
    await of.make(`/trajectories/${id}/suspend`, {}, 'trajectory_id');
    return id;
  }),
  trajectories_children: onTrajectory(),
  trajectories_list_scopes: onTrajectory(),
  trajectories_list_turns: onTrajectory(),

  scopes_create: async (of) => ({body: {trajectory_id: await trajectory(of), name: 'sample'}}),
  scopes_list: nothing,
  scopes_get: onScope(),
  scopes_update: onScope({body: {name: 'renamed'}}),
  scopes_close: onScope(),
  scopes_checkpoint: onScope({body: {context_state: 'AAEC'}}),
  scopes_list_checkpoints: onScope(),
  scopes_list_turns: onScope(),
  scopes_rewind: async (of) => {
    const id = await scope(of);
    await of.make('/turns', turnOf(id), 'turn_id');
    return {path: {scope_id: id}, body: {from_sequence: 1, append: [{role: 'user', content: 'a'}]}};
  },
  scope_checkpoints_get: on('scope_checkpoint_id', checkpoint),
  scope_checkpoints_restore: on('scope_checkpoint_id', checkpoint),
  turns_create: async (of) => ({body: turnOf(await scope(of))}),
  turns_get: on('turn_id', turn),

  artifacts_create: async (of) => ({body: await newArtifact(of)}),
  artifacts_list: nothing,
  trajectories_list_artifacts: onTrajectory(),
  scopes_list_artifacts: onScope(),
  artifacts_get: on('artifact_id', artifact),
  artifacts_update: on('artifact_id', artifact, {body: {name: 'renamed'}}),
  artifacts_delete: on('artifact_id', artifact),
  artifacts_supersede: async (of) => ({
    path: {artifact_id: await artifact(of)},
    body: {by_id: await artifact(of)},
  }),
  notes_create: () => ({body: newNote()}),
  notes_list: nothing,
  trajectories_list_notes: onTrajectory(),
  notes_get: on('note_id', note),
  notes_update: on('note_id', note, {body: {title: 'renamed'}}),
  notes_delete: on('note_id', note),
  notes_supersede: async (of) => ({
    path: {note_id: await note(of)},
    body: {by_id: await note(of)},
  }),
  search_all: sends({query: 'sample'}),
  notes_search: sends({query: 'sample'}),
  artifacts_search: sends({query: 'sample'}),
  context_assemble: async (of) => ({body: {trajectory_id: await trajectory(of)}}),
  batch_trajectories: sends({items: [{operation: 'create', create: {name: 'sample'}}]}),
  batch_artifacts: async (of) => ({
    body: {items: [{operation: 'create', create: await newArtifact(of)}]},
  }),
  batch_notes: () => ({body: {items: [{operation: 'create', create: newNote()}]}}),
  batch_turns: async (of) => ({
    body: {items: [{operation: 'create', create: turnOf(await scope(of))}]},
  }),

  locks_acquire: async (of) => ({body: await newLock(of)}),
  locks_list: nothing,
  locks_get: on('lock_id', lock),
  locks_extend: on('lock_id', lock, {body: {additional_ms: 1_000}}),
  locks_update: on('lock_id', lock, {body: {ttl_ms: 1_000}}),
  locks_release: on('lock_id', lock),
  locks_delete: on('lock_id', lock),
  regions_create: async (of) => ({body: await newRegion(of)}),
  regions_list: nothing,
  regions_get: on('region_id', region),
  regions_update: on('region_id', region, {body: {require_lock: true}}),
  regions_delete: on('region_id', region),
  conflicts_create: async (of) => ({body: await newConflict(of)}),
  conflicts_list: nothing,
  conflicts_get: on('conflict_id', conflict),
  conflicts_claim: on('conflict_id', conflict),
  conflicts_escalate: on('conflict_id', conflict, {body: {reason: 'a sample'}}),
  conflicts_resolve: on(
    'conflict_id',
    async (of) => {
      const id = await conflict(of);
      await of.make(`/conflicts/${id}/claim`, {}, 'conflict_id');
      return id;
    },
    {body: {strategy: 'last_write_wins', reason: 'a sample'}},
  ),
  // An agent's own, so that it governs nobody else's samples.
  intents_create: async (of) => ({body: {name: unique(), agent_id: await agent(of)}}),
  intents_list: nothing,
  intents_get: on('intent_name', intent),
  intents_update: on('intent_name', intent, {body: {purpose: 'changed'}}),
  intents_delete: on('intent_name', intent),
  intents_evaluate: on('intent_name', intent, {body: {event: 'note.created'}}),

  receipts_get: on('event_id', event),
  receipts_proof: on('event_id', event),
  log_checkpoint: nothing,
  log_consistency: () => ({query: {from: '1', to: '3'}}),
  log_key: nothing,

  events_list: () => ({query: {limit: '5'}}),
  events_kinds: nothing,
  events_by_kind: () => ({path: {kind: 'agent.registered'}}),
  events_by_correlation: on('correlation_id', async (of) =>
    of.read(`/event-dag/${await event(of)}`, 'correlation_id'),
  ),
  events_get: on('event_id', event),
  events_ancestors: on('event_id', event),
  events_descendants: on('event_id', event),
  events_lca: async (of) => {
    const id = await event(of);
    return {path: {event_id: id, other_event_id: id}};
  },
  changes_list: () => ({query: {limit: '5'}}),
  changes_watermark: nothing,

  health_ping: nothing,
  health_live: nothing,
  health_ready: nothing,
  openapi_get: nothing,
};

/** By path member: the id of something that was there and is deleted. */
const deleted: Readonly<Record<string, (bench: Bench) => Promise<string>>> = {
  region_id: async (of) => {
    const id = await region(of);
    await of.remove(`/regions/${id}`);
    return id;
  },
  intent_name: async (of) => {
    const name = await intent(of);
    await of.remove(`/intents/${encodeURIComponent(name)}`);
    return name;
  },
  agent_id: async (of) => {
    const id = await agent(of);
    await of.remove(`/agents/${id}`);
    return id;
  },
  trajectory_id: async (of) => {
    const id = await trajectory(of);
    await of.remove(`/trajectories/${id}`);
    return id;
  },
  artifact_id: async (of) => {
    const id = await artifact(of);
    await of.remove(`/artifacts/${id}`);
    return id;
  },
  note_id: async (of) => {
    const id = await note(of);
    await of.remove(`/notes/${id}`);
    return id;
  },
};

/** An input that the contract accepts from this caller. */
export async function sampleOf(contract: Contract, app: TestApp, caller: Caller): Promise<Sample> {
  const build = samples[contract.id];
  if (build === undefined) {
    throw new Error(`${contract.id} has no sample: add a builder to test/support/samples.ts`);
  }
  return build(benchOf(app, caller));
}

/** The id of a deleted thing for a path member; null where the member's thing cannot be deleted. */
export const deletedId = async (
  member: string,
  app: TestApp,
  caller: Caller,
): Promise<string | null> => (await deleted[member]?.(benchOf(app, caller))) ?? null;
