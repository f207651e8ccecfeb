/**
 * From the units of a batch to the rows of one transaction.
 *
 * A row is written once a batch, at its last version; versions folded away on the way go straight to
 * `mem.past`, and the commit function puts the version that PostgreSQL holds there.
 */
import type {TenantNo} from '../../shared/ids.ts';
import {growTree} from '../../shared/ledger/tree-growth.ts';
import {packFrontier, type Growth} from '../../shared/ledger/tree.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Recording} from '../pipeline/record.ts';
import type {IndexEntry, Layer, Version} from '../pipeline/view.ts';
import {toSql} from '../store/codec.ts';
import type {Batch, Head, HeadMove} from '../store/store.ts';
import {addIndexRows} from './index-rows.ts';
import type {TenantLedger} from './memory.ts';

/** One tenant's part of the running batch. */
export type Part = {
  readonly ledger: TenantLedger;
  /** Changes of this batch so far, laid over everything else. */
  readonly layer: Layer;
  readonly events: Recording[];
  /** Every version this batch makes, in order, by row. */
  readonly versions: Map<string, Version[]>;
  /** The version PostgreSQL holds, by row: 0 for none. */
  readonly bases: Map<string, number>;
  /** What this batch does to the index, in order. */
  readonly index: IndexEntry[];
  lastAt: number;
};

/** Adds a unit's outcome to its tenant's part. `baseOf` answers the version before the batch. */
export function addUnit(
  part: Part,
  events: readonly Recording[],
  layer: Layer,
  baseOf: (key: string) => number,
): void {
  for (const {key, entity, row} of layer.versions) {
    if (!part.bases.has(key)) part.bases.set(key, baseOf(key));
    const versions = part.versions.get(key) ?? [];
    versions.push({entity, row});
    part.versions.set(key, versions);
    part.layer.rows.set(key, {entity, row});
  }
  for (const [id, chain] of layer.chains) part.layer.chains.set(id, chain);
  part.layer.events.push(...layer.events);
  part.index.push(...layer.index);
  part.events.push(...events);
  part.lastAt = events.at(-1)?.at ?? part.lastAt;
}

export const sizeOf = (part: Part): number => part.ledger.head.size + part.events.length;

export type Move = {readonly part: Part; readonly growth: Growth; readonly next: Head};

/** The next head of a tenant, if its part is committed. */
export function moveHead(hashes: Hashes, part: Part): Move {
  const {head, frontier} = part.ledger;
  const growth = growTree(
    hashes,
    frontier,
    part.events.map((event) => event.leafHash),
  );
  const next = {
    ...head,
    size: sizeOf(part),
    root: growth.root,
    frontier: packFrontier(growth.frontier),
    lastAt: part.lastAt,
  };
  return {part, growth, next};
}

/** One call of `ledger.commit`. */
export function batchOf(lane: number, nowMicros: number, moves: readonly Move[]): Batch {
  const rows: Record<string, object[]> = {event: [], payload: []};
  for (const {part} of moves) {
    for (const event of part.events) {
      rows['event']?.push(event.rows.event);
      rows['payload']?.push(event.rows.payload);
    }
    for (const [key, versions] of part.versions) addRow(rows, part, key, versions);
    addIndexRows(rows, part.ledger.head.tenantNo, part.index);
  }
  return {lane, nowMicros, heads: moves.map(headMove), rows};
}

const headMove = ({part, next}: Move): HeadMove => ({
  tenantNo: next.tenantNo,
  baseSize: part.ledger.head.size,
  baseRoot: part.ledger.head.root,
  size: next.size,
  root: next.root,
  frontier: next.frontier,
});

function addRow(
  rows: Record<string, object[]>,
  part: Part,
  key: string,
  versions: readonly Version[],
): void {
  const last = versions.at(-1);
  const aggregate = last === undefined ? undefined : aggregateNamed(last.entity);
  if (last === undefined || aggregate === undefined) return;
  const tenantNo = part.ledger.head.tenantNo;
  const base = part.bases.get(key) ?? 0;
  const raised = distinctVersions(versions, base);
  const sql = toSql(aggregate, tenantNo, last.row);
  (rows[last.entity] ??= []).push({
    ...sql,
    base_version: base,
    first_leaf: raised[0]?.leaf ?? last.row.leaf,
  });
  raised.slice(0, -1).forEach((row, index) => {
    (rows['past'] ??= []).push(
      pastRow(
        tenantNo,
        last.entity,
        row,
        raised[index + 1]?.leaf ?? row.leaf,
        toSql(aggregate, tenantNo, row),
      ),
    );
  });
}

/** The last state of each version above `base`; a counter's change raises none. */
function distinctVersions(versions: readonly Version[], base: number): Row<unknown>[] {
  const byVersion = new Map<number, Row<unknown>>();
  for (const {row} of versions) if (row.version > base) byVersion.set(row.version, row);
  return [...byVersion.values()];
}

const pastRow = (
  tenantNo: TenantNo,
  entity: string,
  row: Row<unknown>,
  toLeaf: number,
  sql: object,
): object => ({
  tenant_no: tenantNo,
  entity,
  id: row.id,
  version: row.version,
  leaf: row.leaf,
  to_leaf: toLeaf,
  row: sql,
});
