/**
 * The connection of one lane: one statement in flight, replaced when it is lost or silent.
 *
 * A commit that got no answer is never asked about on the connection it was sent on. That one is
 * destroyed; the server notices within a second that nobody listens any more, also while it works.
 */
import type {ClientConfig} from 'pg';
import type {Statement} from '../store.ts';
import {Connection} from './connection.ts';
import {isConnectionLost, NotSent, readError} from './errors.ts';
import {OtherCore} from './server.ts';
import type {Ask} from './statements.ts';
import {Turns} from './turns.ts';

/** A commit without an answer is unknown after this; so long one waits for a turn or a connection. */
export const patienceMs = 5_000;

const firstPauseMs = 50;
const longestPauseMs = 1_000;

export type LaneOptions = {
  readonly lane: number;
  readonly config: ClientConfig;
  /** Run once on each new connection; throws when it is not one to work on. */
  readonly prepare: (connection: Connection) => Promise<void>;
};

export class LaneConnection {
  readonly #options: LaneOptions;
  readonly #turns: Turns;
  #current: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #isClosed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#turns = new Turns(`the connection of lane ${options.lane}`, patienceMs);
  }

  /** One statement, its own transaction. */
  ask<T>(statement: Statement, values: readonly unknown[]): Promise<T[]> {
    return this.#turns.take(async () => {
      const connection = await this.connected();
      return answerOf(connection, connection.rows<T>(statement, values));
    });
  }

  /** A transaction around what `work` asks; undone when it throws. */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    const own = (doing: string, promise: Promise<void>): Promise<void> =>
      promise.catch((cause: unknown) => {
        throw readError(cause, doing);
      });
    return this.#turns.take(async () => {
      const connection = await this.connected();
      const run = (text: string): Promise<void> =>
        own(text, answerOf(connection, connection.run(text)));
      await run('begin');
      try {
        const result = await work((s, v) => answerOf(connection, connection.rows(s, v)));
        await run('commit');
        return result;
      } catch (error) {
        // A connection that cannot undo is no connection: ending it undoes as well.
        await run('rollback').catch(() => connection.destroy());
        throw error;
      }
    });
  }

  /** The live connection; a lost one is replaced. Throws `NotSent` when that takes too long. */
  connected(waitMs = patienceMs): Promise<Connection> {
    if (this.#current?.isOpen) return Promise.resolve(this.#current);
    this.#opening ??= this.#open(waitMs).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(waitMs: number): Promise<Connection> {
    const deadline = performance.now() + waitMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await this.#openOnce();
      } catch (cause) {
        if (cause instanceof NotSent) throw cause;
        if (performance.now() + pauseMs > deadline) throw new NotSent(reasonOf(cause), {cause});
      }
      await Bun.sleep(pauseMs);
    }
  }

  async #openOnce(): Promise<Connection> {
    if (this.#isClosed) throw new NotSent('the store is closed');
    const connection = await Connection.open(this.#options.config);
    try {
      // The server looks every second whether we are still there, in the middle of a statement too.
      await connection.run(`set client_connection_check_interval = '1s'`);
      await this.#options.prepare(connection);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#current = connection;
    return connection;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns
      .take(async () => this.#current?.close())
      .catch(() => this.#current?.destroy());
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof OtherCore) return cause.message;
  return `no connection to the database: ${cause instanceof Error ? cause.message : String(cause)}`;
}

/**
 * The answer, in time and without a warning; a connection that did not give one is destroyed.
 *
 * Nothing a lane runs warns, but a server whose wait for a replica was cancelled does: the commit is
 * on its disk then, and perhaps nowhere else.
 */
async function answerOf<T>(connection: Connection, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${patienceMs} ms`)), patienceMs);
  });
  try {
    const result = await Promise.race([answer, silence]);
    const warning = connection.takeWarning();
    if (warning !== null) throw warning;
    return result;
  } catch (error) {
    if (isConnectionLost(error)) connection.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
