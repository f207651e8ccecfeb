/**
 * A scope: a context window with a token budget inside a trajectory.
 *
 * Its turns, artifacts and notes tell it of their events, so it counts what it holds without being
 * asked, and its next sequence is known without reading a turn. Closing it ends the content of its
 * turns by one event, however many there are; what that means for each is read off the scope.
 *
 * A saved state has no row of its own. It is the content of its `scope.checkpointed` event, the
 * scope keeps the leaves of those that are retained, and the event's id is the saved state's id: a
 * mebibyte of state would otherwise be written again with each turn that moves a counter.
 */
import type {Id} from '../../shared/ids.ts';
import type {ScopeChange, ScopeDraft, ScopeState} from '../../shared/wire/scopes.ts';
import {
  by,
  byId,
  conflict,
  leavesOf,
  type Aggregate,
  type Decision,
  type Refusal,
  type View,
} from './aggregate.ts';
import {joinRanges} from './ranges.ts';
import {decideRewind, mergeRewound, type Rewind, type Rewound} from './rewind.ts';
import {numberSetting} from '../../shared/settings.ts';
import type {Trajectory} from './trajectory.ts';

export type Scope = Omit<
  ScopeState,
  'trajectoryId' | 'parentScopeId' | 'tokenBudget' | 'checkpoint'
> & {
  readonly trajectoryId: Id;
  readonly parentScopeId: Id | null;
  readonly tokenBudget: number;
  /** The trajectory while the scope is open: how its end finds the scopes that are left. */
  readonly openIn: Id | null;
  /** 0 before the first turn; never falls, so that a sequence is not given twice. */
  readonly lastSequence: number;
  /** All turns, those that were rewound among them. */
  readonly turnCount: number;
  readonly rewoundCount: number;
  /** Sequences that were rewound, as ascending inclusive ranges. */
  readonly rewound: readonly (readonly [from: number, to: number])[];
  /** Artifacts and notes in it that are current. */
  readonly artifactCount: number;
  readonly noteCount: number;
  /** Saved states that are retained, oldest first. */
  readonly checkpoints: readonly {readonly leaf: number; readonly recoverable: boolean}[];
  /** Content of events alone: never a member of the state. */
  readonly contextState?: never;
};

/**
 * What a create brings. The use case has resolved both references, and given `externalId` where an
 * older client names it in the metadata.
 */
export type ScopeMade = Omit<ScopeDraft, 'trajectoryId' | 'parentScopeId'> & {
  readonly trajectoryId: Id;
  readonly parentScopeId: Id | null;
};

type Placed = Omit<ScopeMade, 'tokenBudget'> & {readonly tokenBudget: number};

export type ScopeCommand =
  | {type: 'scope.create'; id: Id; draft: ScopeMade}
  | {type: 'scope.update'; id: Id; set: ScopeChange}
  /** `summaryIds`: notes that commands before this one in the unit make of the scope. */
  | {type: 'scope.close'; id: Id; requireExtraction?: boolean; summaryIds?: readonly Id[]}
  | {type: 'scope.checkpoint'; id: Id; contextState: string; recoverable: boolean}
  /** `from` is the scope and the leaf of the saved state whose text the use case has read. */
  | {
      type: 'scope.restore';
      id: Id;
      draft: ScopeMade;
      from: {readonly scopeId: Id; readonly leaf: number};
      contextState: string;
    }
  | Rewind;

type Closed = {turnsKept: boolean; releasedTurns: number; summaryIds: readonly Id[]};
type Restored = Placed & {contextState: string; restoredFrom: {scope_id: Id; position: number}};

export type ScopeEvent =
  | {kind: 'scope.created'; data: Placed}
  | {kind: 'scope.updated'; data: ScopeChange}
  | {kind: 'scope.closed'; data: Closed}
  /** `dropped`: how many of the oldest saved states this one pushed out. */
  | {
      kind: 'scope.checkpointed';
      data: {contextState: string; recoverable: boolean; dropped: number};
    }
  | {kind: 'scope.restored'; data: Restored}
  | {kind: 'turn.rewound'; data: Rewound}
  | InsideEvent;

