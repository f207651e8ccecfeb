/** P-13: two units that are at odds give in one batch what they give in two. */
import {describe, expect, test} from 'vitest';
import {systemCall} from '../../core/api/bootstrap.ts';
import {createTenant} from '../../core/api/bootstrap.ts';
import type {Actor} from '../../core/domain/actor.ts';
import {createNativeHashes} from '../../core/ledger/hashes.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {defaultMemoryAccess} from '../../shared/wire/agents.ts';
import {randomOf} from '../support/seeds.ts';
import {startCore} from '../support/simulated-core.ts';
import {noFaults, type Server} from '../support/simulated-store.ts';
import {emptyTables, type SqlRow} from '../support/simulated-tables.ts';
import {createSimulatedTime, thrown} from '../support/simulated-time.ts';

const hashes = await createNativeHashes();
/** Commits it took with both at once, the one before them counted. */
const batches: number[] = [];

type Made = {
  readonly trajectory: Id;
  readonly child: Id;
  readonly agent: Id;
  readonly key: Id;
  readonly tenant: Id;
  readonly home: Id;
};
type Unit = {
  readonly commands: (made: Made, newId: () => Id) => readonly Command[];
  readonly by?: 'key' | 'agent';
  readonly idempotencyKey?: string;
  readonly ifMatch?: number;
};

const one = (make: (made: Made, newId: () => Id) => object): Unit => ({
  commands: (made, newId) => [make(made, newId) as Command],
});

const trajectoryDraft = (made: Made, more: object = {}) => ({
  externalId: null,
  name: 'new',
  description: null,
  subject: null,
  metadata: {},
  parentTrajectoryId: null,
  parentScopeId: null,
  agentId: made.home,
  ...more,
});
const agentDraft = {
  externalId: null,
  name: 'worker',
  agentType: 'worker',
  capabilities: [],
  memoryAccess: defaultMemoryAccess,
  team: null,
  currentTrajectoryId: null,
  currentScopeId: null,
  canDelegateTo: [],
  reportsTo: null,
  metadata: {},
};

/** Units that touch one another in every way that the write path knows. */
const units: Readonly<Record<string, Unit>> = {
  rename: one((made) => ({type: 'trajectory.update', id: made.trajectory, set: {name: 'renamed'}})),
  'rename at version 1': {
    ...one((made) => ({type: 'trajectory.update', id: made.trajectory, set: {name: 'matched'}})),
    ifMatch: 1,
  },
  suspend: one((made) => ({type: 'trajectory.suspend', id: made.trajectory, reason: null})),
  resume: one((made) => ({type: 'trajectory.resume', id: made.trajectory, reason: null})),
  'rename and suspend': {
    commands: (made) => [
      {type: 'trajectory.update', id: made.trajectory, set: {name: 'both'}} as Command,
      {type: 'trajectory.suspend', id: made.trajectory, reason: null} as Command,
    ],
  },
  'delete the parent': one((made) => ({type: 'trajectory.delete', id: made.trajectory})),
  'delete the child': one((made) => ({type: 'trajectory.delete', id: made.child})),
  'create a child': one((made, newId) => ({
    type: 'trajectory.create',
    id: newId(),
    draft: trajectoryDraft(made, {parentTrajectoryId: made.trajectory}),
  })),
  'create under a name': one((made, newId) => ({
    type: 'trajectory.create',
    id: newId(),
    draft: trajectoryDraft(made, {externalId: 'name'}),
  })),
  'create under a key': {
    ...one((made, newId) => ({
      type: 'trajectory.create',
      id: newId(),
      draft: trajectoryDraft(made),
    })),
    idempotencyKey: 'k',
  },
  'change under the same key': {
    ...one((made) => ({type: 'trajectory.update', id: made.trajectory, set: {name: 'keyed'}})),
    idempotencyKey: 'k',
  },
  'limit the depth': one((made) => ({
    type: 'tenant.change_settings',
    id: made.tenant,
    set: {max_trajectory_depth: 0},
  })),
  'ask for If-Match': one((made) => ({
    type: 'tenant.change_settings',
    id: made.tenant,
    set: {require_if_match: true},
  })),
  'revoke the key': one((made) => ({type: 'api_key.revoke', id: made.key, reason: null})),
  'rotate the key': one((made, newId) => ({
    type: 'api_key.rotate',
    id: made.key,
    successor: newId(),
    made: {keyPrefix: 'cst_', keyHash: 'ef'.repeat(32)},
    graceSeconds: 0,
  })),
  'use the key': {
    ...one((made) => ({type: 'trajectory.update', id: made.trajectory, set: {name: 'by key'}})),
    by: 'key',
  },
  'kill the agent': one((made) => ({type: 'agent.kill', id: made.agent, reason: null})),
  'act as the agent': {
    ...one((made) => ({type: 'trajectory.update', id: made.trajectory, set: {name: 'by agent'}})),
    by: 'agent',
  },
  'revive the agent': one((made) => ({type: 'agent.revive', id: made.agent})),
  'unregister the agent': one((made) => ({type: 'agent.unregister', id: made.agent})),
  'register under the agent': one((made, newId) => ({
    type: 'agent.register',
    id: newId(),
    ownerPrincipalId: 'owner',
    draft: {...agentDraft, reportsTo: made.agent},
  })),
};

