/**
 * Gate 4: the same wish twice is one event.
 *
 * A known key with an equal request is a replay, with another request a conflict. An equal item is
 * the existing one. A name that must be unique and is taken is refused.
 */
import {snake} from '../../../shared/wire/resource.ts';
import type {View} from '../../domain/aggregate.ts';
import {hasRunOut, type Kept} from '../../domain/kept-item.ts';
import {deny, isLive, pass, skip, type Unit, type Verdict} from './gate.ts';

/** What a command states about the row it makes or changes. */
function stated(u: Unit): Readonly<Record<string, unknown>> {
  const {draft, set} = u.command as {draft?: object; set?: object};
  return {...draft, ...set};
}

export function idempotencyGate(u: Unit, v: View): Verdict {
  if (u.seen !== null && !u.isFollowUp) {
    if (u.seen.request === u.requestHash) return {is: 'same', leaf: u.seen.leaf, how: 'replayed'};
    return deny('IDEMPOTENCY_CONFLICT', 'the idempotency key stands for another request');
  }
  const members = stated(u);
  const {identityKey} = members;
  if (typeof identityKey === 'string') {
    // One whose time is over is no longer there, though its event may not be written yet.
    const equal = v
      .rows<Pick<Kept, 'isExpired' | 'expiresAt'>>(u.aggregate.name, 'identityKey', identityKey)
      .find((row) => !hasRunOut(row.state, v.at));
    if (equal !== undefined) return {is: 'same', leaf: equal.leaf, how: 'deduplicated'};
  }
  const unique: readonly string[] = u.aggregate.unique ?? [];
  for (const column of unique) {
    const value = members[column === 'liveName' ? 'name' : column];
    if (typeof value !== 'string') continue;
    const taken = v
      .rows(u.aggregate.name, column, value)
      .find((row) => isLive(row) && row.id !== u.command.id);
    if (taken === undefined) continue;
    const field = snake(column === 'liveName' ? 'name' : column);
    return deny('ENTITY_ALREADY_EXISTS', `${u.aggregate.name}: ${field} is taken`, {
      existing_id: taken.id,
      field,
    });
  }
  return u.seen === null && unique.length === 0 && identityKey === undefined ? skip : pass;
}
