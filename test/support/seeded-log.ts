/**
 * A log in a real database that has some of everything, written by the pipeline itself.
 */
import {pino} from 'pino';
import {createTenant, systemCall, type NewTenant} from '../../core/api/bootstrap.ts';
import {createApp, type App} from '../../core/app.ts';
import {parseConfig} from '../../core/config.ts';
import {systemActor} from '../../core/domain/actor.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import type {Store} from '../../core/store/store.ts';

/** A master key for tests, the same in each. */
export const testMasterKey = Buffer.from(
  Array.from({length: 32}, (_, i) => (i * 37 + 11) % 256),
).toString('base64');

/** The application over a store, without a guard or a cache on disk; closing it closes the store. */
export function appOver(store: Store): Promise<App> {
  const config = parseConfig({DATABASE_URL: 'pglite:memory', CELLSTATE_MASTER_KEY: testMasterKey});
  return createApp({config, store, log: pino({level: 'silent'})});
}

/**
 * Makes a tenant and, in its log, about `eventCount` events: trajectories that are made, renamed and
 * suspended, several changes of one row in a batch, denials, an agent that dies and lives again.
 */
export async function seedLog(
  {services}: App,
  eventCount: number,
  name = 'Acme',
): Promise<NewTenant> {
  const tenant = await createTenant(services, {name});
  const {agentId, tenantId, tenantNo} = tenant;
  const actor = {...systemActor(tenantNo, tenantId, 'seed'), onBehalfOf: 'somebody'};
  type Wish = Command & Record<string, unknown>;
  const run = (...commands: readonly Wish[]): Promise<unknown> =>
    services.pipeline.run(actor, systemCall, commands);
  const refused = (command: Wish): Promise<unknown> =>
    run(command).then(
      () => Promise.reject(new Error(`${command.type} was not refused`)),
      (error: unknown) => error,
    );

  const story = async (index: number): Promise<void> => {
    const id = services.newId<'trajectory'>();
    const draft = {
      externalId: null,
      name: `task ${index}`,
      description: 'as told',
      parentTrajectoryId: null,
      parentScopeId: null,
      agentId,
      subject: null,
      metadata: {index, nested: {list: [1, 2.5, null]}},
    };
    await run({type: 'trajectory.create', id, draft});
    await Promise.all([
      run({type: 'trajectory.update', id, set: {name: `task ${index}, renamed`}}),
      run({type: 'trajectory.suspend', id, reason: 'a pause'}),
      refused({type: 'trajectory.suspend', id, reason: 'twice'}),
      run({type: 'trajectory.resume', id, reason: null}),
    ]);
  };
  await run(
    {type: 'agent.update', id: agentId, set: {status: 'active'}},
    {type: 'agent.kill', id: agentId, reason: 'a test'},
    {type: 'agent.revive', id: agentId},
  );
  const storyCount = Math.ceil((eventCount - 7) / 5);
  for (let from = 0; from < storyCount; from += 16) {
    const count = Math.min(16, storyCount - from);
    await Promise.all(Array.from({length: count}, (_, i) => story(from + i)));
  }
  return tenant;
}

/** Where the story of a scope ended, for whoever clears what it released. */
export type ToldScope = {readonly scopeId: string; readonly closedLeaf: number};

/**
 * Tells the story of one scope, as a client would: turns that come together with changes of their
 * scope, a rewind, a saved state, notes that change, a lock; then the scope closes.
 */
export async function seedScope({http}: App, {agentId, key}: NewTenant): Promise<ToldScope> {
  type Answer = Record<string, string>;
  let position = -1;
  const call = async (method: string, path: string, body?: object): Promise<Answer> => {
    const response = await http.request(`/api/v1${path}`, {
      method,
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    position = Number(response.headers.get('cellstate-position'));
    return text === '' ? {} : (JSON.parse(text) as Answer);
  };
  const {trajectory_id: trajectoryId} = await call('POST', '/trajectories', {name: 'a talk'});
  const {scope_id: scopeId = ''} = await call('POST', '/scopes', {
    trajectory_id: trajectoryId,
    name: 'window',
  });
  const turn = (index: number): Promise<Answer> =>
    call('POST', '/turns', {
      scope_id: scopeId,
      role: 'user',
      content: `what is said, part ${index}`,
    });
  for (let round = 0; round < 4; round += 1) {
    await Promise.all([
      turn(3 * round),
      call('PATCH', `/scopes/${scopeId}`, {purpose: `round ${round}`}),
      turn(3 * round + 1),
      turn(3 * round + 2),
    ]);
  }
  await call('POST', `/scopes/${scopeId}/turns/rewind`, {from_sequence: 10});
  await call('POST', `/scopes/${scopeId}/checkpoint`, {
    context_state: 'YXMgaXQgaXM=',
    recoverable: true,
  });
  const {note_id: noteId} = await call('POST', '/notes', {
    note_type: 'fact',
    title: 'Release day',
    content: 'we ship on Fridays',
    source_trajectory_ids: [trajectoryId],
    scope_id: scopeId,
  });
  await call('PATCH', `/notes/${noteId}`, {content: 'we ship on Mondays'});
  const lock = {resource_type: 'scope', resource_id: scopeId, holder_agent_id: agentId};
  const {lock_id: lockId} = await call('POST', '/locks/acquire', lock);
  await call('POST', `/locks/${lockId}/release`, {});
  await call('POST', `/scopes/${scopeId}/close`, {});
  const closedLeaf = position;
  await call('DELETE', `/notes/${noteId}`);
  return {scopeId, closedLeaf};
}
