/**
 * What an aggregate is: three pure functions over one kind of entity, and where its rows live.
 *
 * `needs` says which rows a command must see, `decide` turns a command into events or a refusal,
 * `evolve` folds an event into the state. Nothing here reads a clock, makes an id or does I/O: all
 * of that arrives in the command or the view. The pipeline sets id, version, leaf, times and author
 * of a row; an aggregate knows only its state.
 */
import type {ErrorCode, ErrorDetails} from '../../shared/errors.ts';
import type {Id, Micros} from '../../shared/ids.ts';
import type {TenantSettings} from '../../shared/settings.ts';
import type {Principal} from '../../shared/wire/resource.ts';

/** Rows that are wanted: by `id`, or by any text or id column of the entity's table. */
export type Ref = {
  readonly entity: string;
  readonly column: string;
  readonly values: readonly string[];
  /** Asks for the leaves of all events of the rows instead of the rows. */
  readonly leaves?: true;
};

export type Row<S> = {
  readonly id: Id;
  readonly version: number;
  readonly leaf: number;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
  readonly createdBy: Principal;
  readonly state: S;
};

/** Inclusive ranges of leaves, ascending. */
export type Ranges = readonly (readonly [from: number, to: number])[];

/** A wish to change state. `type` is `<aggregate>.<verb>`, `id` the entity it is about. */
export type Command = {readonly type: string; readonly id: Id};

export type Recorded<E> = E & {readonly entity: Id; readonly leaf: number; readonly at: Micros};

/** Typed links to earlier events, by hash; ruled by `04-ledger` §3. */
export type Parent = {
  readonly hash: string;
  readonly leaf: number | null;
  readonly relation: Relation;
};
export type Relation =
  | 'causes'
  | 'delegates'
  | 'result'
  | 'fork'
  | 'merge'
  | 'acks'
  | 'compensates'
  | 'supersedes'
  | 'erases'
  | 'foreign';

/** An event before it is recorded. `entity` only where it is not the command's own target. */
export type Drafted<E> = E & {readonly ends?: Ranges};

export type Decision<E> =
  | {
      readonly events: readonly Drafted<E>[];
      readonly then?: readonly Command[];
      readonly warn?: readonly Warning[];
    }
  | Refusal;

export type Refusal = {readonly refuse: ErrorCode; readonly why?: ErrorDetails};

export type Warning = {readonly code: string; readonly why: ErrorDetails; readonly message: string};

/** Rows as a gate or a decider sees them: the snapshot, what was committed since, the running batch. */
export type View = {
  readonly at: Micros;
  readonly tenantId: Id;
  readonly settings: TenantSettings;
  row<S>(entity: string, id: Id): Row<S> | null;
  rows<S>(entity: string, column: string, value: string): readonly Row<S>[];
  leaves(entity: string, column: string, value: string): Ranges;
};

export type {TenantSettings} from '../../shared/settings.ts';

export type Aggregate<
  C extends Command = Command,
  E extends {kind: string} = {kind: string},
  S = unknown,
> = {
  /** Table `mem.<name>`, commands `<name>.<verb>`. */
  readonly name: string;
  /** Members that are columns of the table; the rest of the state is in its `doc`. */
  readonly columns: readonly (keyof S & string)[];
  /** Members that are content: committed apart from the rest, nulled when it ends. */
  readonly content: readonly (keyof S & string)[];
  /** Containers, by the member that names them: loaded with the row and, if of another kind, told of its events. */
  readonly within?: Readonly<Record<string, string>>;
  /** The member that names the trajectory on whose chain the events stand; the tenant's chain without. */
  readonly chain?: (s: S, id: Id) => Id | null;
  /** Columns in which no two rows of a tenant may hold one value. */
  readonly unique?: readonly (keyof S & string)[];
  /** The code of a missing row. */
  readonly missing: ErrorCode;
  needs(c: C): readonly Ref[];
  decide(c: C, s: S | null, v: View): Decision<E>;
  /** Total on every recorded event. A container returns its state for kinds it does not know. */
  evolve(s: S | null, e: Recorded<E>): S | null;
};

/** Rows by id; ids that are null are left out. */
export const byId = (entity: string, ...ids: readonly (Id | null | undefined)[]): Ref => ({
  entity,
  column: 'id',
  values: ids.filter((id) => id !== null && id !== undefined),
});

/** Rows by a text column; a null value asks for nothing. */
export const by = (entity: string, column: string, value: string | null): Ref => ({
  entity,
  column,
  values: value === null ? [] : [value],
});

/** Leaves of all events of the rows found. */
export const leavesOf = (entity: string, column: string, value: string): Ref => ({
  entity,
  column,
  values: [value],
  leaves: true,
});

/** The refusal of a transition that the state machine does not have. */
export const conflict = (from: string, to: string, allowed: readonly string[] = []): Refusal => ({
  refuse: 'STATE_CONFLICT',
  why: {from, to, allowed},
});
