/**
 * The question of the pipeline as parameters of `ledger.assemble`, and its answer as a snapshot.
 *
 * Rows come as `to_jsonb` of their table, so every value is JSON: times and leaves are numbers,
 * hashes are text.
 */
import {CellError} from '../../../shared/errors.ts';
import type {Hex, Id, TenantNo} from '../../../shared/ids.ts';
import {camel, snake} from '../../../shared/wire/resource.ts';
import type {Ranges, Ref} from '../../domain/aggregate.ts';
import {fromSql, type SqlRow} from '../codec.ts';
import {refKey, type Assembled, type Chain} from '../store.ts';

/** The type of a column, told by its name: an id is a uuid, but one that a caller made is text. */
const kindOf = (column: string): 'uuid' | 'text' =>
  column === 'id' || (column.endsWith('_id') && column !== 'external_id') ? 'uuid' : 'text';

/** Parameters of the statement, in its order. */
export function toParameters(
  tenant: TenantNo,
  refs: readonly Ref[],
  chains: readonly Id[],
  keys: readonly Hex[],
): readonly unknown[] {
  const asked = refs
    .filter(({values}) => values.length > 0)
    .map(({entity, column, values, leaves}) => ({
      t: entity,
      c: snake(column),
      k: kindOf(snake(column)),
      v: values,
      ...(leaves && {leaves}),
    }));
  return [tenant, JSON.stringify(asked), chains, keys.map((key) => `\\x${key}`)];
}

export type Answer = {readonly tbl: string; readonly doc: SqlRow};

type Marked = {
  '#head': {size: number};
  '#leaves': {t: string; c: string; v: string; leaves: Ranges};
  '#chain': {traj_id: Id; traj_seq: number; hash: Hex; depth: number; track: number};
  '#idem': {idem: Hex; leaf: number; request: Hex | null};
};

/** The snapshot that the rows of the answer describe. A ref whose rows have no event has no leaves. */
export function toAssembled(answers: readonly Answer[], refs: readonly Ref[]): Assembled {
  const rows: Assembled['rows'][number][] = [];
  const leaves = new Map<string, Ranges>(
    refs.flatMap(({entity, column, values, leaves: asked}) =>
      asked ? values.map((value) => [refKey(entity, column, value), []] as const) : [],
    ),
  );
  const chains = new Map<Id, Chain>();
  const keys = new Map<Hex, {leaf: number; request: Hex | null}>();
  let size: number | null = null;

  for (const {tbl, doc} of answers) {
    switch (tbl) {
      case '#head':
        size = marked(tbl, doc).size;
        break;
      case '#leaves': {
        const found = marked(tbl, doc);
        leaves.set(refKey(found.t, camel(found.c), found.v), found.leaves);
        break;
      }
      case '#chain': {
        const {traj_id: id, traj_seq: sequence, hash, depth, track} = marked(tbl, doc);
        chains.set(id, {sequence, hash, depth, track});
        break;
      }
      case '#idem': {
        const {idem, leaf, request} = marked(tbl, doc);
        keys.set(idem, {leaf, request});
        break;
      }
      default:
        rows.push({entity: tbl, row: fromSql(doc)});
    }
  }
  if (size === null) throw new CellError('TENANT_NOT_FOUND', 'the tenant has no ledger');
  return {size, rows, leaves, chains, keys};
}

/** What `ledger.assemble` builds under one of its marks. */
const marked = <M extends keyof Marked>(_mark: M, doc: SqlRow): Marked[M] => doc as Marked[M];
