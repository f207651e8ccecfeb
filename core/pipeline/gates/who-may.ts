/**
 * Who may make which transition, where it depends on the row and not on a scope.
 *
 * A key that is bound to an agent speaks for that agent alone. A credential that is bound to none
 * has what its scopes give.
 */
import type {Id} from '../../../shared/ids.ts';
import type {Row, View} from '../../domain/aggregate.ts';
import type {Conflict, ConflictCommand} from '../../domain/conflict.ts';
import type {Lock, LockCommand} from '../../domain/lock.ts';
import type {Region} from '../../domain/region.ts';
import type {Trajectory} from '../../domain/trajectory.ts';
import {itemOf, mayAccess, type Asker} from '../../domain/visibility.ts';
import {deny, type Denial, type Unit} from './gate.ts';

const refuse = (u: Unit, need: string): Denial =>
  deny('FORBIDDEN', `${u.command.type} is for the ${need} of this ${u.aggregate.name}`, {
    need,
    agent: u.actor.agentId,
  });

/** The row as the command finds it, or as it makes it. */
export const stateOf = (u: Unit): object | null =>
  (u.target?.state as object | undefined) ?? (u.command as {draft?: object}).draft ?? null;

function refuseLock(u: Unit): Denial | null {
  const c = u.command as LockCommand;
  if (c.type === 'lock.acquire') {
    const {agentId} = u.actor;
    const isOwn = agentId === null || agentId === c.draft.holderAgentId;
    return isOwn ? null : refuse(u, 'holder');
  }
  if (c.type !== 'lock.extend' && c.type !== 'lock.release') return null;
  const holder = (u.target as Row<Lock> | null)?.state.holderAgentId;
  const isAdmin = c.type === 'lock.release' && c.isAdmin;
  return isAdmin || c.by === null || c.by === holder ? null : refuse(u, 'holder');
}

/** Neither of two agents decides what they are at odds about. */
function refuseConflict(u: Unit): Denial | null {
  const {agentAId, agentBId} = (u.target as Row<Conflict>).state;
  const isOpening = (u.command as ConflictCommand).type === 'conflict.create';
  const {agentId} = u.actor;
  const isSide = agentId !== null && (agentId === agentAId || agentId === agentBId);
  return isSide && !isOpening ? refuse(u, 'resolver') : null;
}

/** A scope is written by its trajectory's agent, and by one that may write all memory of it. */
function refuseScope(u: Unit, v: View, asker: Asker): Denial | null {
  const state = stateOf(u) ?? {};
  const item = itemOf(v, 'all', state, null);
  const owner = item.owner();
  if (owner === null || owner === asker.id || mayAccess(asker, 'write', item)) return null;
  return refuse(u, 'owner');
}

/** Refuses a transition that is not this caller's; null where nothing stands against it. */
export function refuseTransition(u: Unit, v: View, asker: Asker | null): Denial | null {
  const isNew = 'draft' in u.command;
  // A row that is not there is answered by gate 5.
  if (!isNew && u.target === null) return null;
  if (u.aggregate.name === 'lock') return refuseLock(u);
  if (u.aggregate.name === 'conflict') return isNew ? null : refuseConflict(u);
  if (asker === null || !u.actor.isBound) return null;
  switch (u.aggregate.name) {
    case 'trajectory':
      return isOf(asker.id, (stateOf(u) as Trajectory).agentId) ? null : refuse(u, 'owner');
    case 'region':
      return isOf(asker.id, (stateOf(u) as Region).ownerAgentId) ? null : refuse(u, 'owner');
    case 'scope':
      return refuseScope(u, v, asker);
    default:
      return null;
  }
}

const isOf = (agent: Id, owner: Id | null): boolean => owner === agent;
