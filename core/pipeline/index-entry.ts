/**
 * What an event does to the index over memory: it is written in the event's own transaction, so that
 * what was acknowledged is found.
 *
 * The terms of a text are made outside the lane and travel on the command beside its draft, never in
 * it, so that they are no part of an event. The lane takes them where they are of the very texts that
 * the row has now, and makes them itself where they are not: after another change in between, say.
 */
import type {Id} from '../../shared/ids.ts';
import type {Command, Row} from '../domain/aggregate.ts';
import {
  indexColumns,
  indexRow,
  isSearchKind,
  saysTheSame,
  type Prepared,
  type Source,
} from '../text/index-row.ts';
import {rowKey, type IndexEntry, type Layer, type Snapshot} from './view.ts';

/** What a command may bring for the index. */
export type Indexed = {readonly indexed?: Prepared | undefined};

/** Where the rows at hand lie: the unit's own, those laid over the snapshot, the snapshot. */
type AtHand = {
  readonly own: Layer;
  readonly standing: {readonly layers: readonly Layer[]};
  readonly wish: {readonly snapshot: Snapshot};
};

/** A row if it is at hand. It is not noted as read: what an index holds decides nothing. */
function peek<S>({own, standing, wish}: AtHand, entity: string, id: unknown): S | null {
  if (typeof id !== 'string') return null;
  const key = rowKey(entity, id as Id);
  const layer = [own, ...standing.layers].find(({rows}) => rows.has(key));
  const row = layer?.rows.get(key)?.row ?? wish.snapshot.rows.get(key) ?? null;
  return (row?.state ?? null) as S | null;
}

/** The change of the index that goes with a row's next version; null for none. */
export function indexEntry(
  run: AtHand,
  entity: string,
  command: Command,
  before: Row<unknown> | null,
  row: Row<unknown>,
): IndexEntry | null {
  if (!isSearchKind(entity)) return null;
  const source = row as Source;
  const old = before as Source | null;
  const {id, leaf, state} = source;
  if (state['isDeleted'] === true) return {is: 'end', id, leaf};
  if (old !== null && saysTheSame(entity, old.state, state)) {
    return {is: 'touch', id, leaf, columns: indexColumns(entity, source)};
  }
  const writer = peek<{name: string | null}>(run, 'agent', row.createdBy.agent_id);
  const within = peek<{agentId: Id}>(run, 'trajectory', state['trajectoryId']);
  const around = {agentName: writer?.name ?? null, ownerId: within?.agentId ?? null};
  const made = indexRow(entity, source, around, (command as Indexed).indexed);
  return {is: 'put', id, leaf, columns: made, isNext: old !== null};
}
