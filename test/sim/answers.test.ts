/** Single troubles, one each: what the caller is told, and what is there afterwards. */
import {expect, test} from 'vitest';
import {createTenant, systemCall, type NewTenant} from '../../core/api/bootstrap.ts';
import type {Actor} from '../../core/domain/actor.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import {createNativeHashes} from '../../core/ledger/hashes.ts';
import {memoryKey} from '../../core/ledger/memory.ts';
import {rowKey} from '../../core/pipeline/view.ts';
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {defaultMemoryAccess} from '../../shared/wire/agents.ts';
import {randomOf} from '../support/seeds.ts';
import {startCore, type SimulatedCore} from '../support/simulated-core.ts';
import {noFaults, type Server} from '../support/simulated-store.ts';
import {emptyTables, poison} from '../support/simulated-tables.ts';
import {createSimulatedTime, thrown} from '../support/simulated-time.ts';

const hashes = await createNativeHashes();

type Scene = {
  readonly server: Server;
  core: SimulatedCore;
  readonly tenant: NewTenant;
  /** What a change is told: kinds of its events, `same`, or a code. */
  run(commands: readonly object[], key?: string): Promise<string>;
  create(name: string): Promise<Id>;
  pause(ms: number): Promise<void>;
  /** Starts a change and waits until it stands in the queue. */
  queue(commands: readonly object[], count: number): Promise<{told: Promise<string>}>;
  names(): string[];
  size(): number;
};

/** Plays a scene in simulated time. */
async function play(scene: (of: Scene) => Promise<void>): Promise<void> {
  const time = createSimulatedTime();
  const server: Server = {
    tables: emptyTables(),
    time,
    random: randomOf(2),
    faults: noFaults,
    awayUntil: 0,
  };
  let isOver = false;
  let failure: unknown = null;
  void begin(server)
    .then(scene)
    .then(
      () => {
        isOver = true;
      },
      (error: unknown) => {
        failure = error;
        isOver = true;
      },
    );
  await time.run(() => isOver);
  if (failure !== null) throw thrown(failure);
}

async function begin(server: Server): Promise<Scene> {
  const {time, tables} = server;
  const core = startCore(server, hashes, randomOf(1), 1);
  const tenant = await createTenant(core.services, {name: 'tenant'});
  const actor: Actor = {
    tenantNo: tenant.tenantNo,
    tenantId: tenant.tenantId,
    by: `api_key:${tenant.keyId}`,
    keyId: tenant.keyId,
    agentId: null,
    scopes: new Set(),
    isBound: false,
    onBehalfOf: null,
    sourceCeiling: 'user',
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => time.after(ms, resolve));
  const scene: Scene = {
    server,
    core,
    tenant,
    pause,
    run(commands, key) {
      const request =
        key === undefined
          ? null
          : Buffer.from(JSON.stringify(commands)).toString('hex').slice(0, 64).padEnd(64, '0');
      const call = {...systemCall, idempotencyKey: key ?? null, requestHash: request};
      return scene.core.services.pipeline.run(actor, call, commands as Command[]).then(
        (ran) => (ran.is === 'same' ? 'same' : ran.events.map(({kind}) => kind).join()),
        (error: unknown) => (error instanceof CellError ? error.code : String(error)),
      );
    },
    async create(name) {
      const id = scene.core.services.newId();
      const draft = {
        externalId: null,
        name,
        description: null,
        subject: null,
        metadata: {},
        parentTrajectoryId: null,
        parentScopeId: null,
        agentId: tenant.agentId,
      };
      expect(await scene.run([{type: 'trajectory.create', id, draft}])).toBe('trajectory.created');
      return id;
    },
    async queue(commands, count) {
      const told = scene.run(commands);
      while (scene.core.lanes[0]?.queuedCount() !== count) await pause(0.1);
      return {told};
    },
    names: () =>
      [...(tables.mem.get('trajectory')?.values() ?? [])].map((row) => String(row['name'])),
    size: () => tables.tenants.get(tenant.tenantNo)?.size ?? 0,
  };
  return scene;
}

const rename = (id: Id, name: string) => ({type: 'trajectory.update', id, set: {name}});

test('a key that memory has forgotten is found by the index, although nothing else is asked of SQL', () =>
  play(async (s) => {
    const id = await s.create('one');
    expect(await s.run([rename(id, 'two')], 'k')).toBe('trajectory.updated');
    await s.run([{type: 'agent.update', id: s.tenant.agentId, set: {name: 'warm'}}]);
    s.core.lanes[0]?.memory.tenants.get(s.tenant.tenantNo)?.keys.clear();
    const size = s.size();
    expect(await s.run([rename(id, 'two')], 'k')).toBe('same');
    expect(s.size()).toBe(size);
  }));

