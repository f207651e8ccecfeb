/**
 * Composition: every dependency is made here, from the configuration, and handed to who needs it.
 */
import type {Context, Hono} from 'hono';
import {pino, type Logger} from 'pino';
import {newId, type TenantNo} from '../shared/ids.ts';
import type {Served} from '../shared/wire/route.ts';
import {createIdentify} from './api/identify.ts';
import {createReads} from './api/reads.ts';
import {settingsOf} from './api/settings-of.ts';
import type {Services} from './api/services.ts';
import {useCases} from './api/use-cases.ts';
import {speakerOf} from './auth/authenticate.ts';
import {createEdgeTrust} from './auth/edge-assertion.ts';
import type {Config} from './config.ts';
import {bindRoutes} from './http/bind.ts';
import {openApiServing} from './http/openapi.ts';
import {createRateLimit} from './http/rate-limit.ts';
import {createBus} from './ledger/bus.ts';
import {openGuard} from './ledger/guard.ts';
import {createClock} from './ledger/clock.ts';
import {createNativeHashes} from './ledger/hashes.ts';
import {createKeys} from './ledger/keys.ts';
import {createLane, type Lane, type LaneStep} from './ledger/lane.ts';
import {newMemory} from './ledger/memory.ts';
import {createRandom} from './ledger/random.ts';
import {assemble} from './pipeline/assemble.ts';
import {createPipeline} from './pipeline/run.ts';
import {mcpServings} from './protocols/mcp/mount.ts';
import {changesStreamServing} from './protocols/stream/changes-stream.ts';
import {createExpiry, type Expiry} from './jobs/expiry.ts';
import {openEntityCache} from './store/lmdb/entity-cache.ts';
import {createUpkeep, type Upkeep} from './ledger/upkeep.ts';
import type {Store} from './store/store.ts';

export type App = {
  readonly services: Services;
  readonly http: Hono<{Variables: Served}>;
  readonly log: Logger;
  readonly upkeep: Upkeep;
  readonly expiry: Expiry;
  /** Stops accepting, drains the lanes, closes the database. */
  close(): Promise<void>;
};

export type AppParts = {
  readonly config: Config;
  readonly store: Store;
  readonly log?: Logger;
  /** Told of each step of each batch, for the tests that kill the process there. */
  readonly onStep?: ((step: LaneStep) => void) | undefined;
};

/** Puts the core together over an open store. */
export async function createApp({
  config,
  store,
  onStep,
  log = pino({level: config.logLevel}),
}: AppParts): Promise<App> {
  const now = createClock();
  const bus = createBus();
  // A database that is gone with its process has nothing to be set back to.
  const isGuarded = config.databaseUrl !== 'pglite:memory';
  const warn = (message: string, cause: unknown): void => log.warn({err: cause}, message);
  const guard = isGuarded ? openGuard(config.guardPath, warn) : null;
  const cache = isGuarded
    ? openEntityCache({
        folder: config.cachePath,
        sizeMb: config.cacheSizeMb,
        nowMs: () => now() / 1000,
        warn,
      })
    : null;
  const tools = {hashes: await createNativeHashes(), random: createRandom()};
  const keys = createKeys(tools.hashes, config.masterKeys, config.logHost);
  const laneOf = (tenant: TenantNo): Lane => lanes[tenant % lanes.length] as Lane;
  const lanes: Lane[] = Array.from({length: store.lanes}, (_, index) =>
    createLane({
      index,
      store,
      tools,
      now,
      onStep,
      memory: newMemory(guard, cache),
      assembleAgain: (wish, missing) =>
        assemble({store, memoryOf: (tenant) => laneOf(tenant).memory}, wish, missing),
      published: (tenant, events) => {
        bus.post(tenant);
        upkeep.noticed(tenant, events, laneOf(tenant).memory.tenants.get(tenant)?.head.size ?? 0);
      },
    }),
  );
  const services: Services = {
    pipeline: createPipeline({store, tools, laneOf}),
    store,
    keys,
    tools,
    laneOf,
    now,
    bus,
    reads: createReads({store, tools, laneOf}),
    newId: () => newId(now(), tools.random(10)),
  };
  const upkeep = createUpkeep({
    store,
    tools,
    now,
    warn,
    laneOf: (tenant) => ({lane: laneOf(tenant), index: tenant % lanes.length}),
    settingsOf: (tenant) => settingsOf(services, tenant),
  });
  upkeep.start();
  const expiry = createExpiry({services, warn});
  expiry.start();
  return {
    services,
    log,
    upkeep,
    expiry,
    http: createHttp(config, services, log),
    async close() {
      await expiry.close();
      await upkeep.close();
      await Promise.all(lanes.map((lane) => lane.close()));
      await guard?.close();
      await cache?.close();
      await store.close();
    },
  };
}

function createHttp(config: Config, services: Services, log: Logger): App['http'] {
  const auth = {
    identify: createIdentify(services),
    now: services.now,
    operators: config.operators,
    trust: createEdgeTrust(config.edgeJwks, config.requireEdge),
  };
  const nowMs = (): number => performance.now();
  const tenantRate = createRateLimit({
    perMinute: config.rateTenant,
    burst: config.rateBurst,
    nowMs,
  });
  const addressRate = createRateLimit({perMinute: config.rateUnauthenticated, burst: 20, nowMs});
  const complain =
    (what: string) =>
    (err: unknown, requestId: string): void =>
      log.error({err, requestId}, what);
  const servings = [
    ...useCases(services, config.operators),
    changesStreamServing(services, complain('change stream')),
  ];
  const mcp = mcpServings({
    ...config,
    sets: config.mcpSets,
    services,
    servings,
    complain: complain('mcp'),
  });
  const described = openApiServing(servings.map(({contract}) => contract));
  return bindRoutes([...servings, ...mcp, described], {
    isProduction: config.isProduction,
    origins: config.corsOrigins,
    async authenticate(contract, c) {
      const {actor, vouchedAddress} = await speakerOf(auth, contract, c.req.raw);
      return {actor, address: vouchedAddress ?? socketAddress(c)};
    },
    admit: ({actor, address}) =>
      actor === null ? addressRate(address) : tenantRate(actor.tenantId),
    position: services.reads.position,
    freshId: services.newId,
    nowMs,
    log: ({error, ...line}) => {
      if (line.status >= 500) log.error({...line, err: error}, 'request');
      else log.info(line, 'request');
    },
  });
}

/** Who is at the other end of the connection; Bun hands its server on as the context's environment. */
const socketAddress = (c: Context): string =>
  (c.env as Partial<Bun.Server<undefined>> | undefined)?.requestIP?.(c.req.raw)?.address ?? '';