/** Events of what is inside, as far as a scope counts them. */
type InsideEvent =
  | {kind: 'turn.created'; data: {sequence: number; tokenCount: number}}
  | {kind: 'artifact.created' | 'note.created'; data: object}
  | {
      kind: `${'artifact' | 'note'}.${'superseded' | 'deleted' | 'expired'}`;
      data: {wasCurrent: boolean};
    };

function placed(draft: ScopeMade, v: View): Placed | Refusal {
  const trajectory = v.row<Trajectory>('trajectory', draft.trajectoryId);
  if (trajectory === null) return {refuse: 'TRAJECTORY_NOT_FOUND'};
  const {status, subject} = trajectory.state;
  if (status !== 'active') return {refuse: 'STATE_CONFLICT', why: {reason: 'trajectory', status}};
  const {parentScopeId} = draft;
  const parent = parentScopeId === null ? null : v.row<Scope>('scope', parentScopeId);
  if (parent !== null && parent.state.openIn !== draft.trajectoryId) {
    const reason = parent.state.isActive ? 'other_trajectory' : 'scope_closed';
    return {refuse: 'STATE_CONFLICT', why: {reason, field: 'parent_scope_id'}};
  }
  return {
    ...draft,
    tokenBudget: draft.tokenBudget ?? numberSetting(v.settings, 'default_token_budget'),
    subject: draft.subject ?? subject,
  };
}

function decideRestore(
  c: Extract<ScopeCommand, {type: 'scope.restore'}>,
  v: View,
): Decision<ScopeEvent> {
  const {scopeId, leaf} = c.from;
  const origin = v.row<Scope>('scope', scopeId)?.state;
  const point = origin?.isActive === true && origin.checkpoints.find((one) => one.leaf === leaf);
  if (!point) return {refuse: 'CONTENT_GONE'};
  if (!point.recoverable) return conflict('unrecoverable', 'restored');
  const place = placed(c.draft, v);
  if ('refuse' in place) return place;
  const restoredFrom = {scope_id: scopeId, position: leaf};
  const data = {...place, contextState: c.contextState, restoredFrom};
  return {events: [{kind: 'scope.restored', data}]};
}

function decideClose(
  c: Extract<ScopeCommand, {type: 'scope.close'}>,
  s: Scope,
  v: View,
): Decision<ScopeEvent> {
  if (!s.isActive) return conflict('closed', 'closed');
  const {requireExtraction = false, summaryIds = []} = c;
  const extracted = s.artifactCount + s.noteCount + summaryIds.length;
  if (requireExtraction && s.turnCount > s.rewoundCount && extracted === 0) {
    return {refuse: 'STATE_CONFLICT', why: {reason: 'nothing_extracted'}};
  }
  const turnsKept = v.settings['turn_retention'] === 'keep';
  const ends = joinRanges(
    turnsKept ? [] : v.leaves('turn', 'scopeId', c.id),
    v.leaves('artifact', 'expiresWith', c.id),
    v.leaves('note', 'expiresWith', c.id),
    s.checkpoints.map(({leaf}) => [leaf, leaf] as const),
  );
  const data = {turnsKept, releasedTurns: turnsKept ? 0 : s.turnCount, summaryIds};
  return {events: [{kind: 'scope.closed', data, ends}]};
}

function decideCheckpoint(
  c: Extract<ScopeCommand, {type: 'scope.checkpoint'}>,
  s: Scope,
  v: View,
): Decision<ScopeEvent> {
  if (!s.isActive) return conflict('closed', 'checkpointed');
  const kept = numberSetting(v.settings, 'max_scope_checkpoints');
  const dropped = Math.max(0, s.checkpoints.length + 1 - kept);
  const ends = joinRanges(s.checkpoints.slice(0, dropped).map(({leaf}) => [leaf, leaf] as const));
  const data = {contextState: c.contextState, recoverable: c.recoverable, dropped};
  return {events: [{kind: 'scope.checkpointed', data, ends}]};
}

/** Tokens of a budget have a default that is the tenant's, so clearing it is not setting null. */
function decideUpdate(set: ScopeChange, v: View): Decision<ScopeEvent> {
  const isCleared = set.tokenBudget === null;
  const tokenBudget = numberSetting(v.settings, 'default_token_budget');
  return {events: [{kind: 'scope.updated', data: isCleared ? {...set, tokenBudget} : set}]};
}

