/**
 * A trajectory: a task or goal. Trajectories form trees; each has a hash chain of its own.
 *
 * Ending a trajectory ends its open scopes in the same event group, so that no scope outlives the
 * task it belongs to.
 */
import type {Id} from '../../shared/ids.ts';
import type {Outcome, TrajectoryDraft, TrajectoryState} from '../../shared/wire/trajectories.ts';
import {
  by,
  byId,
  conflict,
  leavesOf,
  type Aggregate,
  type Command,
  type Decision,
  type View,
} from './aggregate.ts';
import {joinRanges} from './ranges.ts';

export type Trajectory = TrajectoryState & {
  readonly isDeleted: boolean;
  /** Middle number of its events' place in the DAG: counts the forks of its tree. */
  readonly track: number;
  /** Scopes in it that are open, and current notes of which it is the first source. */
  readonly openScopeCount: number;
  readonly noteCount: number;
};

type Made = Omit<TrajectoryDraft, 'agentId'> & {agentId: Id};
type Placed = Made & {rootTrajectoryId: Id; depth: number; track: number};
type Change = Partial<Pick<Trajectory, 'name' | 'description' | 'metadata'>>;

export type TrajectoryCommand =
  | {type: 'trajectory.create'; id: Id; draft: Made}
  | {type: 'trajectory.update'; id: Id; set: Change}
  | {type: 'trajectory.suspend' | 'trajectory.resume'; id: Id; reason: string | null}
  | {type: 'trajectory.end'; id: Id; outcome: Outcome}
  | {type: 'trajectory.delete'; id: Id};

export type TrajectoryEvent =
  | {kind: 'trajectory.created'; data: Placed}
  | {kind: 'trajectory.updated'; data: Change}
  | {kind: 'trajectory.suspended' | 'trajectory.resumed'; data: {reason: string | null}}
  | {kind: 'trajectory.completed' | 'trajectory.failed'; data: {outcome: Outcome}}
  | {kind: 'trajectory.deleted'; data: Record<string, never>}
  | InsideEvent;

/** Events of what is inside, as far as a trajectory counts them. */
type InsideEvent =
  | {kind: 'scope.created' | 'scope.restored' | 'scope.closed' | 'note.created'; data: object}
  | {
      kind: 'note.superseded' | 'note.deleted' | 'note.expired';
      data: {wasCurrent: boolean};
    };

const isOver = (s: Trajectory): boolean => s.status === 'completed' || s.status === 'failed';

/** Transitions of the state machine; completed and failed are terminal. */
const moves: Readonly<Record<Trajectory['status'], readonly Trajectory['status'][]>> = {
  active: ['suspended', 'completed', 'failed'],
  suspended: ['active', 'failed'],
  completed: [],
  failed: [],
};

function decideCreate(c: {id: Id; draft: Made}, v: View): Decision<TrajectoryEvent> {
  const {parentTrajectoryId} = c.draft;
  const parent =
    parentTrajectoryId === null ? null : v.row<Trajectory>('trajectory', parentTrajectoryId);
  if (parent !== null && isOver(parent.state)) return conflict(parent.state.status, 'child');
  const place =
    parent === null
      ? {rootTrajectoryId: c.id, depth: 0, track: 0}
      : {
          rootTrajectoryId: parent.state.rootTrajectoryId,
          depth: parent.state.depth + 1,
          track: parent.state.track,
        };
  return {events: [{kind: 'trajectory.created', data: {...c.draft, ...place}}]};
}

function decideEnd(
  c: {id: Id; outcome: Outcome},
  s: Trajectory,
  v: View,
): Decision<TrajectoryEvent> {
  const to = c.outcome.status === 'failure' ? 'failed' : 'completed';
  if (!moves[s.status].includes(to)) return conflict(s.status, to, moves[s.status]);
  const open = v.rows<unknown>('scope', 'openIn', c.id);
  const then: Command[] = open.map((scope) => ({type: 'scope.close', id: scope.id}));
  const ends = joinRanges(
    v.leaves('artifact', 'expiresWith', c.id),
    v.leaves('note', 'expiresWith', c.id),
  );
  return {events: [{kind: `trajectory.${to}`, data: {outcome: c.outcome}, ends}], then};
}

