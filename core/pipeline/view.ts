/**
 * The rows that gates and deciders see.
 *
 * A view is a snapshot with newer rows laid over it: every commit of the tenant since the snapshot's
 * size, then the units before this one in the running batch, then this unit's own events. Newest
 * wins, so a view equals PostgreSQL at the head plus the running batch, whatever mixture of memory
 * and SQL the snapshot was.
 */
import type {Hex, Id, Micros, TenantId} from '../../shared/ids.ts';
import type {Ranges, Ref, Row, TenantSettings, View} from '../domain/aggregate.ts';
import {refKey, type Chain} from '../store/store.ts';

export type Version = {readonly entity: string; readonly row: Row<unknown>};

/** A change of the index over memory: a row for a new text, other columns of the newest row, or its end. */
export type IndexEntry = {readonly id: Id; readonly leaf: number} & (
  | {readonly is: 'put'; readonly columns: object; readonly isNext: boolean}
  | {readonly is: 'touch'; readonly columns: object}
  | {readonly is: 'end'}
);

/** An event that changed a row. `was`: the text columns it changed, and what they said before. */
export type Told = {
  readonly entity: string;
  readonly id: Id;
  readonly leaf: number;
  readonly was: Readonly<Record<string, unknown>>;
};

/** Rows and chain heads that one step changed, and the events that changed them. */
export type Layer = {
  /** Last state of each row. */
  readonly rows: Map<string, Version>;
  /** Every state on the way, in order: what is folded away goes to the past. Empty once committed. */
  readonly versions: (Version & {readonly key: string})[];
  readonly chains: Map<Id, Chain>;
  readonly events: Told[];
  /** What goes to the index, in order. Empty once committed. */
  readonly index: IndexEntry[];
};

export const newLayer = (): Layer => ({
  rows: new Map(),
  versions: [],
  chains: new Map(),
  events: [],
  index: [],
});

export const rowKey = (entity: string, id: Id): string => `${entity}:${id}`;

/** What Assemble loaded: rows as of `size`, or later ones. Null marks a row that was asked for and is not there. */
export type Snapshot = {
  readonly size: number;
  readonly rows: ReadonlyMap<string, Row<unknown> | null>;
  /** Ids found by a text column, by `refKey`. */
  readonly found: ReadonlyMap<string, readonly Id[]>;
  readonly leaves: ReadonlyMap<string, Ranges>;
  /** Null: asked for, and the chain has no event yet. */
  readonly chains: ReadonlyMap<Id, Chain | null>;
  /** Events that hold the unit's idempotency hash, where SQL was asked anyway. */
  readonly keys: ReadonlyMap<Hex, {readonly leaf: number; readonly request: Hex | null}>;
  /** Whether SQL was asked for the unit's key. */
  readonly isKeyAsked: boolean;
  /** What judging found missing, one try after the other: the next try loads all of it. */
  readonly besides: readonly Ref[];
};

/** Thrown when a row is needed that was not loaded: the unit is assembled again with it. */
export class NotAssembled extends Error {
  readonly refs: readonly Ref[];
  constructor(refs: readonly Ref[]) {
    super(`${refs.map((ref) => `${ref.entity} by ${ref.column}`).join(', ')} was not assembled`);
    this.refs = refs;
  }
}

export type Reads = Map<Id, number>;

type Sources = {
  readonly at: Micros;
  readonly tenantId: TenantId;
  readonly settings: TenantSettings;
  readonly snapshot: Snapshot;
  /** Newest first. */
  readonly layers: readonly Layer[];
  /** Id and version of every row handed out are noted here, for the facts. */
  readonly reads: Reads;
};

/** Lays layers over a snapshot. */
export function createView(of: Sources): View {
  const note = (row: Row<unknown> | null): Row<unknown> | null => {
    if (row !== null && !of.reads.has(row.id)) of.reads.set(row.id, row.version);
    return row;
  };
  return {
    at: of.at,
    tenantId: of.tenantId,
    settings: of.settings,
    row<S>(entity: string, id: Id): Row<S> | null {
      return note(newestRow(of, entity, id)) as Row<S> | null;
    },
    rows<S>(entity: string, column: string, value: string): readonly Row<S>[] {
      return rowsBy(of, entity, column, value).map(note) as Row<S>[];
    },
    leaves(entity, column, value) {
      return leavesBy(of, entity, column, value);
    },
  };
}

