/**
 * Gate 8: leases that guard what is written.
 *
 * A live exclusive lease on exactly the target refuses every write that does not present its token,
 * the holder's own among them; a region with `require_lock` asks for a lease of the writer on the
 * region. A token that is presented is checked although nothing guards the target: a holder that
 * slept through its lease must not write, whoever holds the resource by now.
 *
 * Nothing is asked about leases while the tenant has none: it counts them as a container does
 * (`Tenant.heldLocks`), and its row is part of every view. A lease that a commit or a unit before
 * this one in the batch made is seen through the same row. What is being created cannot be locked:
 * nobody knew its id.
 *
 * Jobs are exempt. What they end has ended by time, and a lock holds no clock.
 */
import type {Id} from '../../../shared/ids.ts';
import {isoTime} from '../../../shared/wire/scalar.ts';
import {isSystem} from '../../domain/actor.ts';
import type {Row, View} from '../../domain/aggregate.ts';
import {exclusiveLease, isHeld, resourceOf, type Lock} from '../../domain/lock.ts';
import type {Tenant} from '../../domain/tenant.ts';
import {regionOf} from '../../domain/visibility.ts';
import {deny, pass, skip, type Denial, type Unit, type Verdict} from './gate.ts';

type Presented = {readonly lockId: Id; readonly token: number};

const hasLeases = (v: View): boolean =>
  (v.row<Tenant>('tenant', v.tenantId)?.state.heldLocks ?? 0) > 0;

const leaseOn = (v: View, resource: string): Row<Lock> | null =>
  hasLeases(v) ? exclusiveLease(v, resource) : null;

/** The lease that the token is of, or why it is worth nothing. */
function checkPresented(u: Unit, v: View, {lockId, token}: Presented): Denial | null {
  const lock = v.row<Lock>('lock', lockId)?.state;
  const isStale = lock === undefined || !isHeld(lock, v.at) || lock.fencingToken !== token;
  if (isStale) {
    const isNamed = !('draft' in u.command) && u.aggregate.name !== 'lock';
    const newest = isNamed ? leaseOn(v, targetOf(u))?.state : undefined;
    const last = newest !== undefined && newest.resource === lock?.resource ? newest : lock;
    return deny('LOCK_EXPIRED', `${u.aggregate.name}: the lease of the token presented is over`, {
      lock: lockId,
      token,
      last: last?.fencingToken ?? null,
      expires_at: lock === undefined ? null : isoTime(lock.expiresAt),
    });
  }
  const {agentId} = u.actor;
  if (agentId === null || agentId === lock.holderAgentId) return null;
  return deny('LOCK_CONFLICT', `${u.aggregate.name}: the token presented is another agent's`, {
    lock: lockId,
    token,
    expires_at: isoTime(lock.expiresAt),
    mode: lock.mode,
  });
}

const targetOf = (u: Unit): string => resourceOf(u.aggregate.name, u.command.id);

const refuseLocked = (u: Unit, lease: Row<Lock>): Denial => {
  const expires = isoTime(lease.state.expiresAt);
  return deny('LOCK_CONFLICT', `${u.aggregate.name} is locked exclusively until ${expires}`, {
    lock: lease.id,
    expires_at: expires,
    mode: lease.state.mode,
  });
};

/** Regions whose rule asks for a lease: the target's, and the one it is moved or made into. */
function regionsOf(u: Unit, v: View): readonly string[] {
  const {draft = {}, set = {}} = u.command as {draft?: object; set?: object};
  const states = [u.target?.state as object | undefined, draft, set];
  const found = states.flatMap((state) => {
    const region = state === undefined ? null : regionOf(v, state);
    return region?.requireLock === true ? [(state as {regionId: Id}).regionId] : [];
  });
  return [...new Set(found)].map((id) => resourceOf('region', id));
}

export function lockGate(u: Unit, v: View): Verdict {
  if (isSystem(u.actor) || u.aggregate.columns.length === 0) return skip;
  // A follow-up does not write what its caller named, so the caller's token is not about it.
  const presented = u.isFollowUp ? null : u.call.fencing;
  const fault = presented === null ? null : checkPresented(u, v, presented);
  if (fault !== null) return fault;

  // A lease is its holder's by itself, and nobody locks it.
  const isLockable = !('draft' in u.command) && u.aggregate.name !== 'lock';
  const target = isLockable ? leaseOn(v, targetOf(u)) : null;
  const regions = regionsOf(u, v);
  const guards = regions.map((resource) => leaseOn(v, resource));
  const shown = (lease: Row<Lock>): boolean => lease.id === presented?.lockId;
  // One header shows one token: of several guards one is shown, and the writer must hold the others.
  const isOneShown =
    u.isFollowUp || [target, ...guards].some((lease) => lease !== null && shown(lease));
  const isOpen = (lease: Row<Lock>): boolean =>
    shown(lease) || (isOneShown && lease.state.holderAgentId === u.actor.agentId);

  if (target !== null && !isOpen(target)) return refuseLocked(u, target);
  for (const lease of guards) {
    if (lease !== null && isOpen(lease)) continue;
    const isOthers = lease !== null && lease.state.holderAgentId !== u.actor.agentId;
    if (isOthers) return refuseLocked(u, lease);
    return deny('GATE_REFUSED', `${u.aggregate.name}: its region is written under a lock only`, {
      reason: 'lock_required',
    });
  }
  return presented === null && target === null && guards.length === 0 ? skip : pass;
}