function decideDelete(id: Id, v: View): Decision<TrajectoryEvent> {
  const children = v
    .rows<Trajectory>('trajectory', 'parentTrajectoryId', id)
    .filter(({state}) => !state.isDeleted);
  if (children.length > 0) return conflict('has_children', 'deleted');
  if (v.rows('scope', 'openIn', id).length > 0) return conflict('has_open_scopes', 'deleted');
  const ends = joinRanges(
    v.leaves('turn', 'trajectoryId', id),
    v.leaves('artifact', 'trajectoryId', id),
    // Notes survive, but for those that live for the session.
    v.leaves('note', 'expiresWith', id),
  );
  return {events: [{kind: 'trajectory.deleted', data: {}, ends}]};
}

export const trajectory: Aggregate<TrajectoryCommand, TrajectoryEvent, Trajectory> = {
  name: 'trajectory',
  columns: [
    'externalId',
    'name',
    'status',
    'parentTrajectoryId',
    'rootTrajectoryId',
    'agentId',
    'isDeleted',
  ],
  content: [],
  missing: 'TRAJECTORY_NOT_FOUND',
  unique: ['externalId'],
  within: {agentId: 'agent'},
  chain: (_, id) => id,
  needs(c) {
    switch (c.type) {
      case 'trajectory.create':
        return [
          byId('trajectory', c.draft.parentTrajectoryId),
          byId('scope', c.draft.parentScopeId),
          byId('agent', c.draft.agentId),
          by('trajectory', 'externalId', c.draft.externalId),
        ];
      case 'trajectory.end':
        return [
          by('scope', 'openIn', c.id),
          leavesOf('artifact', 'expiresWith', c.id),
          leavesOf('note', 'expiresWith', c.id),
          byId('artifact', ...c.outcome.produced_artifacts),
          byId('note', ...c.outcome.produced_notes),
        ];
      case 'trajectory.delete':
        return [
          by('trajectory', 'parentTrajectoryId', c.id),
          by('scope', 'openIn', c.id),
          leavesOf('turn', 'trajectoryId', c.id),
          leavesOf('artifact', 'trajectoryId', c.id),
          leavesOf('note', 'expiresWith', c.id),
        ];
      default:
        return [];
    }
  },
  decide(c, s, v) {
    if (c.type === 'trajectory.create') return decideCreate(c, v);
    if (s === null || s.isDeleted) return {refuse: 'TRAJECTORY_NOT_FOUND'};
    switch (c.type) {
      case 'trajectory.update':
        return {events: [{kind: 'trajectory.updated', data: c.set}]};
      case 'trajectory.suspend':
        if (s.status !== 'active') return conflict(s.status, 'suspended', moves[s.status]);
        return {events: [{kind: 'trajectory.suspended', data: {reason: c.reason}}]};
      case 'trajectory.resume':
        if (s.status !== 'suspended') return conflict(s.status, 'active', moves[s.status]);
        return {events: [{kind: 'trajectory.resumed', data: {reason: c.reason}}]};
      case 'trajectory.end':
        return decideEnd(c, s, v);
      case 'trajectory.delete':
        return decideDelete(c.id, v);
    }
  },
  evolve(s, e) {
    if (e.kind === 'trajectory.created') {
      const {rootTrajectoryId, depth, track, ...draft} = e.data;
      const fixed = {
        rootTrajectoryId,
        depth,
        track,
        forkedFrom: null,
        outcome: null,
        completedAt: null,
        openScopeCount: 0,
        noteCount: 0,
      };
      return {...draft, ...fixed, status: 'active', isDeleted: false};
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'trajectory.updated':
        return {...s, ...e.data};
      case 'trajectory.suspended':
        return {...s, status: 'suspended'};
      case 'trajectory.resumed':
        return {...s, status: 'active'};
      case 'trajectory.completed':
      case 'trajectory.failed':
        return {
          ...s,
          status: e.kind === 'trajectory.failed' ? 'failed' : 'completed',
          outcome: e.data.outcome,
          completedAt: e.at,
        };
      case 'trajectory.deleted':
        return {...s, isDeleted: true};
      case 'scope.created':
      case 'scope.restored':
        return {...s, openScopeCount: s.openScopeCount + 1};
      case 'scope.closed':
        return {...s, openScopeCount: s.openScopeCount - 1};
      case 'note.created':
        return {...s, noteCount: s.noteCount + 1};
      case 'note.superseded':
      case 'note.deleted':
      case 'note.expired':
        return e.data.wasCurrent ? {...s, noteCount: s.noteCount - 1} : s;
      default:
        return s;
    }
  },
};
