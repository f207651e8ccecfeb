/**
 * The sequencer: orders the units of its tenants and commits them in batches.
 *
 * One batch is in flight; what queues meanwhile is the next batch, so batches grow with load and no
 * timer is needed. A unit that was sequenced is never dropped: it is committed, denied, or sequenced
 * again after the database has told what became of its batch.
 */
import {CellError} from '../../shared/errors.ts';
import type {Micros, TenantNo} from '../../shared/ids.ts';
import type {Ref} from '../domain/aggregate.ts';
import type {Recording, Tools} from '../pipeline/record.ts';
import {sequence} from '../pipeline/sequence.ts';
import type {Wish} from '../pipeline/unit-run.ts';
import {newLayer, type Layer, type Snapshot} from '../pipeline/view.ts';
import type {Store} from '../store/store.ts';
import {addUnit, batchOf, moveHead, sizeOf, type Move, type Part} from './commit.ts';
import {loadLedger} from './head.ts';
import {
  absorb,
  changesSince,
  forget,
  keepKey,
  recallRow,
  type Memory,
  type TenantLedger,
} from './memory.ts';
import {eventsOf, outcomeOf, type Judged, type Outcome} from './outcome.ts';
import {createQueue, type Pending} from './queue.ts';
import {settle, type Settled} from './settle.ts';

export type Lane = {
  /** Throws `CellError` where nothing was written or nobody can tell. */
  submit(wish: Wish): Promise<Outcome>;
  /** Runs upkeep of a tenant when no batch is in flight, which then sees what it changed. */
  between<T>(tenant: TenantNo, work: (ledger: TenantLedger) => Promise<T>): Promise<T>;
  readonly memory: Memory;
  /** Units that wait to be sequenced. */
  queuedCount(): number;
  /** Waits for what is queued and in flight. */
  close(): Promise<void>;
};

export type LaneOptions = {
  readonly index: number;
  readonly store: Store;
  readonly memory: Memory;
  readonly tools: Tools;
  readonly now: () => Micros;
  /** Loads what a unit needs anew, and `missing` besides. */
  readonly assembleAgain: (wish: Wish, missing: readonly Ref[]) => Promise<Snapshot>;
  /** Told of each commit before its callers are. Must not throw. */
  readonly published: (tenant: TenantNo, events: readonly Recording[], layer: Layer) => void;
  /** Told of each step of a batch, for the tests that kill the process there. */
  readonly onStep?: ((step: LaneStep) => void) | undefined;
};

export type LaneStep =
  | 'queued'
  | 'assembled'
  | 'sequenced'
  | 'sent'
  | 'committed'
  | 'absorbed'
  | 'published';

const batchEventLimit = 256;
/** Units one tenant puts into a batch while others wait. */
const turnUnitLimit = 64;
const assembleLimit = 3;
/** Of a snapshot that no ring reaches back to. */
const noSize = -1;

type Done = {readonly pending: Pending; readonly judged: Judged; readonly first: number};
type Again = {readonly pending: Pending; readonly missing: readonly Ref[]};

/** A tenant's part of the running batch, and the units in it. */
type Building = Part & {readonly done: Done[]};