test('a forgotten key is asked for before a refusal that leaves no event', () =>
  play(async (s) => {
    const id = await s.create('one');
    expect(await s.run([{type: 'trajectory.delete', id}], 'k')).toBe('trajectory.deleted');
    await s.run([{type: 'agent.update', id: s.tenant.agentId, set: {name: 'warm'}}]);
    s.core.lanes[0]?.memory.tenants.get(s.tenant.tenantNo)?.keys.clear();
    expect(await s.run([{type: 'trajectory.delete', id}], 'k')).toBe('same');
  }));

test('a row that can never be stored is told to its unit alone, in whatever company', () =>
  play(async (s) => {
    const [id, gone, other] = [
      await s.create('one'),
      await s.create('gone'),
      await s.create('other'),
    ];
    await s.run([{type: 'trajectory.delete', id: gone}]);
    s.server.faults = {...noFaults, commitMs: 100};
    const plug = s.run([rename(id, 'plug')]);
    await s.pause(50);
    const waiting = [
      await s.queue([rename(gone, 'quiet')], 1),
      await s.queue([rename(other, poison)], 2),
      await s.queue([rename(gone, 'quiet too')], 3),
      await s.queue([rename(id, 'good')], 4),
    ];
    expect(await Promise.all([plug, ...waiting.map(({told}) => told)])).toEqual([
      'trajectory.updated',
      'TRAJECTORY_NOT_FOUND',
      'DATABASE_ERROR',
      'TRAJECTORY_NOT_FOUND',
      'trajectory.updated',
    ]);
    expect(s.names()).toContain('good');
  }));

test('a version that memory has wrong is read anew, and the change is made', () =>
  play(async (s) => {
    const id = await s.create('one');
    await s.run([rename(id, 'two')]);
    const {memory} = s.core.lanes[0] ?? {};
    const key = memoryKey(s.tenant.tenantNo, rowKey('trajectory', id));
    const row = memory?.rows.get(key);
    if (row !== undefined) memory?.rows.set(key, {...row, version: 1});
    expect(await s.run([rename(id, 'three')])).toBe('trajectory.updated');
    expect(s.server.tables.mem.get('trajectory')?.get(`${s.tenant.tenantNo}/${id}`)).toMatchObject({
      version: 3,
      name: 'three',
    });
  }));

test('a chain that memory has wrong is read anew, and the change is made', () =>
  play(async (s) => {
    const id = await s.create('one');
    await s.run([rename(id, 'two')]);
    const chains = s.core.lanes[0]?.memory.chains;
    const key = memoryKey(s.tenant.tenantNo, id);
    const chain = chains?.get(key);
    if (chain !== undefined) chains?.set(key, {...chain, sequence: 0});
    expect(await s.run([rename(id, 'three')])).toBe('trajectory.updated');
  }));

test('a database that has no room is answered as such, and nothing is there', () =>
  play(async (s) => {
    const id = await s.create('one');
    const size = s.size();
    s.server.faults = {...noFaults, busy: 1};
    expect(await s.run([rename(id, 'never')])).toBe('SERVICE_UNAVAILABLE');
    s.server.faults = noFaults;
    await s.pause(60_000);
    expect([s.size(), s.names()]).toEqual([size, ['one']]);
  }));

test('a database that never answers leaves the caller in doubt, and says so', () =>
  play(async (s) => {
    const id = await s.create('one');
    s.server.faults = {...noFaults, unsent: 1};
    expect(await s.run([rename(id, 'perhaps')])).toBe('TIMEOUT');
  }));

test('a commit that happens after its connection broke is one commit', () =>
  play(async (s) => {
    const id = await s.create('one');
    const size = s.size();
    s.server.faults = {...noFaults, late: 1};
    const told = s.run([rename(id, 'late')]);
    await s.pause(40);
    s.server.faults = noFaults;
    expect(await told).toBe('trajectory.updated');
    await s.pause(20_000);
    expect(s.size()).toBe(size + 1);
  }));

