/**
 * What outlives its scope, the same for artifacts and notes.
 *
 * An item is current until the first of these: a newer one supersedes it, its lifetime is over, it is
 * deleted (`item-ending.ts`). Until then it may be changed, and any change takes its identity away, so
 * that only an untouched item answers an equal create.
 */
import type {Hex, Id, Micros} from '../../shared/ids.ts';
import {numberSetting} from '../../shared/settings.ts';
import type {Ttl} from '../../shared/wire/ttl.ts';
import type {SourceClass} from './actor.ts';
import {conflict, type Refusal, type View, type Warning} from './aggregate.ts';
import {lowerClass, refuseValidity, type ContentState, type Writer} from './memory-item.ts';
import type {Scope} from './scope.ts';
import type {Trajectory} from './trajectory.ts';
import type {Holders, Lifetime} from './ttl.ts';

export type Kept = Lifetime & {
  readonly ttl: Ttl;
  /** The event of its expiry is written; until then `expiresAt` alone tells. */
  readonly isExpired: boolean;
  readonly isDeleted: boolean;
  /** Equal creates have equal keys; null once changed or no longer current. */
  readonly identityKey: string | null;
  readonly supersededBy: Id | null;
  readonly validFrom: Micros;
  readonly validTo: Micros | null;
  readonly invalidBecause: string | null;
  readonly trust: SourceClass;
};

export type Entity = 'artifact' | 'note';

/** Whether an item's time is over, though its event may not be written yet. */
export const hasRunOut = (s: Pick<Kept, 'isExpired' | 'expiresAt'>, at: Micros): boolean =>
  s.isExpired || (s.expiresAt !== null && s.expiresAt <= at);

type Holding = {readonly scope: Scope | null; readonly trajectory: Trajectory | null};

const isOver = (trajectory: Trajectory): boolean =>
  trajectory.completedAt !== null || trajectory.isDeleted;

/** Whether the scope or trajectory that an item's lifetime hangs on has ended. */
function endedWith(s: Pick<Kept, 'ttl'>, {scope, trajectory}: Holding): boolean {
  if (s.ttl === 'scope') return scope !== null && !scope.isActive;
  return s.ttl === 'session' && trajectory !== null && isOver(trajectory);
}

/** What a reader gets of an item's content. `trajectory` is the one a `Session` hangs on. */
export function contentStateOf(
  s: Pick<Kept, 'ttl' | 'isDeleted' | 'isExpired' | 'expiresAt'>,
  scope: Scope | null,
  trajectory: Trajectory | null,
  at: Micros,
): ContentState {
  if (s.isDeleted) return 'deleted';
  return hasRunOut(s, at) || endedWith(s, {scope, trajectory}) ? 'expired' : 'present';
}

function holdersOf(s: Pick<Kept, 'ttl' | 'expiresWith'>, v: View): Holding {
  const id = s.expiresWith;
  if (id === null) return {scope: null, trajectory: null};
  return {
    scope: s.ttl === 'scope' ? (v.row<Scope>('scope', id)?.state ?? null) : null,
    trajectory: s.ttl === 'session' ? (v.row<Trajectory>('trajectory', id)?.state ?? null) : null,
  };
}

/** Refuses a change of an item that is no longer current. `to` is what was wanted. */
export function refuseEnded(s: Kept, to: string, v: View): Refusal | null {
  if (s.supersededBy !== null) return conflict('superseded', to);
  const {scope, trajectory} = holdersOf(s, v);
  const state = contentStateOf(s, scope, trajectory, v.at);
  return state === 'present' ? null : conflict(state, to);
}

/** Refuses a lifetime that hangs on what is not there or has ended. */
export function refuseLifetime(ttl: Ttl, of: Omit<Holders, 'group'>, v: View): Refusal | null {
  if (ttl === 'scope') {
    if (of.scopeId === null) return {refuse: 'MISSING_FIELD', why: {field: 'scope_id'}};
    const isOpen = v.row<Scope>('scope', of.scopeId)?.state.isActive === true;
    return isOpen ? null : {refuse: 'STATE_CONFLICT', why: {reason: 'scope_closed', field: 'ttl'}};
  }
  if (ttl !== 'session') return null;
  const {sessionId} = of;
  if (sessionId === null) return {refuse: 'INVALID_INPUT', why: {field: 'ttl', reason: 'session'}};
  const trajectory = v.row<Trajectory>('trajectory', sessionId)?.state;
  if (trajectory !== undefined && !isOver(trajectory)) return null;
  return {refuse: 'STATE_CONFLICT', why: {reason: 'trajectory_ended', field: 'ttl'}};
}

type KeptChange = {
  readonly ttl?: Ttl;
  readonly validFrom?: Micros | null;
  readonly validTo?: Micros | null;
  readonly invalidBecause?: string | null;
};

/** What the use case measures of a content. */
export type Measured = {
  /** SHA-256 of the content's bytes. */
  readonly contentHash: Hex;
  readonly sizeBytes: number;
  readonly tokenCount: number;
};

/** What a change writes into its event: what was stated, and what follows from it. */
export type Changed<C> = Omit<C, 'validFrom'> & {validFrom?: Micros; trust?: SourceClass};

/** The data of a change of a current item, made at `createdAt`; or why it may not be. */
export function changeOf<C extends KeptChange>(
  s: Kept,
  set: C,
  of: {readonly writer: Writer; readonly createdAt: Micros; readonly holders: Holders},
  v: View,
): Changed<C> | Refusal {
  const ended = refuseEnded(s, 'updated', v);
  if (ended !== null) return ended;
  const {validFrom: from, ...rest} = set;
  const validFrom = from === null ? of.createdAt : from;
  // A reason belongs to an end: who takes the end back takes the reason with it.
  const reopened = set.validTo === null && set.invalidBecause === undefined;
  const why = reopened ? {invalidBecause: null} : {};
  const next = {...s, ...rest, ...why, validFrom: validFrom ?? s.validFrom};
  const faults = refuseValidity(next, of.createdAt);
  if (faults !== null) return faults;
  const hanging = set.ttl === undefined ? null : refuseLifetime(set.ttl, of.holders, v);
  if (hanging !== null) return hanging;
  const trust = lowerClass(s.trust, of.writer.ceiling);
  return {
    ...rest,
    ...why,
    ...(validFrom === undefined ? {} : {validFrom}),
    ...(trust === s.trust ? {} : {trust}),
  };
}

/** A warning about a confidence below the tenant's least; none without. */
export function lowConfidence(confidence: number | null, v: View): Warning[] {
  const limit = numberSetting(v.settings, 'min_confidence');
  if (confidence === null || confidence >= limit) return [];
  const message = `the confidence is ${confidence}, the tenant's least is ${limit}`;
  const why = {setting: 'min_confidence', limit, value: confidence};
  return [{code: 'low_confidence', why, message}];
}
