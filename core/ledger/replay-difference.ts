/**
 * What a replayed row and a stored one have different.
 *
 * Both are compared as JSON, which is what a table holds: a member that is undefined is none, and one
 * that is null is as good as one that is not there.
 */
import {isDeepStrictEqual} from 'node:util';
import type {Id, TenantNo} from '../../shared/ids.ts';
import {camel, snake} from '../../shared/wire/resource.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import {toSql} from '../store/codec.ts';
import type {Replayed} from './replay.ts';

/** The first thing that differs in one table. */
export type Difference = {
  readonly table: string;
  readonly id: Id;
  readonly version: number;
  readonly column: string;
  readonly expected: string;
  readonly found: string;
};

/** What stands for a row that is not there. */
export const none = 'none';

/** A row as `to_jsonb` prints it. */
export type Doc = Readonly<Record<string, unknown>>;

/** A value in a difference is there to be recognised, not to be read in full. */
const shownCharacters = 160;
/** The first column in which a stored row is not the replayed one; `except` names members left out. */
export function rowDifference(
  table: string,
  tenantNo: TenantNo,
  one: Replayed,
  stored: Doc,
  except: ReadonlySet<string> = new Set(),
): Difference | null {
  const aggregate = aggregateNamed(one.entity);
  if (aggregate === undefined) return null;
  // As JSON, which is what the table holds: a member that is undefined is none.
  const expected = JSON.parse(JSON.stringify(toSql(aggregate, tenantNo, one.row))) as Doc;
  const told = ['tenant_no', 'id', 'version', 'leaf', 'created_at', 'updated_at'];
  const stateful = ['created_by', ...aggregate.columns.map(snake), 'doc'];
  // Columns that a table computes for itself are in none of the two lists.
  for (const column of one.isErased ? told : [...told, ...stateful]) {
    const [should, is] = [expected[column] ?? null, stored[column] ?? null];
    if (isDeepStrictEqual(should, is) || except.has(camel(column))) continue;
    if (column !== 'doc') return differs(table, one, column, should, is);
    const difference = docDifference(table, one, should as Doc, is as Doc | null, except);
    if (difference !== null) return difference;
  }
  return null;
}

/** Names the member of `doc` that differs. A member that is null is as good as one that is not there. */
function docDifference(
  table: string,
  one: Replayed,
  should: Doc,
  is: Doc | null,
  except: ReadonlySet<string>,
): Difference | null {
  const names = [...new Set([...Object.keys(should), ...Object.keys(is ?? {})])].toSorted();
  const isWrong = (key: string): boolean =>
    !except.has(camel(key)) && !isDeepStrictEqual(should[key] ?? null, is?.[key] ?? null);
  const name = names.find(isWrong);
  return name === undefined
    ? null
    : differs(table, one, `doc.${name}`, should[name] ?? null, is?.[name] ?? null);
}

/** A difference of one column. */
export function differs(
  table: string,
  {row}: Replayed,
  column: string,
  should: unknown,
  is: unknown,
): Difference {
  const {id, version} = row;
  return {table: `mem.${table}`, id, version, column, expected: shown(should), found: shown(is)};
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`;
}
