/**
 * Everything that rows share, each part made when the first row asks for it: databases, cores, load
 * generator, floors. A part that one row has written to is as it is for the next.
 */
import type {Actor} from '../../core/domain/actor.ts';
import {startCore, type CoreProcess, type NewTenant} from './core-process.ts';
import {openFloorTable, type FloorTable} from './floors/insert.ts';
import {startBareServer, type BareServer} from './floors/bare-server.ts';
import {openLmdbFloor, type LmdbFloor} from './floors/lmdb-get.ts';
import {openInProcess, type InProcess} from './in-process.ts';
import type {Target} from './load-plan.ts';
import {startLoad, type LoadGenerator} from './load.ts';
import {growThread, type Thread} from './thread.ts';
import type {Server} from './server.ts';

export type Scale = {
  readonly runMs: number;
  readonly warmMs: number;
  /** Calls of one caller, where a row counts calls. */
  readonly calls: number;
  /** Turns of the thread that W5, R3, D1 and M1 are about. */
  readonly longTurns: number;
  readonly noteCount: number;
  /** Events of the bundle that V1 reads. */
  readonly bundleEvents: number;
  readonly tenants: number;
  readonly scopesPerTenant: number;
};

/** A core with tenants, and open scopes in each. */
export type Served = {
  readonly core: CoreProcess;
  readonly tenants: readonly NewTenant[];
  readonly targets: readonly Target[];
};

/** A core whose database holds one long thread and nothing besides. */
export type Grown = {
  readonly core: CoreProcess;
  readonly tenant: NewTenant;
  readonly thread: Thread;
  readonly emptyBytes: number;
};

export type World = {
  readonly server: Server;
  readonly scale: Scale;
  readonly seed: number;
  readonly load: () => Promise<LoadGenerator>;
  readonly served: () => Promise<Served>;
  readonly grown: () => Promise<Grown>;
  readonly inProcess: () => Promise<InProcess>;
  readonly floorTable: () => Promise<FloorTable>;
  readonly bareServer: () => Promise<BareServer>;
  readonly lmdbFloor: () => Promise<LmdbFloor>;
  /** Ends a part when the world ends, the newest first. */
  readonly onClose: (end: () => Promise<unknown> | unknown) => void;
  close(): Promise<void>;
};

export type Member = {readonly actor: Actor; readonly scopeId: string};

/** Runs `make` once, whoever asks. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

type Wanted = {readonly server: Server; readonly scale: Scale; readonly seed: number};

/** Makes a world in which nothing is there yet. */
export function openWorld({server, scale, seed}: Wanted): World {
  const ends: (() => Promise<unknown> | unknown)[] = [];
  const onClose = (end: () => Promise<unknown> | unknown): void => void ends.push(end);
  const world: World = {
    server,
    scale,
    seed,
    onClose,
    load: once(async () => {
      const load = await startLoad();
      onClose(() => load.close());
      return load;
    }),
    served: once(async () => {
      const core = await startCore({databaseUrl: await server.fresh('served')});
      onClose(() => core.stop());
      const tenants: NewTenant[] = [];
      for (let at = 0; at < scale.tenants; at += 1) tenants.push(await core.tenant(`bench ${at}`));
      return {core, tenants, targets: await openScopes(core, tenants, scale.scopesPerTenant)};
    }),
    grown: once(async () => {
      const core = await startCore({databaseUrl: await server.fresh('grown')});
      onClose(() => core.stop());
      const tenant = await core.tenant('grown');
      const emptyBytes = await settledBytes(server, core.databaseUrl);
      const thread = await growThread(core, tenant.key, scale.longTurns, seed);
      return {core, tenant, thread, emptyBytes};
    }),
    inProcess: once(async () => {
      const made = await openInProcess(await server.fresh('in_process'), scale);
      onClose(() => made.close());
      return made;
    }),
    floorTable: once(async () => {
      const table = await openFloorTable(await server.fresh('floor'));
      onClose(() => table.pool.end());
      return table;
    }),
    bareServer: once(async () => {
      const bare = await startBareServer();
      onClose(() => bare.stop());
      return bare;
    }),
    lmdbFloor: once(async () => {
      const floor = await openLmdbFloor();
      onClose(() => floor.close());
      return floor;
    }),
    async close() {
      for (const end of ends.toReversed()) await end();
      await server.close();
    },
  };
  return world;
}

async function openScopes(
  core: CoreProcess,
  tenants: readonly NewTenant[],
  perTenant: number,
): Promise<Target[]> {
  const made: Target[][] = await Promise.all(
    tenants.map(async ({key}) => {
      const targets: Target[] = [];
      for (let at = 0; at < perTenant; at += 1)
        targets.push({key, scopeId: await openScope(core, key)});
      return targets;
    }),
  );
  // Callers in turn are of different tenants, however few they are.
  return Array.from({length: perTenant}, (_, at) =>
    made.map((targets) => targets[at] as Target),
  ).flat();
}

const noBudget = 10_000_000;

/** A scope of its own trajectory, with room for everything. */
export async function openScope(core: CoreProcess, key: string): Promise<string> {
  const {trajectory_id: trajectoryId} = await core.call<{trajectory_id: string}>(
    key,
    'POST',
    '/trajectories',
    {name: 'bench'},
  );
  const scope = {trajectory_id: trajectoryId, name: 'bench', token_budget: noBudget};
  return (await core.call<{scope_id: string}>(key, 'POST', '/scopes', scope)).scope_id;
}

/** Bytes of a database when nothing of it waits to be cleaned away. */
export async function settledBytes(server: Server, url: string): Promise<number> {
  await server.rows(url, 'vacuum analyze');
  await server.rows(url, 'checkpoint');
  const [found] = await server.rows<{bytes: string}>(
    url,
    'select pg_database_size(current_database()) as bytes',
  );
  return Number(found?.bytes);
}