/** Makes a lane. */
export function createLane(of: LaneOptions): Lane {
  const {store, memory, tools} = of;
  const queue = createQueue();
  const upkeep: (() => Promise<void>)[] = [];
  let running: Promise<void> | null = null;

  /** Begins to work unless it is at it. */
  function wake(): void {
    running ??= pump().finally(() => {
      running = null;
      // What was submitted after the last look at the queue would wait for the next caller.
      if (queue.count > 0 || upkeep.length > 0) wake();
    });
  }

  async function pump(): Promise<void> {
    // What arrives in one turn of the event loop shares the first batch.
    await new Promise(setImmediate);
    while (queue.count > 0 || upkeep.length > 0) {
      await upkeep.shift()?.();
      if (queue.count > 0) await runBatch();
    }
  }

  async function runBatch(): Promise<void> {
    const building = new Map<TenantNo, Building>();
    const again: Again[] = [];
    const tenants = queue.tenants();
    try {
      await Promise.all(tenants.map(loadTenant));
      build(tenants, building, again);
      of.onStep?.('sequenced');
      const assembling = Promise.all(again.map(assembleOne));
      try {
        await commit([...building.values()]);
      } finally {
        // Whoever is refused below must be in the queue by then, and not join it afterwards.
        await assembling;
      }
    } catch (error) {
      // A bug: everybody who waits is told, nothing is believed.
      for (const {done} of building.values()) for (const {pending} of done) pending.reject(error);
      for (const {pending} of again) pending.reject(error);
      for (const tenant of tenants) {
        queue.refuse(tenant, error);
        forget(memory, tenant);
      }
    }
  }

  /** A tenant whose head cannot be read is refused what it waits for; the others go on. */
  async function loadTenant(tenant: TenantNo): Promise<void> {
    try {
      await loadLedger(store, memory, tools.hashes, tenant);
    } catch (error) {
      queue.refuse(tenant, error);
    }
  }

  /** Takes units off the queue, tenant by tenant in turn, and sequences them. */
  function build(
    tenants: readonly TenantNo[],
    building: Map<TenantNo, Building>,
    again: Again[],
  ): void {
    const turn = tenants.length > 1 ? turnUnitLimit : Number.POSITIVE_INFINITY;
    let eventCount = 0;
    for (const tenant of tenants) {
      for (let taken = 0; taken < turn && eventCount < batchEventLimit; taken += 1) {
        if (queue.peek(tenant)?.isAlone === true && eventCount > 0) break;
        const pending = queue.take(tenant, of.now());
        if (pending === null) break;
        const before = building.get(tenant)?.events.length ?? 0;
        const missing = sequenceOne(building, tenant, pending);
        if (missing !== undefined) {
          again.push({pending, missing});
          // What this caller sent after it must stay after it.
          break;
        }
        eventCount += (building.get(tenant)?.events.length ?? 0) - before;
        if (pending.isAlone && eventCount > 0) return;
      }
    }
  }

  /** Answers what has to be loaded before the unit can be judged; undefined when it was. */
  function sequenceOne(
    building: Map<TenantNo, Building>,
    tenant: TenantNo,
    pending: Pending,
  ): readonly Ref[] | undefined {
    const {wish} = pending;
    const ledger = memory.tenants.get(tenant);
    const since = ledger === undefined ? null : changesSince(ledger, wish.snapshot.size);
    if (ledger === undefined || since === null) return [];
    const part = building.get(tenant) ?? newPart(ledger);
    const layers = [part.layer, ...since];
    const {head, isHalted} = ledger;
    const standing = {head, size: sizeOf(part), lastAt: part.lastAt, isHalted, layers};
    const idem = wish.key?.idem ?? '';
    const seen = ledger.keys.get(idem) ?? wish.snapshot.keys.get(idem) ?? null;
    const judged = sequence(tools, wish, standing, seen, of.now());
    if (judged.is === 'again') return judged.refs;
    if (judged.is === 'thrown') {
      pending.reject(judged.error);
      return undefined;
    }
    const events = eventsOf(judged);
    if (seen === null && isKeyOpen(wish, events)) return [];
    building.set(tenant, part);
    part.done.push({pending, judged, first: part.events.length});
    if (judged.is === 'same') return undefined;
    addUnit(part, events, judged.layer, (key) => baseVersion(tenant, since, wish.snapshot, key));
    // A second request with this key in the same batch is a replay of the first.
    const [first] = events;
    if (first !== undefined && first.idem !== null && wish.key !== null) {
      keepKey(ledger, first.idem, {leaf: first.leaf, request: wish.key.request});
    }
    return undefined;
  }

  /**
   * Whether an old event may hold the unit's key and nobody would notice: memory has forgotten it, SQL
   * was not asked, and what is decided puts nothing into the index that would meet it there.
   */
  const isKeyOpen = ({key, snapshot}: Wish, [first]: readonly Recording[]): boolean =>
    key !== null && !snapshot.isKeyAsked && first?.idem !== key.idem;

  const newPart = (ledger: Part['ledger']): Building => ({
    ledger,
    layer: newLayer(),
    events: [],
    versions: new Map(),
    bases: new Map(),
    index: [],
    lastAt: ledger.head.lastAt,
    done: [],
  });

  /** The version PostgreSQL holds of a row: the newest one before this batch. */
  function baseVersion(
    tenant: TenantNo,
    since: readonly Layer[],
    snapshot: Snapshot,
    key: string,
  ): number {
    const changed = since.find((layer) => layer.rows.has(key))?.rows.get(key)?.row;
    const known = changed ?? snapshot.rows.get(key) ?? recallRow(memory, tenant, key);
    return known?.version ?? 0;
  }

  async function assembleOne({pending, missing}: Again): Promise<void> {
    pending.attempts += 1;
    if (pending.attempts > assembleLimit) {
      const message = 'what this change is about moved faster than it could be read';
      pending.reject(new CellError('CONCURRENT_MODIFICATION', message));
      return;
    }
    try {
      const snapshot = await of.assembleAgain(pending.wish, missing);
      pending.wish = {...pending.wish, snapshot};
      of.onStep?.('assembled');
      queue.putBack(pending);
    } catch (error) {
      pending.reject(error);
    }
  }

  async function commit(parts: readonly Building[]): Promise<void> {
    const moving = parts.filter((part) => part.events.length > 0);
    const moves = moving.map((part) => moveHead(tools.hashes, part));
    const settled: Settled = moves.length === 0 ? {is: 'committed'} : await send(moves);
    if (settled.is !== 'committed') {
      undo(parts, settled);
      return;
    }
    for (const part of parts) {
      acknowledge(part, moves.find((move) => move.part === part) ?? null);
    }
  }

  async function send(moves: readonly Move[]): Promise<Settled> {
    const settling = settle(store, batchOf(of.index, of.now(), moves), moves);
    of.onStep?.('sent');
    const settled = await settling;
    of.onStep?.('committed');
    return settled;
  }

  function acknowledge(part: Building, move: Move | null): void {
    const {ledger} = part;
    if (move !== null) {
      absorb(memory, ledger, part.layer, move.next, move.growth.frontier);
      of.onStep?.('absorbed');
      of.published(move.next.tenantNo, part.events, part.layer);
      of.onStep?.('published');
    }
    for (const {pending, judged, first} of part.done) {
      pending.resolve(outcomeOf(judged, first, ledger.head, move?.growth ?? null));
    }
  }

  /** The batch is not there: its units run again, or the one that can never run is told so. */
  function undo(parts: readonly Building[], settled: Exclude<Settled, {is: 'committed'}>): void {
    const done = parts.flatMap((part) => part.done);
    for (const part of parts) forget(memory, part.ledger.head.tenantNo);
    // Units without an event had no part in what the database refused. Memory may be what is wrong, so
    // even a unit that was alone is told only when it was assembled anew and is refused again.
    const writers = done.filter(({judged}) => eventsOf(judged).length > 0);
    const isTold = ({pending}: Done): boolean =>
      settled.is === 'given_up' ||
      (settled.is === 'poisoned' &&
        writers.length === 1 &&
        pending.isAlone &&
        writers[0]?.pending === pending);
    for (const one of done) {
      const {pending} = one;
      if ('error' in settled && isTold(one)) pending.reject(settled.error);
      else runAgain(pending, settled.is === 'poisoned');
    }
  }

  function runAgain(pending: Pending, isAlone: boolean): void {
    // The head may be where it was, and the snapshot as old as before: of no size, it is taken anew.
    pending.wish = {...pending.wish, snapshot: {...pending.wish.snapshot, size: noSize}};
    pending.attempts = 0;
    // What was sequenced once is never dropped for having waited.
    pending.since = Number.POSITIVE_INFINITY;
    pending.isAlone ||= isAlone;
    queue.putBack(pending);
  }

  return {
    memory,
    between(tenant, work) {
      return new Promise((resolve, reject) => {
        upkeep.push(async () => {
          try {
            resolve(await work(await loadLedger(store, memory, tools.hashes, tenant)));
          } catch (error) {
            reject(error);
          }
        });
        wake();
      });
    },
    queuedCount: () => queue.count,
    submit(wish) {
      return new Promise((resolve, reject) => {
        queue.push({wish, since: of.now(), attempts: 0, isAlone: false, order: 0, resolve, reject});
        of.onStep?.('queued');
        wake();
      });
    },
    async close() {
      while (running !== null) await running;
    },
  };
}
