/**
 * One simulated run: callers, one core or two, a database with weather, restarts and evictions.
 *
 * What it answers is a history: every sending with what its caller was told and when, and what the
 * database holds in the end. `lane-checks.ts` judges it.
 */
import {createHash} from 'node:crypto';
import {createTenant, systemCall} from '../../core/api/bootstrap.ts';
import type {Actor, Call} from '../../core/domain/actor.ts';
import {changesSince, memoryKey, type Memory} from '../../core/ledger/memory.ts';
import {assemble} from '../../core/pipeline/assemble.ts';
import type {Ran} from '../../core/pipeline/run.ts';
import {createView, rowKey, type Snapshot} from '../../core/pipeline/view.ts';
import {CellError} from '../../shared/errors.ts';
import type {Id, Micros, TenantId, TenantNo} from '../../shared/ids.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {randomOf, type Random} from '../support/seeds.ts';
import {startCore, type SimulatedCore} from '../support/simulated-core.ts';
import {noFaults, type Faults, type Server} from '../support/simulated-store.ts';
import {emptyTables} from '../support/simulated-tables.ts';
import {createSimulatedTime, thrown} from '../support/simulated-time.ts';
import {externalIds, request, sent, type Known, type Request, type Wanted} from './wishes.ts';

/** What a caller was told. `cut`: the core died first. */
export type Told =
  | {readonly is: 'ran'; readonly ran: Ran}
  | {readonly is: 'error'; readonly error: unknown}
  | {readonly is: 'cut'};

export type Sending = {
  readonly tenantNo: TenantNo;
  /** Stands in the header of every event it makes. */
  readonly trace: string;
  readonly wanted: Wanted;
  readonly core: number;
  /** Size of the ledger that callers knew of when it was sent, and the size there was when it was answered. */
  readonly from: number;
  to: number;
  told: Told | null;
  readonly sentAt: Micros;
  toldAt: Micros;
};

/** A row that was read, and the least version that the caller knew to be acknowledged. */
export type Looked = {readonly id: Id; readonly least: number; readonly found: number};

export type History = {
  readonly seed: number;
  readonly server: Server;
  readonly sendings: readonly Sending[];
  readonly looked: readonly Looked[];
  /** Views that were compared with the database, and what was wrong with them (P-14). */
  readonly viewCount: number;
  readonly viewFaults: readonly string[];
  readonly known: ReadonlyMap<TenantNo, Known>;
  readonly isAlone: boolean;
  /** Changes when anything that happened changes. */
  readonly digest: string;
};

export type Options = {readonly faults?: Partial<Faults>; readonly coreCount?: number};

const tenantCount = 2;
/** A caller that was not told what became of a keyed request asks this often. */
const retryLimit = 8;

/** Runs a seed. */
export async function runSeed(
  seed: number,
  hashes: Hashes,
  options: Options = {},
): Promise<History> {
  const random = randomOf(seed);
  const time = createSimulatedTime();
  const server: Server = {tables: emptyTables(), time, random, faults: noFaults, awayUntil: 0};
  const run = new Run(seed, server, random, hashes, options);
  let result: History | null = null;
  let failure: unknown = null;
  void run.all().then(
    (history) => {
      result = history;
    },
    (error: unknown) => {
      failure = error ?? new Error('rejected with nothing');
    },
  );
  await time.run(() => result !== null || failure !== null);
  if (failure !== null) throw thrown(failure);
  return result as unknown as History;
}

class Run {
  readonly #seed: number;
  readonly #server: Server;
  readonly #random: Random;
  readonly #hashes: Hashes;
  readonly #options: Options;
  readonly #laneCount: number;
  readonly #known = new Map<TenantNo, Known>();
  readonly #cores: {core: SimulatedCore; died: Promise<Told>; die: () => void}[] = [];
  readonly #sendings: Sending[] = [];
  readonly #looked: Looked[] = [];
  readonly #viewFaults: string[] = [];
  #viewCount = 0;
  readonly #acknowledged = new Map<TenantNo, number>();
  readonly #versions = new Map<Id, number>();
  readonly #used: Request[] = [];
  #traceCount = 0;
  #keyCount = 0;
  #isOver = false;

  constructor(seed: number, server: Server, random: Random, hashes: Hashes, options: Options) {
    this.#seed = seed;
    this.#server = server;
    this.#random = random;
    this.#hashes = hashes;
    this.#options = options;
    this.#laneCount = 1 + random.int(2);
  }

