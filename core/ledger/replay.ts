/**
 * Folding a log into rows again, level L4: what the reducers make of the events alone.
 *
 * The same aggregates, told the same way as `core/pipeline/sequence.ts` tells them, but with nothing
 * to go by but what is stored. Pure: events go in, in the order of their leaves; rows and the
 * versions they replace come out. Content that has ended is null from then on, in every version
 * that was made of it; of what was erased only the header is left, so id, version, leaf and times.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import type {Header} from '../../shared/ledger/header.ts';
import {kindEntity, kindName} from '../../shared/ledger/kinds.ts';
import type {ContentPart, DataPart} from '../../shared/ledger/payload.ts';
import {camel, renameKeys, type Principal} from '../../shared/wire/resource.ts';
import {principalOf} from '../domain/actor.ts';
import type {Aggregate, Row} from '../domain/aggregate.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import {rowKey} from '../pipeline/view.ts';

/** An event as the replay takes it: a part that is gone is null. */
export type ReplayEvent = {
  readonly leaf: number;
  readonly header: Header;
  readonly data: DataPart | null;
  readonly content: ContentPart | null;
};

/** One version of a row. */
export type Replayed = {
  readonly entity: string;
  readonly row: Row<unknown>;
  /** Its state, and its author's principal, cannot be told any more. */
  readonly isErased: boolean;
  /**
   * Members that events of what is inside have changed since the version was made. In a version that
   * was replaced they are as of the end of some batch, which the log does not tell, and nobody reads
   * them there: a read of the past counts the children (`04-ledger` §9).
   */
  readonly counters: ReadonlySet<string>;
};

/** A version that another one replaced at `toLeaf`. */
export type Replaced = Replayed & {readonly toLeaf: number};

export type Replay = {
  /** Folds the next event in; answers the version it replaced, or null. */
  readonly add: (event: ReplayEvent) => Replaced | null;
  /** The current version of every row, by entity and id. */
  readonly rows: ReadonlyMap<string, Replayed>;
};

/** The log cannot be folded: it says what these reducers do not understand. */
export class ReplayRefused extends Error {
  override readonly name = 'ReplayRefused';
  readonly leaf: number;

  constructor(leaf: number, message: string) {
    super(`leaf ${leaf}: ${message}`);
    this.leaf = leaf;
  }
}

/** Version of the reducers; a log whose events ask for another one is not folded by these. */
const reducerVersion = 1;

const none: ReadonlySet<string> = new Set();

/** Begins with no row. */
export function createReplay(): Replay {
  const rows = new Map<string, Replayed>();
  // An event's kind may be of another family than its row: a rewind of turns is a version of the scope.
  const entities = new Map<Id, string>();

  const add = (event: ReplayEvent): Replaced | null => {
    const {header, leaf} = event;
    const target = targetOf(event, entities);
    if (target === null) return null;
    const {aggregate, id, kind, version} = target;
    const key = rowKey(aggregate.name, id);
    // A first version begins anew, as a draft does.
    const before = version === 1 ? null : (rows.get(key) ?? null);
    if ((before?.row.version ?? 0) + 1 !== version) {
      throw new ReplayRefused(
        leaf,
        `version ${version} of ${key} comes after version ${before?.row.version ?? 0}`,
      );
    }
    const isErased = event.data === null || before?.isErased === true;
    const recorded = {kind, data: membersOf(event, aggregate), entity: id, leaf, at: header.at};
    const state = isErased ? {} : aggregate.evolve(before?.row.state ?? null, recorded);
    if (state === null) return null;
    const row = {
      id,
      version,
      leaf,
      createdAt: before?.row.createdAt ?? header.at,
      updatedAt: header.at,
      createdBy: before?.row.createdBy ?? authorOf(event),
      state,
    };
    rows.set(key, {entity: aggregate.name, row, isErased, counters: none});
    entities.set(id, aggregate.name);
    if (!isErased) tellContainers(rows, aggregate, row, recorded);
    return before === null ? null : {...before, toLeaf: leaf};
  };
  return {add, rows};
}

type Target = {
  readonly aggregate: Aggregate;
  readonly id: Id;
  readonly kind: string;
  readonly version: number;
};

/** The row that an event is a version of; null for denials and for what changes no row. */
function targetOf({header, leaf}: ReplayEvent, entities: ReadonlyMap<Id, string>): Target | null {
  const kind = kindName(Number.parseInt(header.kind, 16));
  const version = header.ent?.ver ?? null;
  if (header.ent === null || version === null) return null;
  const entity = entities.get(header.ent.id as Id) ?? kindEntity(kind);
  if (entity === null) return null;
  const aggregate = aggregateNamed(entity);
  if (aggregate === undefined) throw new ReplayRefused(leaf, `no reducer knows ${kind}`);
  if (header.rdx !== reducerVersion) {
    throw new ReplayRefused(
      leaf,
      `${kind} asks for version ${header.rdx} of its reducer, this is ${reducerVersion}`,
    );
  }
  return {aggregate, id: header.ent.id as Id, kind, version};
}

/** The members of both parts as the reducers spell them; what content has ended is null. */
function membersOf(
  {content, data, header}: ReplayEvent,
  {content: contentMembers}: Aggregate,
): Record<string, unknown> {
  const members = renameKeys({...data?.data, ...content}, camel);
  if (header.pay.c === null || content !== null) return members;
  for (const name of contentMembers) members[name] ??= null;
  return members;
}

function authorOf({data, header}: ReplayEvent): Principal {
  const {agent, by} = header.actor;
  return principalOf({by, agentId: agent as Id | null, onBehalfOf: data?.on_behalf_of ?? null});
}

type Told = {
  readonly kind: string;
  readonly data: unknown;
  readonly entity: Id;
  readonly leaf: number;
  readonly at: Micros;
};

/** A container keeps counters of what is inside: its state changes, its version and leaf do not. */
function tellContainers(
  rows: Map<string, Replayed>,
  aggregate: Aggregate,
  row: Row<unknown>,
  event: Told,
): void {
  for (const [member, entity] of Object.entries(aggregate.within ?? {})) {
    const id = (row.state as Record<string, unknown>)[member] as Id | null | undefined;
    const container = aggregateNamed(entity);
    // One of its own kind would take the event for its own.
    if (id === null || id === undefined || container === undefined || entity === aggregate.name)
      continue;
    const key = rowKey(entity, id);
    const held = rows.get(key);
    if (held === undefined || held.isErased) continue;
    const state = container.evolve(held.row.state, event);
    if (state === held.row.state || state === null) continue;
    const counters = new Set([...held.counters, ...changed(held.row.state, state)]);
    rows.set(key, {...held, row: {...held.row, state}, counters});
  }
}

function changed(before: unknown, after: unknown): readonly string[] {
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return Object.keys(is).filter((name) => was[name] !== is[name]);
}
