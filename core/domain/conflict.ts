/**
 * A conflict: two items that cannot both be right. Both stay current until somebody decides.
 *
 * Who claims one has it alone for a quarter of an hour; after that anybody may resolve it, whether
 * or not a job has written the escalation. Neither of the two agents may: gate 3 sees to it.
 * `openClaim` is the claim's key until it is resolved, and how gate 10 finds what is open already.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import type {
  ConflictDraft,
  ConflictState,
  Resolution,
  Strategy,
} from '../../shared/wire/conflicts.ts';
import type {ItemRef} from '../../shared/wire/memory-item.ts';
import {
  conflict as refuseMove,
  type Aggregate,
  type Command,
  type Decision,
  type Row,
  type View,
} from './aggregate.ts';
import {hasRunOut, type Kept} from './kept-item.ts';
import {refsOf} from './memory-item.ts';
import {ownerOf} from './visibility.ts';

export type Conflict = Omit<ConflictState, 'agentAId' | 'agentBId' | 'trajectoryId'> & {
  readonly agentAId: Id | null;
  readonly agentBId: Id | null;
  readonly trajectoryId: Id | null;
  readonly openClaim: string | null;
  /** The agent or principal that took it on, and when. */
  readonly claimedBy: string | null;
  readonly claimedAt: Micros | null;
};

/** `claimKey`: where gate 10 opened it. `isEscalated`: it begins with those above its agents. */
export type ConflictMade = ConflictDraft & {
  readonly claimKey: string | null;
  readonly isEscalated: boolean;
};

/** `by`: the agent that acts, or the principal where none does. */
export type ConflictCommand =
  | {type: 'conflict.create'; id: Id; draft: ConflictMade}
  | {type: 'conflict.claim'; id: Id; by: string}
  | {
      type: 'conflict.resolve';
      id: Id;
      by: string;
      /** The conflict's items, which never change: so that they are loaded. */
      items: readonly [ItemRef, ItemRef];
      strategy: Strategy;
      winner: ItemRef | null;
      reason: string;
    }
  | {type: 'conflict.escalate'; id: Id; reason: string};

type Detected = Omit<ConflictMade, 'isEscalated'> & {
  agentAId: Id | null;
  agentBId: Id | null;
  trajectoryId: Id | null;
};

export type ConflictEvent =
  | {kind: 'conflict.detected'; data: Detected}
  | {kind: 'conflict.resolving'; data: {claimedBy: string}}
  | {kind: 'conflict.resolved'; data: {resolution: Resolution}}
  | {kind: 'conflict.escalated'; data: {reason: string | null}};

const claimMicros = 15 * 60 * 1_000_000;

/** Whether somebody has it alone at a moment. */
export const isClaimed = (s: Conflict, at: Micros): boolean =>
  s.status === 'resolving' && s.claimedAt !== null && s.claimedAt + claimMicros > at;

/** How sure an item is of itself; one that does not say is half sure. */
export function confidenceOf(state: object): number {
  const {confidence, provenance} = state as {
    confidence?: number | null;
    provenance?: {confidence?: number | null} | null;
  };
  return confidence ?? provenance?.confidence ?? 0.5;
}

const stateOf = (v: View, ref: ItemRef): Row<Kept> | null => v.row<Kept>(ref.entity_type, ref.id);

/** The trajectory that both items point to, if they point to one. */
function trajectoryOf(v: View, ref: ItemRef): Id | null {
  const state = (stateOf(v, ref)?.state ?? {}) as {
    trajectoryId?: Id | null;
    homeTrajectoryId?: Id | null;
  };
  return state.trajectoryId ?? state.homeTrajectoryId ?? null;
}

function decideCreate(draft: ConflictMade, v: View): Decision<ConflictEvent> {
  const {isEscalated, ...rest} = draft;
  const owner = (ref: ItemRef): Id | null => ownerOf(v, stateOf(v, ref)?.state ?? {});
  const data: Detected = {
    ...rest,
    agentAId: owner(draft.itemA),
    agentBId: owner(draft.itemB),
    trajectoryId: trajectoryOf(v, draft.itemA) ?? trajectoryOf(v, draft.itemB),
  };
  const detected = {kind: 'conflict.detected', data} as const;
  if (!isEscalated) return {events: [detected]};
  return {events: [detected, {kind: 'conflict.escalated', data: {reason: null}}]};
}

const isCurrent = (s: Kept, at: Micros): boolean =>
  !s.isDeleted && s.supersededBy === null && !hasRunOut(s, at);

type Resolve = Extract<ConflictCommand, {type: 'conflict.resolve'}>;

const isSameItem = (a: ItemRef, b: ItemRef): boolean =>
  a.id === b.id && a.entity_type === b.entity_type;

/** Strategies that keep one of the two. */
const isChoice = (strategy: Strategy): boolean =>
  ['last_write_wins', 'first_write_wins', 'highest_confidence'].includes(strategy);

