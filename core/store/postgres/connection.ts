/**
 * One connection to a PostgreSQL server, made the way every connection of ours is made.
 *
 * Pipelined: what is queued goes out at once, so that the `begin` and `set local` in front of a
 * statement cost no round trip of their own. Errors arrive at the queries they belong to.
 */
import {Socket} from 'node:net';
import {hostname} from 'node:os';
import {Client, type ClientConfig} from 'pg';
import type {Statement} from '../store.ts';
import {decoderOf, encode} from './values.ts';

/** A host that drops packets must not hold an attempt for the minutes of TCP's own patience. */
export const connectTimeoutMs = 5_000;

/** A server that does not take our leave is left without it. */
const closeTimeoutMs = 2_000;

/** What every connection is opened with. The decoders are ours alone: `pg.types` is the process's. */
export function configOf(url: string, purpose: string): ClientConfig {
  return {
    connectionString: url,
    // Seen by operators in pg_stat_activity, and by a second core that asks who the first one is.
    application_name: `cellstate ${purpose} ${hostname()}:${process.pid}`.slice(0, 63),
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    pipeline: true,
    types: {getTypeParser: (oid: number) => decoderOf(oid)} as NonNullable<ClientConfig['types']>,
  };
}

export class Connection {
  readonly #client: Client;
  readonly #socket: Socket;
  #isOpen = true;
  #warning: Error | null = null;
  /** Settles when the connection is of no more use, whoever ended it. */
  readonly ended: Promise<void>;

  private constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isOpen = false;
        resolve();
      };
      client.once('end', end);
      // The queries that were under way get the error too; unheard, it would end the process.
      client.on('error', end);
    });
    client.on('notice', ({code, message}) => {
      if (code !== '00000') this.#warning = new Error(`the server warned: ${message}`);
    });
  }

  static async open(config: ClientConfig): Promise<Connection> {
    const socket = new Socket();
    const client = new Client({...config, stream: () => socket});
    const connection = new Connection(client, socket);
    try {
      await client.connect();
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async rows<T>({name, text}: Statement, values: readonly unknown[]): Promise<T[]> {
    const result = await this.#client.query({name, text, values: values.map(encode)});
    return result.rows as T[];
  }

  /** Statements without parameters or answers, in one message. */
  async run(text: string): Promise<void> {
    await this.#client.query(text);
  }

  /** The warning that came since the last time this was asked. */
  takeWarning(): Error | null {
    const warning = this.#warning;
    this.#warning = null;
    return warning;
  }

  /** Ends it now, whatever is under way: the server may or may not have done that. */
  destroy(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  /** Ends it when what was sent is answered. */
  async close(): Promise<void> {
    this.#isOpen = false;
    const timer = setTimeout(() => this.destroy(), closeTimeoutMs);
    await this.#client.end();
    clearTimeout(timer);
  }
}
