/**
 * What differs between the drivers, and the store that is made of it.
 *
 * A driver owns connections and knows how to reach two roles: `cs_lane` on the connection of a lane,
 * `cs_app` for everything that reads. It throws what its library throws; the meaning of an error is
 * given here, once.
 */
import {invariant} from '../../../shared/errors.ts';
import type {Id, TenantNo} from '../../../shared/ids.ts';
import type {
  Batch,
  CommitOutcome,
  Durability,
  Ended,
  NewTenant,
  Query,
  Statement,
  Store,
} from '../store.ts';
import {toAssembled, toParameters, type Answer} from './assemble.ts';
import {NotSent, outcomeOf, readError} from './errors.ts';
import {toHead, type HeadRow} from './head.ts';
import {lookupOver} from './lookup.ts';
import {statements, type Ask} from './statements.ts';
import {hexOf} from './values.ts';

export type Driver = {
  readonly durability: Durability;
  readonly lanes: number;
  /** One statement, its own transaction, as `cs_app` and without a tenant. */
  readonly ask: Ask;
  /** One statement, its own transaction, as `cs_lane`. */
  askLane<T>(lane: number, statement: Statement, values: readonly unknown[]): Promise<T[]>;
  /** One statement as `cs_lane`, given up after the time a commit may take. */
  commit(lane: number, statement: Statement, values: readonly unknown[]): Promise<void>;
  /** One transaction as `cs_lane` around what `work` asks; undone when it throws. */
  laneTransaction<T>(lane: number, work: (ask: Ask) => Promise<T>): Promise<T>;
  /** One read-only transaction as `cs_app` for one tenant, on one snapshot. */
  readTransaction<T>(tenant: TenantNo, work: (ask: Ask) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** The store over a driver. */
export function storeOver(driver: Driver): Store {
  const laneOf = (tenant: TenantNo): number => tenant % driver.lanes;

  return {
    durability: driver.durability,
    lanes: driver.lanes,

    async assemble(tenant, refs, chains, keys) {
      const values = toParameters(tenant, refs, chains, keys);
      const ask = translated(driver.ask);
      return toAssembled(await ask<Answer>(statements.assemble, values), refs);
    },

    async commit(batch): Promise<CommitOutcome> {
      try {
        await driver.commit(batch.lane, statements.commit, commitValues(batch));
        return {is: 'committed'};
      } catch (cause) {
        return outcomeOf(cause);
      }
    },

    async head(tenant) {
      const ask = translated((s, v) => driver.askLane(laneOf(tenant), s, v));
      const [row] = await ask<HeadRow>(statements.head, [tenant]);
      return row === undefined ? null : toHead(row);
    },

    async openTenant(tenant: NewTenant) {
      const ask = translated((s, v) => driver.askLane(0, s, v));
      const {tenantId, salt, origin, vkey} = tenant;
      type Row = {tenant_no: TenantNo};
      const [made] = await ask<Row>(statements.openTenant, [tenantId, salt, origin, vkey]);
      if (made !== undefined) return made.tenant_no;
      // Somebody else made it, perhaps while the statement above waited for their commit: what it
      // waited for is not in its own snapshot, only in a later one.
      const [found] = await ask<Row>(statements.tenantNo, [tenantId]);
      invariant(found !== undefined, `tenant ${tenantId} exists when its insert meets a conflict`);
      return found.tenant_no;
    },

    async clear(lane, tenant, leaf, limit, along) {
      return inTime(
        'content_end',
        driver.laneTransaction(lane, async (ask) => {
          const q: Query = {rows: translated(ask)};
          type Row = {ended_kind: number; ended_id: Id | null};
          const rows = await q.rows<Row>(statements.endContent, [tenant, leaf, limit]);
          const ended = rows.map((row): Ended => ({kind: row.ended_kind, entityId: row.ended_id}));
          await along?.(q, ended);
          return ended;
        }),
      );
    },

    async maintain(lane, work) {
      return inTime(
        'maintain',
        driver.laneTransaction(lane, (ask) => work({rows: translated(ask)})),
      );
    },

    async read(tenant, ask) {
      invariant(Number.isSafeInteger(tenant), `tenant number ${tenant} is an integer`);
      return inTime(
        'read',
        driver.readTransaction(tenant, (rows) => ask({rows: translated(rows)})),
      );
    },

    lookup: lookupOver(translated(driver.ask)),

    async ping() {
      await translated(driver.ask)(statements.ping, []);
    },

    close: () => driver.close(),
  };
}

const commitValues = ({nowMicros, heads, rows}: Batch): readonly unknown[] => [
  nowMicros,
  JSON.stringify(
    heads.map((head) => ({
      tenant_no: head.tenantNo,
      base_size: head.baseSize,
      base_root: hexOf(head.baseRoot),
      size: head.size,
      root: hexOf(head.root),
      frontier: hexOf(head.frontier),
    })),
  ),
  JSON.stringify(rows),
];

const translated =
  (ask: Ask): Ask =>
  async (statement, values) => {
    try {
      return await ask(statement, values);
    } catch (cause) {
      throw readError(cause, statement.name);
    }
  };

/** What `work` answers or throws; only that it never began is said in the product's words. */
async function inTime<T>(doing: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw cause instanceof NotSent ? readError(cause, doing) : cause;
  }
}