/** The item that stays, by the strategy or by name; null where the strategy keeps both or neither. */
function winnerOf(c: Resolve, v: View): ItemRef | null {
  const [a, b] = c.items;
  if (!isChoice(c.strategy)) return null;
  if (c.winner !== null) return c.winner;
  const [rowA, rowB] = [stateOf(v, a), stateOf(v, b)];
  const newer = (rowA?.leaf ?? -1) > (rowB?.leaf ?? -1) ? a : b;
  if (c.strategy === 'last_write_wins') return newer;
  if (c.strategy === 'first_write_wins') return newer === a ? b : a;
  const [sureA, sureB] = [rowA, rowB].map((row) => confidenceOf(row?.state ?? {}));
  if (sureA === undefined || sureB === undefined || sureA === sureB) return newer;
  return sureA > sureB ? a : b;
}

const reasonLimit = 500;

/** Ends the validity of an item at this moment. */
const invalidate = (ref: ItemRef, reason: string, at: Micros): Command =>
  ({
    type: `${ref.entity_type}.update`,
    id: ref.id,
    set: {validTo: at, invalidBecause: Array.from(reason).slice(0, reasonLimit).join('')},
    writer: {ceiling: 'user'},
  }) as Command;

function decideResolve(c: Resolve, s: Conflict, v: View): Decision<ConflictEvent> {
  const isOpen = s.status === 'resolving' || s.status === 'escalated';
  if (!isOpen)
    return refuseMove(
      s.status,
      'resolved',
      s.status === 'detected' ? ['resolving', 'escalated'] : [],
    );
  if (isClaimed(s, v.at) && s.claimedBy !== c.by) {
    return {refuse: 'FORBIDDEN', why: {reason: 'claimed'}};
  }
  const [a, b] = c.items;
  if (c.winner !== null && !c.items.some((item) => isSameItem(item, c.winner ?? item))) {
    return {refuse: 'INVALID_INPUT', why: {field: 'winner'}};
  }
  const current = c.items.filter((item) => {
    const row = stateOf(v, item);
    return row !== null && isCurrent(row.state, v.at);
  });
  // What has ended meanwhile has lost already.
  const winner =
    isChoice(c.strategy) && current.length === 1 ? (current[0] ?? null) : winnerOf(c, v);
  const resolution: Resolution = {
    strategy: c.strategy,
    winner,
    merged_result_id: null,
    reason: c.reason,
    resolved_by: c.by,
  };
  const events = [{kind: 'conflict.resolved', data: {resolution}}] as const;
  if (c.strategy === 'reject_both') {
    if (c.items.some((item) => item.entity_type === 'turn')) return refuseMove('turn', 'invalid');
    return {events, then: current.map((item) => invalidate(item, c.reason, v.at))};
  }
  if (winner === null || current.length < c.items.length) return {events};
  const loser = isSameItem(winner, a) ? b : a;
  if (winner.entity_type !== loser.entity_type || loser.entity_type === 'turn') {
    return refuseMove(loser.entity_type, 'superseded');
  }
  const then = {
    type: `${loser.entity_type}.supersede`,
    id: loser.id,
    byId: winner.id,
    reason: c.reason,
  };
  return {events, then: [then as Command]};
}

export const conflict: Aggregate<ConflictCommand, ConflictEvent, Conflict> = {
  name: 'conflict',
  columns: ['conflictType', 'status', 'trajectoryId', 'openClaim', 'claimedAt'],
  content: [],
  missing: 'ENTITY_NOT_FOUND',
  needs: (c) => (c.type === 'conflict.create' ? refsOf([c.draft.itemA, c.draft.itemB]) : []),
  decide(c, s, v) {
    if (c.type === 'conflict.create') return decideCreate(c.draft, v);
    if (s === null) return {refuse: 'ENTITY_NOT_FOUND'};
    switch (c.type) {
      case 'conflict.claim':
        if (s.status !== 'detected') return refuseMove(s.status, 'resolving');
        return {events: [{kind: 'conflict.resolving', data: {claimedBy: c.by}}]};
      case 'conflict.resolve':
        return decideResolve(c, s, v);
      case 'conflict.escalate':
        if (s.status !== 'detected' && s.status !== 'resolving') {
          return refuseMove(s.status, 'escalated', s.status === 'escalated' ? ['resolved'] : []);
        }
        return {events: [{kind: 'conflict.escalated', data: {reason: c.reason}}]};
    }
  },
  evolve(s, e) {
    if (e.kind === 'conflict.detected') {
      return {
        ...e.data,
        similarity: null,
        detectedAt: e.at,
        resolvedAt: null,
        status: 'detected',
        resolution: null,
        openClaim: e.data.claimKey,
        claimedBy: null,
        claimedAt: null,
      };
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'conflict.resolving':
        return {...s, status: 'resolving', claimedBy: e.data.claimedBy, claimedAt: e.at};
      case 'conflict.escalated':
        return {...s, status: 'escalated', claimedBy: null, claimedAt: null};
      case 'conflict.resolved':
        return {
          ...s,
          status: 'resolved',
          resolution: e.data.resolution,
          resolvedAt: e.at,
          openClaim: null,
          claimedBy: null,
          claimedAt: null,
        };
      default:
        return s;
    }
  },
};
