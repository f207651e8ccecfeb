/**
 * The driver `postgres:`: a server of one's own, which keeps what it acknowledged through power loss.
 *
 * A connection for each lane, as `cs_lane`, one statement in flight; the first of them holds the lock
 * of the database's one core for as long as it lives. A pool reads as `cs_app`. A lost connection is
 * replaced, with bounded waits; what was under way on it is answered as unknown.
 */
import {availableParallelism} from 'node:os';
import {configOf, Connection} from './connection.ts';
import type {Driver} from './driver.ts';
import {NotSent} from './errors.ts';
import {LaneConnection} from './lane-connection.ts';
import {ReadPool} from './read-pool.ts';
import {becomeRole, OtherCore, requireAppLogin, requireServer, takeCoreLock} from './server.ts';

export type PostgresOptions = {
  /** Login that reads; it must be `cs_app` and nothing else. Without it the lanes' login becomes both. */
  readonly appUrl?: string | undefined;
  /** Connections that read. */
  readonly maxConnections?: number | undefined;
  readonly lanes?: number | undefined;
  /**
   * False for a command beside a running core, which holds the lock of the database's one core. It
   * is safe without: each commit compares size and root, so the worst is one batch sequenced anew.
   */
  readonly takeLock?: boolean | undefined;
  /**
   * Told once that the process must stop: another core has taken the database over, or the engine of
   * an embedded one has crashed. From then on nothing is committed.
   */
  readonly onFatal?: ((error: Error) => void) | undefined;
};

const defaultMaxConnections = 10;

/** More lanes than two only wait for the same disk. */
const mostLanes = 2;

/** A core that was just killed holds the lock until its backend has noticed. */
const startWaitMs = 2_000;

const retryPauseMs = 500;

export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Driver> {
  const {appUrl, maxConnections = defaultMaxConnections, onFatal, takeLock = true} = options;
  const laneCount = options.lanes ?? Math.min(mostLanes, availableParallelism());
  const lanes = Array.from({length: laneCount}, (_, lane) =>
    laneConnection(url, lane, takeLock && lane === 0),
  );
  const pool = new ReadPool({url: appUrl ?? url, maxConnections, setsRole: appUrl === undefined});
  let fatal: Error | null = null;
  let isClosed = false;

  const close = async (): Promise<void> => {
    isClosed = true;
    await Promise.all([...lanes.map((lane) => lane.close()), pool.close()]);
  };

  /** Takes the lock again at once when its connection is lost; another core must not find it free. */
  const keepLock = async (first: LaneConnection): Promise<void> => {
    while (!isClosed && fatal === null) {
      try {
        const connection = await first.connected();
        await connection.ended;
      } catch (error) {
        if (error instanceof NotSent && error.cause instanceof OtherCore) {
          fatal = error.cause;
          onFatal?.(fatal);
        } else {
          // Away for longer than one attempt waits; this goes on for as long as the core does.
          await Bun.sleep(retryPauseMs);
        }
      }
    }
  };

  const laneAt = (lane: number): LaneConnection => {
    const connection = lanes[lane];
    if (connection === undefined) throw new NotSent(`there is no lane ${lane}`);
    // Not `NotSent`: what this core believes to be its ledger may have moved on without it.
    if (fatal !== null) throw new Error('another core has taken over', {cause: fatal});
    return connection;
  };

  try {
    if (appUrl !== undefined) await checkAppLogin(appUrl);
    for (const lane of lanes) await lane.connected(startWaitMs);
  } catch (error) {
    await close();
    throw error;
  }
  const [first] = lanes;
  if (first !== undefined && takeLock) keepLock(first).catch(reportError);

  return {
    durability: 'disk',
    lanes: laneCount,
    ask: (statement, values) => pool.ask(statement, values),
    askLane: async (lane, statement, values) => laneAt(lane).ask(statement, values),
    async commit(lane, statement, values) {
      await laneAt(lane).ask(statement, values);
    },
    laneTransaction: async (lane, work) => laneAt(lane).transaction(work),
    readTransaction: (tenant, work) => pool.transaction(tenant, work),
    close,
  };
}

const laneConnection = (url: string, lane: number, holdsLock: boolean): LaneConnection =>
  new LaneConnection({
    lane,
    config: configOf(url, `lane ${lane}`),
    async prepare(connection) {
      await requireServer(connection);
      if (holdsLock) await takeCoreLock(connection);
      await becomeRole(connection, 'cs_lane');
    },
  });

async function checkAppLogin(url: string): Promise<void> {
  const connection = await Connection.open(configOf(url, 'check'));
  try {
    await requireAppLogin(connection);
  } finally {
    await connection.close();
  }
}
