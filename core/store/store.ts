/**
 * What the core asks of a database, whatever its driver.
 *
 * `commit` and `clear` belong to the lanes; everything else reads. A read names its tenant before
 * its first statement, so that row-level security fences it; questions across tenants are the named
 * functions of `lookup` and nothing else.
 */
import type {Hex, Id, Micros, TenantId, TenantNo} from '../../shared/ids.ts';
import type {Ranges, Ref, Row} from '../domain/aggregate.ts';

export type Chain = {
  readonly sequence: number;
  readonly hash: Hex;
  readonly depth: number;
  readonly track: number;
};

/** Everything one question of the pipeline found, as of one ledger size. */
export type Assembled = {
  readonly size: number;
  readonly rows: readonly {readonly entity: string; readonly row: Row<unknown>}[];
  /** Leaves of the refs that asked for them, by `refKey`. */
  readonly leaves: ReadonlyMap<string, Ranges>;
  /** Last event of each chain asked for; absent where the chain has none. */
  readonly chains: ReadonlyMap<Id, Chain>;
  /** Events that hold an idempotency hash asked for. */
  readonly keys: ReadonlyMap<Hex, {readonly leaf: number; readonly request: Hex | null}>;
};

/** The name of one value of a ref. */
export const refKey = (entity: string, column: string, value: string): string =>
  `${entity}.${column}=${value}`;

export type Head = {
  readonly tenantNo: TenantNo;
  readonly tenantId: TenantId;
  readonly salt: Uint8Array;
  readonly shard: number;
  readonly origin: string;
  readonly vkey: string;
  readonly baseLeaf: number;
  readonly size: number;
  readonly root: Uint8Array;
  /** Subtree roots, left to right, 32 bytes each. */
  readonly frontier: Uint8Array;
  /** `at` of the last event, 0 in an empty log. */
  readonly lastAt: Micros;
};

export type HeadMove = {
  readonly tenantNo: TenantNo;
  readonly baseSize: number;
  readonly baseRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly frontier: Uint8Array;
};

/** What one transaction writes. Rows are handed to `ledger.put_<name>`, snake_case, hashes as `\x…`. */
export type Batch = {
  readonly lane: number;
  readonly nowMicros: Micros;
  readonly heads: readonly HeadMove[];
  readonly rows: Readonly<Record<string, readonly object[]>>;
};

/**
 * committed: durable. moved: somebody else moved a head. unknown: it may or may not have happened.
 * taken: an idempotency hash exists. poisoned: a row of it can never be written; `constraint` says
 * which unique index, if one. busy: nothing was done, the database has no room or no time.
 */
export type CommitOutcome =
  | {readonly is: 'committed'}
  | {readonly is: 'moved' | 'taken' | 'busy' | 'unknown'; readonly cause: unknown}
  | {readonly is: 'poisoned'; readonly cause: unknown; readonly constraint: string | null};

/** A statement with a name, under which it is prepared and measured. */
export type Statement = {readonly name: string; readonly text: string};

export type Query = {
  /** Rows as the driver gives them: bigint as number, jsonb parsed, bytea as Uint8Array. */
  rows<T>(statement: Statement, values: readonly unknown[]): Promise<T[]>;
};

export type Credential = {
  readonly tenantNo: TenantNo;
  readonly hash: Hex;
  readonly row: Row<unknown>;
};

/** The event whose content was destroyed: its kind, and the entity it was a version of. */
export type Ended = {readonly kind: number; readonly entityId: Id | null};

export type Lookup = {
  /** API keys by the stored form of their text, one for each master key; revoked ones too. */
  credential(hashes: readonly Uint8Array[]): Promise<readonly Credential[]>;
  /** A tenant's number by its public id. */
  tenant(id: TenantId): Promise<{tenantNo: TenantNo; row: Row<unknown>} | null>;
  tenants(
    after: TenantNo,
    limit: number,
  ): Promise<readonly {tenantNo: TenantNo; row: Row<unknown>}[]>;
  /** Tenants whose ledger is ahead of a consumer's cursor. */
  behind(
    consumer: string,
    limit: number,
  ): Promise<readonly {tenantNo: TenantNo; leaf: number; size: number}[]>;
  /** What a row of `aux.sweep` finds to do by now, over all tenants, oldest first. */
  due(
    sweep: string,
    now: Micros,
    limit: number,
  ): Promise<readonly {tenantNo: TenantNo; id: Id; version: number}[]>;
};

export type NewTenant = {
  readonly tenantId: TenantId;
  readonly salt: Uint8Array;
  readonly origin: string;
  readonly vkey: string;
};

export type Durability = 'disk' | 'service' | 'process';

export type Store = {
  readonly durability: Durability;
  /** How many lanes this driver serves well. */
  readonly lanes: number;
  assemble(
    tenant: TenantNo,
    refs: readonly Ref[],
    chains: readonly Id[],
    keys: readonly Hex[],
  ): Promise<Assembled>;
  /** Never throws: every failure is an outcome. */
  commit(batch: Batch): Promise<CommitOutcome>;
  /** Head of one tenant's ledger; null for a tenant that is not there. Reads the primary. */
  head(tenant: TenantNo): Promise<Head | null>;
  /** Makes the rows of a tenant's empty ledger; the same tenant id again answers the same number. */
  openTenant(tenant: NewTenant): Promise<TenantNo>;
  /**
   * Destroys at most `limit` contents that the event at `leaf` ended; answers whose they were.
   * `along` runs in the same transaction, as the lane: what else of them must go (columns of `mem`,
   * versions in `mem.past`, rows of `aux`) goes with them or not at all, since a second call no
   * longer names what the first one cleared.
   */
  clear(
    lane: number,
    tenant: TenantNo,
    leaf: number,
    limit: number,
    along?: (q: Query, ended: readonly Ended[]) => Promise<void>,
  ): Promise<readonly Ended[]>;
  /** One transaction of a lane, for upkeep: cursors, tiles, what clearing takes along. */
  maintain<T>(lane: number, work: (q: Query) => Promise<T>): Promise<T>;
  read<T>(tenant: TenantNo, ask: (q: Query) => Promise<T>): Promise<T>;
  readonly lookup: Lookup;
  /** A question that needs no tenant, for health: throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};
