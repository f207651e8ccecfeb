/**
 * The connections that read, as `cs_app`: every read names its tenant in its own transaction.
 *
 * A read costs one round trip for each of its statements and none besides: `begin` and the tenant's
 * setting go out with the first statement, and nobody waits for the answer to `commit`.
 */
import {Pool, type PoolClient} from 'pg';
import {invariant} from '../../../shared/errors.ts';
import type {TenantNo} from '../../../shared/ids.ts';
import type {Statement} from '../store.ts';
import {configOf} from './connection.ts';
import type {Ask} from './statements.ts';
import {encode} from './values.ts';

/** A read that takes longer has lost its plan, or its caller; the server ends it. */
const readTimeoutMs = 30_000;

/** A read of several statements that stops asking must not hold its snapshot for ever. */
const idleInTransactionMs = 60_000;

export type ReadPoolOptions = {
  readonly url: string;
  readonly maxConnections: number;
  /** False where the login is `cs_app` and nothing else, perhaps behind a pooler. */
  readonly setsRole: boolean;
};

type Begun = {readonly client: PoolClient; readonly began: Promise<unknown>};

export class ReadPool {
  readonly #pool: Pool;

  constructor({url, maxConnections, setsRole}: ReadPoolOptions) {
    const settings = [
      setsRole && 'set role cs_app',
      `set statement_timeout = ${readTimeoutMs}`,
      `set idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
    ].filter((setting) => setting !== false);
    this.#pool = new Pool({
      ...configOf(url, 'reads'),
      max: maxConnections,
      // Once on each new connection, before its first read.
      verify: (client, done) => {
        client.query(settings.join('; '), (error) => done(error));
      },
    });
    // A connection that dies between two reads is taken out by the pool itself, one that dies in a
    // read fails its queries; unheard, the same event would end the process.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** One statement, its own transaction, without a tenant. */
  async ask<T>(statement: Statement, values: readonly unknown[]): Promise<T[]> {
    const client = await this.#pool.connect();
    try {
      return await send<T>(client, statement, values);
    } finally {
      client.release();
    }
  }

  /** One transaction on one snapshot, in which `work` sees one tenant. */
  async transaction<T>(tenant: TenantNo, work: (ask: Ask) => Promise<T>): Promise<T> {
    let begun: Promise<Begun> | null = null;
    let isOver = false;
    const ask = async <R>(statement: Statement, values: readonly unknown[]): Promise<R[]> => {
      invariant(!isOver, `${statement.name} is asked inside its read`);
      begun ??= this.#begin(tenant);
      const {client, began} = await begun;
      const [rows] = await Promise.all([send<R>(client, statement, values), began]);
      return rows;
    };
    try {
      return await work(ask);
    } finally {
      isOver = true;
      // Nobody waits for it: what was read stays read.
      if (begun !== null) end(begun).catch(reportError);
    }
  }

  async #begin(tenant: TenantNo): Promise<Begun> {
    const client = await this.#pool.connect();
    const began = client.query(
      `begin isolation level repeatable read read only; set local cellstate.tenant_no = '${tenant}'`,
    );
    return {client, began};
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

async function send<T>(
  client: PoolClient,
  {name, text}: Statement,
  values: readonly unknown[],
): Promise<T[]> {
  const result = await client.query({name, text, values: values.map(encode)});
  return result.rows as T[];
}

/** Ends the transaction and gives the connection back; one that cannot end it is not used again. */
async function end(begun: Promise<Begun>): Promise<void> {
  const [opened] = await Promise.allSettled([begun]);
  // There was no connection, as the statement that wanted it has been told.
  if (opened.status === 'rejected') return;
  const {client} = opened.value;
  const [ended] = await Promise.allSettled([client.query('commit')]);
  client.release(ended.status === 'rejected');
}
