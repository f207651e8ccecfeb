/** The write path of a core over a simulated database, with the run's clock and randomness. */
import type {Services} from '../../core/api/services.ts';
import {createReads} from '../../core/api/reads.ts';
import {createKeys} from '../../core/ledger/keys.ts';
import {createLane, type Lane} from '../../core/ledger/lane.ts';
import {newMemory} from '../../core/ledger/memory.ts';
import {assemble} from '../../core/pipeline/assemble.ts';
import {createPipeline} from '../../core/pipeline/run.ts';
import {newId, type TenantNo} from '../../shared/ids.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import type {Random} from './seeds.ts';
import {connect, type Server} from './simulated-store.ts';

export type SimulatedCore = {
  readonly services: Services;
  readonly lanes: readonly Lane[];
  /** Ends it as SIGKILL does. */
  kill(): void;
};

const master = new Uint8Array(32).map((_, index) => index);

/** Starts a core. */
export function startCore(
  server: Server,
  hashes: Hashes,
  random: Random,
  laneCount: number,
): SimulatedCore {
  const {store, kill} = connect(server, laneCount);
  const {now} = server.time;
  const tools = {hashes, random: random.bytes};
  const laneOf = (tenant: TenantNo): Lane => lanes[tenant % lanes.length] as Lane;
  const lanes: Lane[] = Array.from({length: laneCount}, (_, index) =>
    createLane({
      index,
      store,
      tools,
      now,
      memory: newMemory(),
      assembleAgain: (wish, missing) =>
        assemble({store, memoryOf: (tenant) => laneOf(tenant).memory}, wish, missing),
      published: () => undefined,
    }),
  );
  const services = {
    pipeline: createPipeline({store, tools, laneOf}),
    store,
    tools,
    laneOf,
    now,
    keys: createKeys(hashes, [master], 'simulated.test'),
    reads: createReads({store, tools, laneOf}),
    newId: () => newId(now(), random.bytes(10)),
  } as Partial<Services> as Services;
  return {services, lanes, kill};
}