test('a lost answer is found again behind somebody else’s events, also when the first look fails', () =>
  play(async (s) => {
    const id = await s.create('one');
    const size = s.size();
    s.server.faults = {...noFaults, lost: 1, patienceMs: 1_000};
    let isFirst = true;
    const others: Promise<string>[] = [];
    s.server.onCommit = () => {
      if (!isFirst) return;
      isFirst = false;
      // Another core commits before this one looks, and then the database is away for a while.
      s.server.faults = noFaults;
      const other = startCore(s.server, hashes, randomOf(9), 1);
      const lane = s.core;
      s.core = other;
      others.push(
        s.run([{type: 'agent.update', id: s.tenant.agentId, set: {name: 'other'}}]).then((told) => {
          s.server.awayUntil = s.server.time.now() + 3_000_000;
          return told;
        }),
      );
      s.core = lane;
    };
    expect(await s.run([rename(id, 'found')])).toBe('trajectory.updated');
    expect(await Promise.all(others)).toEqual(['agent.updated']);
    expect(s.size()).toBe(size + 2);
  }));

test('units of one tenant keep their order when one is assembled again and the batch before it is undone', () =>
  play(async (s) => {
    const [id, other] = [await s.create('one'), await s.create('other')];
    s.server.faults = {...noFaults, commitMs: 100};
    const plug = s.run([rename(id, 'plug')]);
    await s.pause(50);
    const first = await s.queue([rename(other, poison)], 1);
    const second = await s.queue([rename(id, 'second')], 2);
    // Not in the snapshot of any unit that was assembled by now.
    s.core.lanes[0]?.memory.rows.clear();
    const third = await s.queue([rename(id, 'third')], 3);
    expect(await Promise.all([plug, first.told, second.told, third.told])).toEqual([
      'trajectory.updated',
      'DATABASE_ERROR',
      'trajectory.updated',
      'trajectory.updated',
    ]);
    expect(s.names()).toEqual(['third', 'other']);
  }));

test('a tenant whose head cannot be read is refused alone', () =>
  play(async (s) => {
    const id = await s.create('one');
    const other = await createTenant(s.core.services, {name: 'other'});
    s.server.faults = {...noFaults, commitMs: 100};
    const plug = s.run([rename(id, 'plug')]);
    await s.pause(50);
    const lane = s.core.lanes[0];
    const actor = {
      tenantNo: other.tenantNo,
      tenantId: other.tenantId,
      by: `api_key:${other.keyId}`,
      keyId: other.keyId,
      agentId: null,
      scopes: new Set<never>(),
      isBound: false,
      onBehalfOf: null,
      sourceCeiling: 'user' as const,
    };
    const lost = s.core.services.pipeline
      .run(actor, systemCall, [
        {type: 'agent.update', id: other.agentId, set: {name: 'x'}} as Command,
      ])
      .catch((error: CellError) => error.code);
    while (lane?.queuedCount() !== 1) await s.pause(0.1);
    const told = await s.queue([rename(id, 'goes on')], 2);
    lane.memory.tenants.delete(other.tenantNo);
    s.server.tables.tenants.delete(other.tenantNo);
    expect(await Promise.all([plug, lost, told.told])).toEqual([
      'trajectory.updated',
      'TENANT_NOT_FOUND',
      'trajectory.updated',
    ]);
  }));

test('a unit that has to be assembled again is not overtaken by those behind it', () =>
  play(async (s) => {
    const newId = (): Id => s.core.services.newId();
    const draft = {
      externalId: null,
      name: 'agent',
      agentType: 'worker',
      capabilities: [],
      memoryAccess: defaultMemoryAccess,
      team: null,
      currentTrajectoryId: null,
      currentScopeId: null,
      canDelegateTo: [],
      metadata: {},
    };
    // Further up than one Assemble reads.
    let reportsTo: Id | null = null;
    for (let depth = 0; depth < 7; depth += 1) {
      const id: Id = newId();
      await s.run([
        {type: 'agent.register', id, ownerPrincipalId: 'owner', draft: {...draft, reportsTo}},
      ]);
      reportsTo = id;
    }
    const id = await s.create('one');
    const agent = s.tenant.agentId;
    s.server.faults = {...noFaults, commitMs: 100};
    const plug = s.run([rename(id, 'plug')]);
    await s.pause(50);
    s.core.lanes[0]?.memory.rows.clear();
    const first = {type: 'agent.update', id: agent, set: {name: 'first', reportsTo}};
    const told = [
      await s.queue([first], 1),
      await s.queue([{type: 'agent.update', id: agent, set: {name: 'second'}}], 2),
    ];
    const all = await Promise.all([plug, ...told.map((one) => one.told)]);
    expect(all).toEqual(['trajectory.updated', 'agent.updated', 'agent.updated']);
    const row = s.server.tables.mem.get('agent')?.get(`${s.tenant.tenantNo}/${agent}`);
    expect(row).toMatchObject({doc: {name: 'second'}, reports_to: reportsTo});
  }));
