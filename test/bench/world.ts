/**
 * Everything that rows share, each part made when the first row asks for it: databases, cores, load
 * generator, floors. A part that one row has written to is as it is for the next.
 */
import {startCore, type CoreProcess, type NewTenant} from './core-process.ts';
import {openFloorTable, type FloorTable} from './floors/insert.ts';
import {startBareServer, type BareServer} from './floors/bare-server.ts';
import {openLmdbFloor, type LmdbFloor} from './floors/lmdb-get.ts';
import {openInProcess, type InProcess} from './in-process.ts';
import type {Target} from './load-plan.ts';
import {startLoad, type LoadGenerator} from './load.ts';
import {openScope, type Scale} from './scale.ts';
import {growThread, type Thread} from './thread.ts';
import type {Server} from './server.ts';

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
  readonly onClose: (end: () => unknown) => void;
  close(): Promise<void>;
};

/** Runs `make` once, whoever asks. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

type Wanted = {readonly server: Server; readonly scale: Scale; readonly seed: number};

/** Makes a world in which nothing is there yet. */
export function openWorld({server, scale, seed}: Wanted): World {
  const ends: (() => unknown)[] = [];
  const onClose = (end: () => unknown): void => void ends.push(end);
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
