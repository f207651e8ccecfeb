/**
 * How an artifact or a note ends: superseded by a newer one, deleted, or expired.
 *
 * Deletion and expiry end the content of every event of the item; a supersession ends nothing, the
 * older statement stays readable by its id. A create may end others in the same group: equal items
 * whose time is over, and the oldest of a group that counts.
 */
import type {Id} from '../../shared/ids.ts';
import type {Ttl} from '../../shared/wire/ttl.ts';
import {
  byId,
  conflict,
  leavesOf,
  type Decision,
  type Recorded,
  type Ref,
  type Refusal,
  type View,
} from './aggregate.ts';
import {hasRunOut, refuseEnded, type Entity, type Kept} from './kept-item.ts';
import {mostOf} from './ttl.ts';

/** `max`: a newer item of its group came. */
type Because = 'time' | 'max';

export type Expire<E extends Entity> = {type: `${E}.expire`; id: Id; because: Because};

export type EndCommand<E extends Entity> =
  | {type: `${E}.supersede`; id: Id; byId: Id; reason: string | null}
  | {type: `${E}.delete`; id: Id}
  | Expire<E>;

/** `wasCurrent` tells the containers that count current items whether this one still counted. */
export type EndEvent<E extends Entity> =
  | {
      kind: `${E}.superseded`;
      data: {supersededBy: Id; reason: string | null; wasCurrent: boolean};
    }
  | {kind: `${E}.deleted`; data: {wasCurrent: boolean}}
  | {kind: `${E}.expired`; data: {because: Because; wasCurrent: boolean}};

/** Rows and leaves that an ending must see. */
export const needsOfEnd = (entity: Entity, c: EndCommand<Entity>): readonly Ref[] =>
  'byId' in c ? [byId(entity, c.byId)] : [leavesOf(entity, 'id', c.id)];

/** Steps of a chain that are walked before it counts as a cycle. */
const chainLimit = 64;

function closesCycle(entity: Entity, id: Id, by: Id, v: View): boolean {
  let next: Id | null = by;
  for (let step = 0; next !== null && step < chainLimit; step += 1) {
    if (next === id) return true;
    next = v.row<Kept>(entity, next)?.state.supersededBy ?? null;
  }
  return next !== null;
}

/** A sweep that comes too early is refused: the lifetime was changed since it looked. */
function refuseExpiry(s: Kept, because: Because, v: View): Refusal | null {
  if (s.isExpired) return conflict('expired', 'expired');
  return because === 'time' && !hasRunOut(s, v.at) ? conflict('current', 'expired') : null;
}

/** Decides the end of an item that is not deleted. */
export function decideEnd<E extends Entity>(
  entity: E,
  c: EndCommand<E>,
  s: Kept,
  v: View,
): Decision<EndEvent<E>> {
  const wasCurrent = !s.isExpired && s.supersededBy === null;
  if ('byId' in c) {
    const refusal = refuseEnded(s, 'superseded', v);
    if (refusal !== null) return refusal;
    if (closesCycle(entity, c.id, c.byId, v)) {
      return {refuse: 'GATE_REFUSED', why: {reason: 'cycle'}};
    }
    const data = {supersededBy: c.byId, reason: c.reason, wasCurrent};
    return {events: [{kind: `${entity}.superseded`, data}]};
  }
  // Everything the item ever said.
  const ends = v.leaves(entity, 'id', c.id);
  if (!('because' in c)) return {events: [{kind: `${entity}.deleted`, data: {wasCurrent}, ends}]};
  const refusal = refuseExpiry(s, c.because, v);
  if (refusal !== null) return refusal;
  const data = {because: c.because, wasCurrent};
  return {events: [{kind: `${entity}.expired`, data, ends}]};
}

/** The state after an end. */
export function evolveEnd<S extends Kept, E extends Entity>(s: S, e: Recorded<EndEvent<E>>): S {
  const after = {...s, identityKey: null, maxGroup: null};
  if ('supersededBy' in e.data) return {...after, supersededBy: e.data.supersededBy};
  if (!('because' in e.data)) return {...after, isDeleted: true};
  return {...after, isExpired: true, expiresAt: Math.min(s.expiresAt ?? e.at, e.at)};
}

type Arriving = {
  readonly id: Id;
  readonly identityKey: string | null;
  readonly ttl: Ttl;
  readonly group: string;
};

/** The items that make room for one that is being made or that joins a group. */
export function makeRoom<E extends Entity>(entity: E, of: Arriving, v: View): readonly Expire<E>[] {
  const expire = (id: Id, because: Because): Expire<E> => ({type: `${entity}.expire`, id, because});
  const equal = of.identityKey === null ? [] : v.rows<Kept>(entity, 'identityKey', of.identityKey);
  const over = equal
    .filter(({state}) => !state.isExpired && hasRunOut(state, v.at))
    .map(({id}) => expire(id, 'time'));
  const most = mostOf(of.ttl);
  if (most === null) return over;
  const others = v.rows<Kept>(entity, 'maxGroup', of.group).filter(({id}) => id !== of.id);
  const oldest = others
    .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    .slice(0, Math.max(0, others.length + 1 - most))
    .map(({id}) => expire(id, 'max'));
  return [...over, ...oldest];
}
