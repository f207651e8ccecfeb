/**
 * A lock: a lease on one resource, with a fencing token.
 *
 * The lane decides on its running state, so two wishes in one batch see each other and one wins.
 * `v.at` is the lane's clock, which never steps back: a lease that ended is gone although no job has
 * written so, and a sweep that comes late changes nothing.
 *
 * A token is the leaf of the event that granted it, so tokens grow for ever and no counter is kept.
 * A holder that slept through its lease is known by its old token: `LockGate` refuses its late write.
 *
 * `heldOn` names the resource until an event ends the lease, and is how leases are found; the tenant
 * counts them (`heldLocks`), so that nothing is asked about leases where nobody has one.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import {numberSetting} from '../../shared/settings.ts';
import {isoTime} from '../../shared/wire/scalar.ts';
import type {LockDraft, LockState} from '../../shared/wire/locks.ts';
import {
  by,
  byId,
  type Aggregate,
  type Command,
  type Decision,
  type Refusal,
  type Row,
  type View,
} from './aggregate.ts';

export type Lock = Omit<LockState, 'timeoutMs' | 'holderAgentId'> & {
  readonly timeoutMs: number;
  readonly holderAgentId: Id;
  /** `<type>/<id>` of what is locked. */
  readonly resource: string;
  /** The resource until the lease ends by an event; its time may be over before. */
  readonly heldOn: string | null;
  readonly tenantId: Id;
};

/** `by`: who asks; null for a caller that acts for no agent, which may do what the holder may. */
export type LockCommand =
  | {type: 'lock.acquire'; id: Id; draft: LockDraft}
  | {type: 'lock.extend'; id: Id; by: Id | null; additionalMs: number}
  /** The holder asked for what it has: the lease lasts until then at least. */
  | {type: 'lock.renew'; id: Id; until: Micros}
  | {type: 'lock.release'; id: Id; by: Id | null; isAdmin: boolean}
  | {type: 'lock.expire'; id: Id};

type Granted = Omit<LockDraft, 'timeoutMs'> & {timeoutMs: number; expiresAt: Micros; tenantId: Id};

export type LockEvent =
  | {kind: 'lock.acquired'; data: Granted}
  | {kind: 'lock.extended'; data: {expiresAt: Micros}}
  | {kind: 'lock.released' | 'lock.expired'; data: Record<string, never>};

const microsPerMs = 1_000;
const wholeLeaseMs = 24 * 3_600_000;

/** The name under which leases of a resource are found. */
export const resourceOf = (type: string, id: string): string => `${type}/${id}`;

/** Whether a lease counts at a moment, whatever a job has written. */
export const isHeld = (s: Pick<Lock, 'status' | 'expiresAt'>, at: Micros): boolean =>
  s.status === 'held' && s.expiresAt > at;

/** Leases of a resource that count now. */
export const liveLeases = (v: View, resource: string): readonly Row<Lock>[] =>
  v.rows<Lock>('lock', 'heldOn', resource).filter(({state}) => isHeld(state, v.at));

/** The exclusive lease of a resource that counts now; null without one. */
export const exclusiveLease = (v: View, resource: string): Row<Lock> | null =>
  liveLeases(v, resource).find(({state}) => state.mode === 'exclusive') ?? null;

function decideAcquire(c: {id: Id; draft: LockDraft}, v: View): Decision<LockEvent> {
  const {draft} = c;
  const {holderAgentId: holder, mode} = draft;
  const resource = resourceOf(draft.resourceType, draft.resourceId);
  const timeoutMs = draft.timeoutMs ?? numberSetting(v.settings, 'lock_timeout_ms');
  const expiresAt = v.at + timeoutMs * microsPerMs;
  const leases = v.rows<Lock>('lock', 'heldOn', resource);
  const live = leases.filter(({state}) => isHeld(state, v.at));

  // Asking twice must not deadlock an agent against itself, nor let it hold two leases.
  const own = live.find(({state}) => state.holderAgentId === holder && state.mode === mode);
  if (own !== undefined) {
    return {events: [], then: [{type: 'lock.renew', id: own.id, until: expiresAt} as Command]};
  }
  const blocking = live.filter(({state}) => state.mode === 'exclusive' || mode === 'exclusive');
  if (blocking.length > 0) return refuseBlocked(blocking, holder);

  const then = leases
    .filter((lease) => !live.includes(lease))
    .map(({id}): Command => ({type: 'lock.expire', id}));
  const data = {...draft, timeoutMs, expiresAt, tenantId: v.tenantId};
  return {events: [{kind: 'lock.acquired', data}], then};
}