  async all(): Promise<History> {
    const random = this.#random;
    const coreCount = this.#options.coreCount ?? (random.chance(0.2) ? 2 : 1);
    for (let index = 0; index < coreCount; index += 1) this.#start(index);
    for (let index = 0; index < tenantCount; index += 1) await this.#makeTenant(index);
    this.#server.faults = {...weather(random), ...this.#options.faults};
    const callers = Array.from({length: 2 + random.int(10)}, () => this.#caller(4 + random.int(8)));
    const beside = [this.#trouble(), this.#look()];
    await Promise.all(callers);
    this.#isOver = true;
    await Promise.all(beside);
    // What hangs about happens, or never does.
    this.#server.faults = noFaults;
    await this.#pause(20_000);
    return this.#history();
  }

  #start(index: number): void {
    const core = startCore(this.#server, this.#hashes, this.#random, this.#laneCount);
    let die: () => void = () => undefined;
    const died = new Promise<Told>((resolve) => {
      die = () => resolve({is: 'cut'});
    });
    this.#cores[index] = {core, died, die};
  }

  async #makeTenant(index: number): Promise<void> {
    const core = this.#cores[0]?.core;
    if (core === undefined) throw new Error('a core is running');
    const made = await createTenant(core.services, {name: `tenant ${index}`});
    this.#known.set(made.tenantNo, {
      tenantId: made.tenantId,
      defaultAgentId: made.agentId,
      adminKeyId: made.keyId,
      trajectories: [],
      agents: [made.agentId],
      keys: [made.keyId],
    });
    this.#acknowledged.set(made.tenantNo, 4);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#server.time.after(ms, resolve));
  }

  /** One after the other, as a caller that waits for each answer; now and then several at once. */
  async #caller(count: number): Promise<void> {
    const random = this.#random;
    for (let done = 0; done < count; done += 1) {
      const tenantNo = 1 + random.int(tenantCount);
      const copies = random.chance(0.15) ? 2 + random.int(3) : 1;
      const one = this.#request(tenantNo);
      await Promise.all(Array.from({length: copies}, () => this.#insist(tenantNo, one)));
      if (random.chance(0.4)) await this.#pause(random.int(60));
    }
  }

  #request(tenantNo: TenantNo): Request {
    const random = this.#random;
    const known = this.#known.get(tenantNo);
    if (known === undefined) throw new Error(`tenant ${tenantNo} was made`);
    const again = this.#used.length > 0 && random.chance(0.12) ? random.pick(this.#used) : null;
    if (again !== null && random.chance(0.6)) return again;
    const one = request(random, known, () => again?.key ?? `key ${(this.#keyCount += 1)}`);
    if (one.key !== null) this.#used.push(one);
    return one;
  }

  /** Sends a request until it is known what became of it, where its key makes that safe. */
  async #insist(tenantNo: TenantNo, one: Request): Promise<void> {
    for (let attempt = 0; attempt < retryLimit; attempt += 1) {
      const sending = await this.#send(tenantNo, one);
      if (one.key === null || !isOpen(sending.told)) return;
      await this.#pause(200 * 2 ** attempt);
    }
  }

  async #send(tenantNo: TenantNo, one: Request): Promise<Sending> {
    const index = this.#random.int(this.#cores.length);
    const running = this.#cores[index];
    if (running === undefined) throw new Error(`core ${index} was started`);
    const {services} = running.core;
    const wanted = sent(one, services.newId);
    this.#traceCount += 1;
    const sending: Sending = {
      tenantNo,
      wanted,
      core: index,
      trace: this.#traceCount.toString(16).padStart(32, '0'),
      from: this.#acknowledged.get(tenantNo) ?? 0,
      to: 0,
      told: null,
      sentAt: this.#server.time.now(),
      toldAt: 0,
    };
    this.#sendings.push(sending);
    const ran = services.pipeline
      .run(this.#actor(tenantNo, wanted), callOf(wanted, sending.trace), wanted.commands)
      .then(
        (result): Told => ({is: 'ran', ran: result}),
        (error: unknown): Told => ({is: 'error', error}),
      );
    sending.told = await Promise.race([ran, running.died]);
    sending.toldAt = this.#server.time.now();
    sending.to = this.#server.tables.tenants.get(tenantNo)?.size ?? 0;
    await this.#learn(tenantNo, sending, running.core);
    return sending;
  }

  #actor(
    tenantNo: TenantNo,
    {by, keyId, agentId}: Pick<Wanted, 'by' | 'keyId' | 'agentId'>,
  ): Actor {
    const tenantId = (this.#known.get(tenantNo)?.tenantId ?? '') as TenantId;
    return {
      tenantNo,
      tenantId,
      by,
      keyId,
      agentId,
      scopes: new Set(),
      isBound: false,
      onBehalfOf: null,
      sourceCeiling: 'user',
    };
  }

  /** What a caller knows once it was told; now and then it looks at once. */
  async #learn(tenantNo: TenantNo, {told, wanted}: Sending, core: SimulatedCore): Promise<void> {
    const known = this.#known.get(tenantNo);
    if (told?.is !== 'ran' || told.ran.is !== 'committed' || known === undefined) return;
    const {events} = told.ran;
    const size = (events.at(-1)?.leaf ?? -1) + 1;
    this.#acknowledged.set(tenantNo, Math.max(size, this.#acknowledged.get(tenantNo) ?? 0));
    for (const {entityId, entityVersion} of events) {
      if (entityId !== null)
        this.#versions.set(
          entityId,
          Math.max(entityVersion ?? 0, this.#versions.get(entityId) ?? 0),
        );
    }
    for (const command of wanted.commands) {
      if (command.type === 'trajectory.create') known.trajectories.push(command.id);
      if (command.type === 'agent.register') known.agents.push(command.id);
      if (command.type === 'api_key.create') known.keys.push(command.id);
    }
    const [command] = wanted.commands;
    if (
      this.#cores.length > 1 ||
      command === undefined ||
      !command.type.startsWith('trajectory.') ||
      events.length === 0
    )
      return;
    const least = this.#versions.get(command.id) ?? 0;
    const read = core.services.reads.row(tenantNo, 'trajectory', command.id).then(
      (row) => row?.version ?? 0,
      () => null,
    );
    const found = await Promise.race([read, this.#cores[0]?.died.then(() => null) ?? null]);
    if (found !== null) this.#looked.push({id: command.id, least, found});
  }

  /** Restarts, evictions and absences, until the callers are through. */
  async #trouble(): Promise<void> {
    const random = this.#random;
    let killCount = random.int(3);
    while (!this.#isOver) {
      await this.#pause(20 + random.int(400));
      const index = random.int(this.#cores.length);
      const running = this.#cores[index];
      if (running === undefined) continue;
      const what = random.int(10);
      if (what < 2 && killCount > 0) {
        killCount -= 1;
        running.core.kill();
        running.die();
        this.#start(index);
      } else if (what === 2) {
        this.#server.awayUntil =
          this.#server.time.now() + random.int(random.chance(0.2) ? 120_000_000 : 3_000_000);
      } else this.#evict(running.core);
    }
  }

  /** P-14: whatever a snapshot was made of, the view over it is what the database holds. */
  async #look(): Promise<void> {
    const random = this.#random;
    while (!this.#isOver) {
      await this.#pause(random.int(400));
      const tenantNo = 1 + random.int(tenantCount);
      const known = this.#known.get(tenantNo);
      const running = random.pick(this.#cores);
      const target = known?.trajectories.at(-1);
      if (known === undefined || target === undefined) continue;
      const {store, laneOf} = running.core.services;
      const {memory} = laneOf(tenantNo);
      const wish = {
        tenantNo,
        actor: this.#actor(tenantNo, {by: 'system:look', keyId: null, agentId: null}),
        call: systemCall,
        commands: [{type: 'trajectory.delete', id: target}],
        expects: [],
        key: null,
        isBackground: false,
      };
      const refs = [
        {entity: 'trajectory', column: 'id', values: [...known.trajectories]},
        {entity: 'agent', column: 'id', values: [...known.agents]},
        {entity: 'trajectory', column: 'externalId', values: [...externalIds]},
      ];
      const snapshot = await Promise.race([
        assemble({store, memoryOf: () => memory}, wish, refs).catch(() => null),
        running.died.then(() => null),
      ]);
      await this.#pause(random.int(60));
      if (snapshot !== null) this.#compare(tenantNo, known, target, memory, snapshot);
    }
  }

  #compare(tenantNo: TenantNo, known: Known, target: Id, memory: Memory, snapshot: Snapshot): void {
    const {tables} = this.#server;
    const ledger = memory.tenants.get(tenantNo);
    // What is on its way, or was done by somebody else, the lane does not know yet.
    if (ledger === undefined || ledger.head.size !== tables.tenants.get(tenantNo)?.size) return;
    const layers = changesSince(ledger, snapshot.size);
    if (layers === null) return;
    this.#viewCount += 1;
    const view = createView({
      at: 0,
      tenantId: known.tenantId as TenantId,
      settings: {},
      snapshot,
      layers,
      reads: new Map(),
    });
    const stored = [...(tables.mem.get('trajectory')?.values() ?? [])].filter(
      (row) => row['tenant_no'] === tenantNo,
    );
    const same = (what: string, seen: unknown, held: unknown): void => {
      if (JSON.stringify(seen) === JSON.stringify(held)) return;
      this.#viewFaults.push(
        `${what} is ${JSON.stringify(seen)}, stored is ${JSON.stringify(held)}, snapshot of ${snapshot.size} at ${ledger.head.size}`,
      );
    };
    for (const [entity, ids] of [
      ['trajectory', known.trajectories],
      ['agent', known.agents],
    ] as const) {
      for (const id of ids) {
        if (!snapshot.rows.has(rowKey(entity, id))) continue;
        const row = view.row<Record<string, unknown>>(entity, id);
        const held = tables.mem.get(entity)?.get(`${tenantNo}/${id}`);
        same(
          `${entity} ${id}`,
          row === null ? null : [row.version, row.leaf, row.state['status']],
          held === undefined ? null : [held['version'], held['leaf'], held['status']],
        );
      }
    }
    const ids = (rows: readonly {id: Id}[]): Id[] => rows.map(({id}) => id).toSorted();
    for (const [column, name, value] of [
      ['parentTrajectoryId', 'parent_trajectory_id', target],
      ...externalIds.map((one) => ['externalId', 'external_id', one]),
    ] as [string, string, string][]) {
      const held = stored
        .filter((row) => row[name] === value)
        .map((row) => ({id: row['id'] as Id}));
      same(
        `trajectories of ${column} ${value}`,
        ids(view.rows('trajectory', column, value)),
        ids(held),
      );
    }
  }

  /** What a full LRU and a full ring do by themselves. */
  #evict({lanes}: SimulatedCore): void {
    const random = this.#random;
    const {memory} = random.pick(lanes);
    const {rows, chains, tenants} = memory;
    if (random.chance(0.5)) for (const key of rows.keys()) if (random.chance(0.5)) rows.delete(key);
    if (random.chance(0.5))
      for (const key of chains.keys()) if (random.chance(0.5)) chains.delete(key);
    for (const ledger of tenants.values()) {
      // The newest are never pushed out: 65 536 others would have to come while a unit waits.
      if (random.chance(0.5)) {
        for (const [key, {leaf}] of ledger.keys.entries())
          if (leaf < this.#oldest()) ledger.keys.delete(key);
      }
      while (random.chance(0.5) && ledger.ring.length > 0) {
        ledger.ring.shift();
        ledger.ringStart = ledger.ring[0]?.began ?? ledger.head.size;
      }
    }
    // A row that everything needs stays hot, as it does in a real one.
    for (const [tenantNo, {tenantId}] of this.#known)
      rows.get(memoryKey(tenantNo, rowKey('tenant', tenantId)));
  }

  /** What every unit under way has seen. */
  #oldest(): number {
    const open = this.#sendings.filter(({told}) => told === null);
    return Math.min(...open.map(({from}) => from), Number.MAX_SAFE_INTEGER);
  }

  #history(): History {
    const {tables} = this.#server;
    const digest = createHash('sha256');
    for (const events of tables.events.values())
      for (const event of events) digest.update(String(event['header']));
    for (const {told, toldAt} of this.#sendings) digest.update(`${told?.is} ${toldAt}`);
    return {
      seed: this.#seed,
      server: this.#server,
      sendings: this.#sendings,
      looked: this.#looked,
      known: this.#known,
      viewCount: this.#viewCount,
      viewFaults: this.#viewFaults,
      isAlone: this.#cores.length === 1,
      digest: digest.digest('hex'),
    };
  }
}

/** Calm, rough and very rough. */
function weather(random: Random): Faults {
  const rough = random.pick([0, 0.02, 0.1, 0.25]);
  const part = (): number => (rough * random.int(100)) / 100;
  return {
    delayMs: random.pick([1, 5, 40]),
    busy: part(),
    unsent: part(),
    lost: part(),
    late: part() / 2,
    readFails: part() / 4,
  };
}

const callOf = ({key, digest, ifMatch}: Wanted, trace: string): Call => ({
  ...systemCall,
  trace,
  idempotencyKey: key,
  requestHash: key === null ? null : createHash('sha256').update(digest).digest('hex'),
  ifMatch: typeof ifMatch === 'number' ? [ifMatch] : ifMatch,
});

/** Whether a caller has to ask again to know. */
export function isOpen(told: Told | null): boolean {
  if (told?.is !== 'error') return told?.is === 'cut';
  return (
    told.error instanceof CellError &&
    ['TIMEOUT', 'SERVICE_UNAVAILABLE', 'DATABASE_ERROR', 'CONCURRENT_MODIFICATION'].includes(
      told.error.code,
    )
  );
}
