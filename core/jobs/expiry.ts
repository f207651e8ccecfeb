/**
 * Writes the event of what time has ended: artifacts and notes whose lifetime is over.
 *
 * Nobody waits for it, since reads take an item as expired from its moment on; but the event is what
 * lets the content be destroyed. `aux.sweep` holds the question of each row, over all tenants. Two runs
 * of one item, also after a crash, are one event: its key names the version that was found, and a
 * lifetime that was changed since is refused.
 */
import type {Id, TenantNo} from '../../shared/ids.ts';
import {CellError} from '../../shared/errors.ts';
import {encodeUtf8, toHex} from '../../shared/ledger/bytes.ts';
import {systemCall} from '../api/bootstrap.ts';
import type {Services} from '../api/services.ts';
import {systemActor} from '../domain/actor.ts';
import type {Command} from '../domain/aggregate.ts';
import {loadLedger} from '../ledger/head.ts';

/** Well below the minute within which an event follows its moment. */
const everyMs = 30_000;
/** Items of one run, oldest first; the next run goes on. */
const itemLimit = 1_000;
/** Items that wait in the lanes at once, as many as share a batch. */
const goLimit = 100;

type Ending = Command & {readonly because: 'time'};

const rows = [
  {sweep: 'artifact_expire', entity: 'artifact'},
  {sweep: 'note_expire', entity: 'note'},
] as const;

export type Expiry = {
  /** Ends what is due now; answers how many were ended. */
  run(): Promise<number>;
  start(): void;
  /** Stops between two goes. */
  close(): Promise<void>;
};

type Parts = {
  readonly services: Pick<Services, 'laneOf' | 'now' | 'pipeline' | 'store' | 'tools'>;
  readonly warn: (message: string, cause: unknown) => void;
};

type Due = {readonly tenantNo: TenantNo; readonly id: Id; readonly version: number};

/** Makes the job. */
export function createExpiry({services, warn}: Parts): Expiry {
  const {laneOf, now, pipeline, store, tools} = services;
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  async function end({entity, sweep}: (typeof rows)[number], due: Due): Promise<boolean> {
    const {id, tenantNo, version} = due;
    try {
      const {head} = await loadLedger(store, laneOf(tenantNo).memory, tools.hashes, tenantNo);
      const key = `job:${sweep}:${id}:${version}`;
      const requestHash = toHex(tools.hashes.sha256(encodeUtf8(key)));
      const command: Ending = {type: `${entity}.expire`, id, because: 'time'};
      const ran = await pipeline.run(
        systemActor(tenantNo, head.tenantId, sweep),
        {...systemCall, idempotencyKey: key, requestHash},
        [command],
        {expects: [[entity, id, version]], isBackground: true},
      );
      return ran.is === 'committed';
    } catch (cause) {
      // A refusal is the gates' word: the item was changed since, or its tenant has halted.
      if (!(cause instanceof CellError)) warn(`${sweep} of ${entity} ${id} is put off`, cause);
      return false;
    }
  }

  async function runRow(row: (typeof rows)[number]): Promise<number> {
    const due = await store.lookup.due(row.sweep, now(), itemLimit);
    let count = 0;
    for (let from = 0; from < due.length && !isClosed; from += goLimit) {
      const ended = await Promise.all(due.slice(from, from + goLimit).map((one) => end(row, one)));
      count += ended.filter(Boolean).length;
    }
    return count;
  }

  async function runAll(): Promise<number> {
    let count = 0;
    for (const row of rows) if (!isClosed) count += await runRow(row);
    return count;
  }

  /** One run after the other, so that the job never overlaps itself. */
  function run(): Promise<number> {
    const next = running.then(runAll);
    // Who asked for it is told of what it threw; the next one only waits.
    running = Promise.allSettled([next]);
    return next;
  }

  return {
    run,
    start() {
      const tick = (): void => {
        run().catch((cause: unknown) =>
          warn('expiry could not look for what is due; it looks again', cause),
        );
      };
      tick();
      timer = setInterval(tick, everyMs);
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearInterval(timer);
      await running;
    },
  };
}