/** The newest version of a row; `NotAssembled` where nobody asked for it. */
export function newestRow(
  {layers, snapshot}: Pick<Sources, 'layers' | 'snapshot'>,
  entity: string,
  id: Id,
): Row<unknown> | null {
  const key = rowKey(entity, id);
  for (const layer of layers) {
    const found = layer.rows.get(key);
    if (found !== undefined) return found.row;
  }
  const loaded = snapshot.rows.get(key);
  if (loaded === undefined) throw new NotAssembled([{entity, column: 'id', values: [id]}]);
  return loaded;
}

const holds = (row: Row<unknown>, column: string, value: string): boolean =>
  column === 'id' ? row.id === value : (row.state as Record<string, unknown>)[column] === value;

function rowsBy(of: Sources, entity: string, column: string, value: string): Row<unknown>[] {
  const found = of.snapshot.found.get(refKey(entity, column, value));
  if (found === undefined) throw new NotAssembled([{entity, column, values: [value]}]);
  const ids = new Set(found);
  for (const layer of of.layers) {
    for (const changed of layer.rows.values())
      if (changed.entity === entity) ids.add(changed.row.id);
  }
  const rows = [...ids].map((id) => newestRow(of, entity, id));
  return rows.filter((row) => row !== null && holds(row, column, value)) as Row<unknown>[];
}

function leavesBy(of: Sources, entity: string, column: string, value: string): Ranges {
  const stored = of.snapshot.leaves.get(refKey(entity, column, value));
  if (stored === undefined)
    throw new NotAssembled([{entity, column, values: [value], leaves: true}]);
  const events = of.layers.flatMap((layer) => layer.events.filter((one) => one.entity === entity));
  const isIn = (id: Id): boolean => {
    const row = newestRow(of, entity, id);
    return row !== null && holds(row, column, value);
  };
  const newer = events.filter(({id}) => isIn(id)).map(({leaf}) => leaf);
  // A row that came to this value or left it since brings, or takes along, all it ever was.
  const moved = [...new Set(events.filter(({was}) => column in was).map(({id}) => id))];
  const unknown = moved.filter((id) => !of.snapshot.leaves.has(refKey(entity, 'id', id)));
  if (unknown.length > 0)
    throw new NotAssembled([{entity, column: 'id', values: unknown, leaves: true}]);
  const kept = moved.reduce((ranges, id) => {
    const known = of.snapshot.leaves.get(refKey(entity, 'id', id)) ?? [];
    const own = mergeRanges(
      known,
      events.filter((one) => one.id === id).map(({leaf}) => leaf),
    );
    return isIn(id) ? [...ranges, ...own] : withoutRanges(ranges, own);
  }, stored);
  return newer.length + moved.length === 0 ? stored : mergeRanges(kept, newer);
}

/** Takes ranges out of others. */
export const withoutRanges = (ranges: Ranges, out: Ranges): Ranges =>
  out.reduce<Ranges>((left, [from, to]) => {
    const before = left.map(([a, b]) => [a, Math.min(b, from - 1)] as const);
    const behind = left.map(([a, b]) => [Math.max(a, to + 1), b] as const);
    return [...before, ...behind].filter(([a, b]) => a <= b);
  }, ranges);

/** Adds leaves to ascending inclusive ranges. */
export function mergeRanges(ranges: Ranges, leaves: readonly number[]): Ranges {
  const all = [...ranges, ...leaves.map((leaf) => [leaf, leaf] as const)].toSorted(
    (a, b) => a[0] - b[0],
  );
  const out: [number, number][] = [];
  for (const [from, to] of all) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

/** Puts a row's next state into a layer. */
export function setRow(layer: Layer, entity: string, row: Row<unknown>): void {
  const key = rowKey(entity, row.id);
  layer.rows.set(key, {entity, row});
  layer.versions.push({key, entity, row});
}

/** Last event of a chain; null where it has none, `NotAssembled` where nobody asked. */
export function chainOf(layers: readonly Layer[], snapshot: Snapshot, id: Id): Chain | null {
  for (const layer of layers) {
    const chain = layer.chains.get(id);
    if (chain !== undefined) return chain;
  }
  const loaded = snapshot.chains.get(id);
  if (loaded === undefined)
    throw new NotAssembled([{entity: 'trajectory', column: 'id', values: [id]}]);
  return loaded;
}