/** Tells when it is worth asking again; an upgrade in place would deadlock two that wish for it. */
function refuseBlocked(blocking: readonly Row<Lock>[], holder: Id): Refusal {
  const isOwn = blocking.every(({state}) => state.holderAgentId === holder);
  const mode = blocking.some(({state}) => state.mode === 'exclusive') ? 'exclusive' : 'shared';
  const until = Math.max(...blocking.map(({state}) => state.expiresAt));
  const why = {expires_at: isoTime(until), mode, waiting: 0};
  return {refuse: 'LOCK_CONFLICT', why: isOwn ? {reason: 'upgrade', ...why} : why};
}

const over = (s: Lock, id: Id): Refusal => ({
  refuse: 'LOCK_EXPIRED',
  why: {lock: id, token: s.fencingToken, expires_at: isoTime(s.expiresAt)},
});

function decideExtend(c: {id: Id; additionalMs: number}, s: Lock): Decision<LockEvent> {
  const expiresAt = s.expiresAt + c.additionalMs * microsPerMs;
  const value = Math.ceil((expiresAt - s.acquiredAt) / microsPerMs);
  if (value > wholeLeaseMs) {
    return {
      refuse: 'LIMIT_EXCEEDED',
      why: {setting: 'whole_lease_ms', limit: wholeLeaseMs, value},
    };
  }
  return {events: [{kind: 'lock.extended', data: {expiresAt}}]};
}

export const lock: Aggregate<LockCommand, LockEvent, Lock> = {
  name: 'lock',
  columns: [
    'resource',
    'resourceType',
    'resourceId',
    'holderAgentId',
    'status',
    'expiresAt',
    'heldOn',
  ],
  content: [],
  missing: 'LOCK_NOT_FOUND',
  within: {tenantId: 'tenant'},
  needs: (c) =>
    c.type === 'lock.acquire'
      ? [
          by('lock', 'heldOn', resourceOf(c.draft.resourceType, c.draft.resourceId)),
          byId('agent', c.draft.holderAgentId),
        ]
      : [],
  decide(c, s, v) {
    if (c.type === 'lock.acquire') return decideAcquire(c, v);
    if (s === null) return {refuse: 'LOCK_NOT_FOUND'};
    if (c.type === 'lock.expire') {
      const isDue = s.status === 'held' && !isHeld(s, v.at);
      return isDue ? {events: [{kind: 'lock.expired', data: {}}]} : over(s, c.id);
    }
    if (!isHeld(s, v.at)) return over(s, c.id);
    switch (c.type) {
      case 'lock.extend':
        return decideExtend(c, s);
      case 'lock.renew': {
        // The whole lease has its end, however often its holder asks.
        const last = s.acquiredAt + wholeLeaseMs * microsPerMs;
        const expiresAt = Math.max(s.expiresAt, Math.min(c.until, last));
        return {events: [{kind: 'lock.extended', data: {expiresAt}}]};
      }
      case 'lock.release':
        return {events: [{kind: 'lock.released', data: {}}]};
    }
  },
  evolve(s, e) {
    if (e.kind === 'lock.acquired') {
      const resource = resourceOf(e.data.resourceType, e.data.resourceId);
      return {
        ...e.data,
        resource,
        heldOn: resource,
        acquiredAt: e.at,
        fencingToken: e.leaf,
        status: 'held',
      };
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'lock.extended':
        return {...s, expiresAt: e.data.expiresAt};
      case 'lock.released':
        return {...s, status: 'released', heldOn: null};
      case 'lock.expired':
        return {...s, status: 'expired', heldOn: null};
      default:
        return s;
    }
  },
};