/** What both callers are told and what is stored, with nothing in it that depends on when. */
async function outcome(first: Unit, second: Unit, isOneBatch: boolean): Promise<unknown> {
  const time = createSimulatedTime();
  const random = randomOf(1);
  const server: Server = {
    tables: emptyTables(),
    time,
    random: randomOf(2),
    faults: {...noFaults, delayMs: 1},
    awayUntil: 0,
  };
  const {services, lanes} = startCore(server, hashes, random, 1);
  let result: unknown = null;
  let commitCount = 0;
  server.onCommit = () => {
    commitCount += 1;
  };
  const work = async (): Promise<void> => {
    const made = await createTenant(services, {name: 'tenant'});
    const actor: Actor = {
      tenantNo: made.tenantNo,
      tenantId: made.tenantId,
      by: `api_key:${made.keyId}`,
      keyId: made.keyId,
      agentId: null,
      scopes: new Set(),
      isBound: false,
      onBehalfOf: null,
      sourceCeiling: 'user',
    };
    const ids = {
      trajectory: services.newId(),
      child: services.newId(),
      agent: services.newId(),
      key: services.newId(),
    };
    const all: Made = {...ids, tenant: made.tenantId, home: made.agentId};
    for (const command of [
      {type: 'trajectory.create', id: ids.trajectory, draft: trajectoryDraft(all)},
      {
        type: 'trajectory.create',
        id: ids.child,
        draft: trajectoryDraft(all, {parentTrajectoryId: ids.trajectory}),
      },
      {type: 'agent.register', id: ids.agent, ownerPrincipalId: 'owner', draft: agentDraft},
      {
        type: 'api_key.create',
        id: ids.key,
        draft: {
          name: 'second',
          scopes: [],
          agentId: null,
          sourceCeiling: 'user',
          expiresAt: null,
          metadata: {},
          keyPrefix: 'cst_',
          keyHash: 'ab'.repeat(32),
        },
      },
    ])
      await services.pipeline.run(actor, systemCall, [command as Command]);
    commitCount = 0;
    const run = ({commands, by, ifMatch, ...unit}: Unit): Promise<unknown> => {
      const as =
        by === 'key'
          ? {...actor, by: `api_key:${ids.key}`, keyId: ids.key}
          : by === 'agent'
            ? {...actor, agentId: ids.agent}
            : actor;
      const idempotencyKey = unit.idempotencyKey ?? null;
      const call = {
        ...systemCall,
        idempotencyKey,
        requestHash: idempotencyKey === null ? null : hashOf(commands),
        ifMatch: ifMatch === undefined ? null : [ifMatch],
      };
      return services.pipeline.run(as, call, commands(all, services.newId)).then(
        (ran) =>
          ran.is === 'same'
            ? ['same', ran.leaf]
            : ran.events.map(({kind, leaf, entityVersion}) => [kind, leaf, entityVersion]),
        (error: unknown) =>
          error instanceof CellError ? [error.code, error.eventId !== null] : String(error),
      );
    };
    // A commit on its way holds the lane, so that both are there when it comes back.
    server.faults = {...noFaults, delayMs: 1, commitMs: 500};
    const queued = async (count: number): Promise<void> => {
      while (lanes[0]?.queuedCount() !== count)
        await new Promise<void>((resolve) => time.after(1, resolve));
    };
    const plug = services.pipeline.run(actor, systemCall, [
      {type: 'agent.update', id: made.agentId, set: {name: 'plug'}} as Command,
    ]);
    await new Promise<void>((resolve) => time.after(100, resolve));
    const told: unknown[] = [];
    if (isOneBatch) {
      const running = run(first);
      await queued(1);
      const other = run(second);
      await queued(2);
      told.push(...(await Promise.all([running, other])));
    } else told.push(await run(first), await run(second));
    await plug;
    const rows = [...server.tables.mem].map(([entity, table]) => [
      entity,
      [...table.values()].map((row) => ({...row, ...unstable})),
    ]);
    result = {
      told,
      rows,
      past: server.tables.past.size,
      size: server.tables.tenants.get(made.tenantNo)?.size,
    };
    if (isOneBatch) batches.push(commitCount);
  };
  let failure: unknown = null;
  void work().catch((error: unknown) => {
    failure = error;
  });
  await time.run(() => result !== null || failure !== null);
  if (failure !== null) throw thrown(failure);
  return result;
}

/** Times and, of rows made on the way, ids. */
const unstable: SqlRow = {
  id: null,
  created_at: null,
  updated_at: null,
  root_trajectory_id: null,
  doc: null,
};

const hashOf = (commands: unknown): string =>
  Buffer.from(String(commands)).toString('hex').padEnd(64, '0').slice(-64);

describe('P-13: a pair in one batch gives what it gives in two', () => {
  for (const [name, first] of Object.entries(units)) {
    test(`${name}, then each of the others`, async () => {
      for (const [other, second] of Object.entries(units)) {
        const [together, apart] = [
          await outcome(first, second, true),
          await outcome(first, second, false),
        ];
        expect({other, ...(together as object)}).toEqual({other, ...(apart as object)});
      }
    });
  }

  test('nearly all of them were in one batch', () => {
    expect(batches.filter((count) => count > 2).length).toBeLessThan(batches.length / 10);
  });
});
