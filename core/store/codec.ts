/**
 * The one mapping between a row in the product and a row in SQL.
 *
 * A table `mem.<name>` has the columns every projection has, one for each member its aggregate lists
 * in `columns`, and `doc` for the rest. Members are camelCase inside and snake_case in SQL; values
 * are not touched. Times are µs in `bigint`, as in the headers, so nothing is converted.
 */
import type {Id, TenantNo} from '../../shared/ids.ts';
import {camel, snake, type Principal} from '../../shared/wire/resource.ts';
import type {Aggregate, Row} from '../domain/aggregate.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

const own = [
  'tenant_no',
  'id',
  'version',
  'leaf',
  'created_at',
  'updated_at',
  'created_by',
  'doc',
] as const;

type Shape = Pick<Aggregate<never, never, never>, 'name' | 'columns'>;

/** From a row of the product to a row of its table. */
export function toSql(of: Shape, tenantNo: TenantNo, row: Row<unknown>): Record<string, unknown> {
  const doc: Record<string, unknown> = {};
  const out: Record<string, unknown> = {
    tenant_no: tenantNo,
    id: row.id,
    version: row.version,
    leaf: row.leaf,
    created_at: row.createdAt,
    updated_at: row.updatedAt,
    created_by: row.createdBy,
    doc,
  };
  const columns: readonly string[] = of.columns;
  for (const [key, value] of Object.entries(row.state as object)) {
    if (columns.includes(key)) out[snake(key)] = value;
    else doc[snake(key)] = value;
  }
  return out;
}

/** From a row of a table, or its `to_jsonb`, to a row of the product. */
export function fromSql(sql: SqlRow): Row<unknown> {
  const state: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(sql)) {
    if (!(own as readonly string[]).includes(key)) state[camel(key)] = value;
  }
  for (const [key, value] of Object.entries(sql['doc'] as object)) state[camel(key)] = value;
  return {
    id: sql['id'] as Id,
    version: Number(sql['version']),
    leaf: Number(sql['leaf']),
    createdAt: Number(sql['created_at']),
    updatedAt: Number(sql['updated_at']),
    createdBy: sql['created_by'] as Principal,
    state,
  };
}
