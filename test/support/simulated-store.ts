/**
 * A model of PostgreSQL behind `Store`, for simulations: slow, forgetful, sometimes away.
 *
 * Every call may be late, never happen, or happen without its answer arriving; a commit whose
 * connection broke may even happen after its sender has asked what became of it. What happens is what
 * `simulated-tables.ts` says; what is read is what was committed at the moment of reading.
 */
import {CellError} from '../../shared/errors.ts';
import type {Micros, TenantNo} from '../../shared/ids.ts';
import type {CommitOutcome, Query, Statement, Store} from '../../core/store/store.ts';
import type {Random} from './seeds.ts';
import type {SimulatedTime} from './simulated-time.ts';
import {
  assembleIn,
  commitTo,
  headIn,
  openTenantIn,
  Refused,
  textOf,
  type Tables,
} from './simulated-tables.ts';

/** Probabilities, and the longest a call takes. */
export type Faults = {
  readonly delayMs: number;
  /** What a commit takes besides, so that others gather behind it. */
  readonly commitMs?: number;
  /** How long one waits for an answer that is lost. */
  readonly patienceMs?: number;
  /** A commit that is not begun: no room, no connection. */
  readonly busy: number;
  /** A commit that never arrives, and nobody can tell. */
  readonly unsent: number;
  /** A commit that happens and whose answer is lost. */
  readonly lost: number;
  /** A commit whose connection breaks before it happens; it happens all the same, some time later. */
  readonly late: number;
  readonly readFails: number;
};

export const noFaults: Faults = {delayMs: 2, busy: 0, unsent: 0, lost: 0, late: 0, readFails: 0};

/** One database and the weather around it, which every session shares. */
export type Server = {
  readonly tables: Tables;
  readonly time: SimulatedTime;
  readonly random: Random;
  faults: Faults;
  /** Nothing is answered before. */
  awayUntil: Micros;
  /** Told of each commit that happened, whoever was told. */
  onCommit?: () => void;
};

export type Session = {readonly store: Store; kill(): void};

/** How long a commit that nobody waits for any more may hang about. */
const lateMs = 8_000;

const away = (): CellError => new CellError('SERVICE_UNAVAILABLE', 'the database does not answer');

/** Connects one core. A killed session answers nothing any more. */
export function connect(server: Server, lanes: number): Session {
  const {tables, time, random} = server;
  let isDead = false;
  const delay = (): number => random.int(server.faults.delayMs * 1_000) / 1_000;
  const isAway = (): boolean => time.now() < server.awayUntil;

  function call<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      time.after(delay(), () => {
        if (isDead) return;
        const isLost = isAway() || random.chance(server.faults.readFails);
        let answer: () => void;
        try {
          const result = isLost ? null : work();
          answer = () => (isLost ? reject(away()) : resolve(result as T));
        } catch (error) {
          answer = () => reject(error);
        }
        time.after(delay(), () => {
          if (!isDead) answer();
        });
      });
    });
  }

  function happen(text: string, batchNow: Micros): CommitOutcome {
    try {
      commitTo(tables, text, batchNow, time.now());
      server.onCommit?.();
      return {is: 'committed'};
    } catch (error) {
      if (error instanceof Refused) return error.outcome;
      throw error;
    }
  }

  const store: Pick<
    Store,
    'durability' | 'lanes' | 'assemble' | 'commit' | 'head' | 'openTenant' | 'read' | 'close'
  > = {
    durability: 'disk',
    lanes,
    assemble: (...of) => call(() => assembleIn(tables, ...of)),
    head: (tenant) => call(() => headIn(tables, tenant)),
    openTenant: (tenant) => call(() => openTenantIn(tables, tenant)),
    commit(batch) {
      const text = textOf(batch);
      const {busy, unsent, lost, late, commitMs = 0, patienceMs = 0} = server.faults;
      const odds = random.int(1_000_000) / 1_000_000;
      const unknown: CommitOutcome = {is: 'unknown', cause: new Error('the connection broke')};
      return new Promise((resolve) => {
        const tell = (ms: number, outcome: CommitOutcome): void =>
          time.after(ms, () => {
            if (!isDead) resolve(outcome);
          });
        if (odds < busy) return tell(delay(), {is: 'busy', cause: new Error('no room')});
        if (odds < busy + unsent || isAway()) return tell(delay(), unknown);
        if (odds < busy + unsent + late) {
          time.after(random.int(lateMs), () => void happen(text, batch.nowMicros));
          return tell(delay(), unknown);
        }
        return time.after(delay() + commitMs, () => {
          // What was under way when its sender died is done, or is not.
          if (isDead && random.chance(0.5)) return;
          const outcome = happen(text, batch.nowMicros);
          const isLost = odds < busy + unsent + late + lost;
          tell(isLost ? patienceMs + delay() : delay(), isLost ? unknown : outcome);
        });
      });
    },
    read: async (tenant, ask) => ask(queryOf(tenant)),
    close: () => Promise.resolve(),
  };

  const queryOf = (tenant: TenantNo): Query => ({
    rows: <T>({name}: Statement, values: readonly unknown[]) =>
      call(() => answerOf(tenant, name, values) as T[]),
  });

  /** The statements that the write path asks, by name. */
  function answerOf(tenant: TenantNo, name: string, values: readonly unknown[]): unknown[] {
    switch (name) {
      case 'event_select_by_id': {
        const [, id] = values;
        return (tables.events.get(tenant) ?? [])
          .filter((event) => event['event_id'] === id)
          .map(() => ({found: 1}));
      }
      case 'past_select_at': {
        const [, entity, id, at] = values;
        return [...tables.past.values()].filter(
          (row) =>
            row['tenant_no'] === tenant &&
            row['entity'] === entity &&
            row['id'] === id &&
            Number(row['leaf']) <= Number(at) &&
            Number(row['to_leaf']) > Number(at),
        );
      }
      default:
        throw new Error(`the simulation does not know the statement ${name}`);
    }
  }

  return {
    store: store as Store,
    kill() {
      isDead = true;
    },
  };
}
