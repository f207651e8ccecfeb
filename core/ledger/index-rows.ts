/**
 * From the changes of the index in a batch to the rows of its transaction.
 *
 * A version that a later one of the same batch replaces is written with its end; only what was there
 * before the batch is updated. New rows and changes go to two functions of SQL, so that a batch of
 * plain turns, which is most of them, costs one insert.
 */
import type {Id, TenantNo} from '../../shared/ids.ts';
import type {IndexEntry} from '../pipeline/view.ts';

type SqlRow = Record<string, unknown>;

/** Adds the rows of one tenant's part to those of the batch. */
export function addIndexRows(
  rows: Record<string, object[]>,
  tenantNo: TenantNo,
  entries: readonly IndexEntry[],
): void {
  const made = new Map<Id, SqlRow>();
  const changed = new Map<Id, SqlRow>();
  /** The newest row of an item: one of this batch, or the change of the one that is there. */
  const newest = (entry: IndexEntry): SqlRow => {
    const row = made.get(entry.id) ?? changed.get(entry.id);
    if (row !== undefined) return row;
    const change: SqlRow = {tenant_no: tenantNo, id: entry.id, leaf: entry.leaf, to_leaf: null};
    changed.set(entry.id, change);
    (rows['recall_change'] ??= []).push(change);
    return change;
  };
  for (const entry of entries) {
    if (entry.is === 'end') newest(entry)['to_leaf'] = entry.leaf;
    else if (entry.is === 'touch') Object.assign(newest(entry), entry.columns, {is_touched: true});
    else {
      if (entry.isNext) newest(entry)['to_leaf'] = entry.leaf;
      const row = {...entry.columns, tenant_no: tenantNo};
      made.set(entry.id, row);
      (rows['recall_item'] ??= []).push(row);
    }
  }
}