const opened = ({...data}: Placed): Scope => ({
  ...data,
  openIn: data.trajectoryId,
  isActive: true,
  tokensUsed: 0,
  lastSequence: 0,
  turnCount: 0,
  rewoundCount: 0,
  rewound: [],
  artifactCount: 0,
  noteCount: 0,
  checkpoints: [],
  closedAt: null,
  closeSummaryIds: [],
  turnsKept: false,
  copiedFrom: null,
});

const count = (s: Scope, kind: string, by: number): Scope =>
  kind.startsWith('artifact.')
    ? {...s, artifactCount: s.artifactCount + by}
    : {...s, noteCount: s.noteCount + by};

export const scope: Aggregate<ScopeCommand, ScopeEvent, Scope> = {
  name: 'scope',
  columns: ['externalId', 'trajectoryId', 'openIn', 'isActive', 'parentScopeId'],
  content: ['contextState'],
  missing: 'SCOPE_NOT_FOUND',
  unique: ['externalId'],
  within: {trajectoryId: 'trajectory'},
  chain: (s) => s.trajectoryId,
  needs(c) {
    switch (c.type) {
      case 'scope.create':
      case 'scope.restore':
        return [
          byId('trajectory', c.draft.trajectoryId),
          byId('scope', c.draft.parentScopeId, c.type === 'scope.restore' ? c.from.scopeId : null),
          by('scope', 'externalId', c.draft.externalId),
        ];
      case 'scope.close':
        return [
          leavesOf('turn', 'scopeId', c.id),
          leavesOf('artifact', 'expiresWith', c.id),
          leavesOf('note', 'expiresWith', c.id),
        ];
      default:
        return [];
    }
  },
  decide(c, s, v) {
    if (c.type === 'scope.create') {
      const data = placed(c.draft, v);
      return 'refuse' in data ? data : {events: [{kind: 'scope.created', data}]};
    }
    if (c.type === 'scope.restore') return decideRestore(c, v);
    if (s === null) return {refuse: 'SCOPE_NOT_FOUND'};
    switch (c.type) {
      case 'scope.update':
        return decideUpdate(c.set, v);
      case 'scope.close':
        return decideClose(c, s, v);
      case 'scope.checkpoint':
        return decideCheckpoint(c, s, v);
      case 'scope.rewind':
        return decideRewind(c, s, v.row('scope', c.id)?.version ?? 0);
    }
  },
  evolve(s, e) {
    if (e.kind === 'scope.created') return opened(e.data);
    if (e.kind === 'scope.restored') {
      const {contextState: _, restoredFrom: __, ...data} = e.data;
      return {...opened(data), checkpoints: [{leaf: e.leaf, recoverable: true}]};
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'scope.updated':
        return {...s, ...e.data, tokenBudget: e.data.tokenBudget ?? s.tokenBudget};
      case 'scope.closed':
        return {
          ...s,
          isActive: false,
          openIn: null,
          closedAt: e.at,
          closeSummaryIds: [...e.data.summaryIds],
          turnsKept: e.data.turnsKept,
        };
      case 'scope.checkpointed': {
        const kept = s.checkpoints.slice(e.data.dropped);
        return {...s, checkpoints: [...kept, {leaf: e.leaf, recoverable: e.data.recoverable}]};
      }
      case 'turn.rewound':
        return {
          ...s,
          rewound: mergeRewound(s.rewound, e.data.fromSequence, e.data.toSequence),
          rewoundCount: s.rewoundCount + e.data.superseded,
          tokensUsed: e.data.tokensUsed,
        };
      case 'turn.created':
        return {
          ...s,
          lastSequence: e.data.sequence,
          turnCount: s.turnCount + 1,
          tokensUsed: s.tokensUsed + e.data.tokenCount,
        };
      case 'artifact.created':
      case 'note.created':
        return count(s, e.kind, 1);
      case 'artifact.superseded':
      case 'artifact.deleted':
      case 'artifact.expired':
      case 'note.superseded':
      case 'note.deleted':
      case 'note.expired':
        return e.data.wasCurrent ? count(s, e.kind, -1) : s;
      default:
        return s;
    }
  },
};
