/** An agent: the identity of one AI agent inside a tenant, and what it may see and write. */
import type {Id, Micros} from '../../shared/ids.ts';
import type {AgentDraft, AgentState} from '../../shared/wire/agents.ts';
import {by, byId, conflict, type Aggregate, type Decision, type View} from './aggregate.ts';
import {heard, type IntentHeard} from './intent.ts';

export type Agent = AgentState & {
  readonly isDeleted: boolean;
  /** Intents of its own; the newest, which governs it, is the last. */
  readonly intentIds: readonly Id[];
};
type Status = Agent['status'];

type Change = Partial<
  Pick<
    Agent,
    | 'name'
    | 'capabilities'
    | 'memoryAccess'
    | 'team'
    | 'status'
    | 'currentTrajectoryId'
    | 'currentScopeId'
    | 'canDelegateTo'
    | 'reportsTo'
    | 'metadata'
  >
>;

export type AgentCommand =
  | {type: 'agent.register'; id: Id; draft: AgentDraft; ownerPrincipalId: string}
  | {type: 'agent.update'; id: Id; set: Change}
  | {type: 'agent.unregister' | 'agent.revive'; id: Id}
  | {type: 'agent.kill'; id: Id; reason: string | null};

export type AgentEvent =
  | {kind: 'agent.registered'; data: AgentDraft & {ownerPrincipalId: string}}
  | {kind: 'agent.updated'; data: Change}
  | {kind: 'agent.status_changed'; data: {status: Status}}
  | {kind: 'agent.killed'; data: {reason: string | null}}
  | {kind: 'agent.revived' | 'agent.unregistered'; data: Record<string, never>}
  | IntentHeard;

const statusMoves: Readonly<Record<Status, readonly Status[]>> = {
  idle: ['active', 'blocked', 'offline'],
  active: ['idle', 'blocked', 'failed', 'offline'],
  blocked: ['idle', 'active', 'failed', 'offline'],
  failed: ['idle', 'offline'],
  offline: ['idle'],
};

const superviseLimit = 64;

function closesCycle(id: Id, reportsTo: Id, v: View): boolean {
  let next: Id | null = reportsTo;
  for (let step = 0; next !== null && step < superviseLimit; step += 1) {
    if (next === id) return true;
    next = v.row<Agent>('agent', next)?.state.reportsTo ?? null;
  }
  return next !== null;
}

function decideUpdate(id: Id, s: Agent, set: Change, v: View): Decision<AgentEvent> {
  if (set.reportsTo && closesCycle(id, set.reportsTo, v)) {
    return {refuse: 'GATE_REFUSED', why: {reason: 'cycle'}};
  }
  const {status, ...rest} = set;
  const events: AgentEvent[] = [];
  if (status !== undefined && status !== s.status) {
    if (!statusMoves[s.status].includes(status))
      return conflict(s.status, status, statusMoves[s.status]);
    events.push({kind: 'agent.status_changed', data: {status}});
  }
  if (Object.keys(rest).length > 0) events.push({kind: 'agent.updated', data: rest});
  return {events};
}

export const agent: Aggregate<AgentCommand, AgentEvent, Agent> = {
  name: 'agent',
  columns: [
    'externalId',
    'agentType',
    'status',
    'team',
    'currentTrajectoryId',
    'reportsTo',
    'isDeleted',
  ],
  content: [],
  missing: 'AGENT_NOT_FOUND',
  unique: ['externalId'],
  within: {reportsTo: 'agent'},
  needs(c) {
    const stated = c.type === 'agent.register' ? c.draft : c.type === 'agent.update' ? c.set : {};
    const external =
      c.type === 'agent.register' ? [by('agent', 'externalId', c.draft.externalId)] : [];
    return [
      ...external,
      byId('agent', stated.reportsTo),
      byId('trajectory', stated.currentTrajectoryId),
      byId('scope', stated.currentScopeId),
    ];
  },
  decide(c, s, v) {
    if (c.type === 'agent.register') {
      return {
        events: [
          {kind: 'agent.registered', data: {...c.draft, ownerPrincipalId: c.ownerPrincipalId}},
        ],
      };
    }
    if (s === null || s.isDeleted) return {refuse: 'AGENT_NOT_FOUND'};
    switch (c.type) {
      case 'agent.update':
        return decideUpdate(c.id, s, c.set, v);
      case 'agent.unregister':
        if (s.agentType === 'default') return conflict(s.status, 'unregistered');
        return s.status === 'active'
          ? conflict(s.status, 'unregistered')
          : {events: [{kind: 'agent.unregistered', data: {}}]};
      case 'agent.kill':
        return s.killedAt === null
          ? {events: [{kind: 'agent.killed', data: {reason: c.reason}}]}
          : conflict('killed', 'killed');
      case 'agent.revive':
        return s.killedAt === null
          ? conflict(s.status, 'revived')
          : {events: [{kind: 'agent.revived', data: {}}]};
    }
  },
  evolve(s, e) {
    if (e.kind === 'agent.registered') {
      return {
        ...e.data,
        status: 'idle',
        lastHeartbeat: e.at,
        killedAt: null,
        isDeleted: false,
        intentIds: [],
      };
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'agent.updated':
      case 'agent.status_changed':
        return {...s, ...e.data};
      case 'agent.killed':
        return {...s, status: 'offline', killedAt: e.at};
      case 'agent.revived':
        return {...s, status: 'idle', killedAt: null};
      case 'agent.unregistered':
        return {...s, isDeleted: true};
      case 'intent.created':
      case 'intent.retired':
        return {...s, intentIds: heard(s.intentIds, e)};
      default:
        return s;
    }
  },
};

/** Tells whether an agent was killed before a moment and not revived since. */
export const isKilled = (s: {killedAt: Micros | null}): boolean => s.killedAt !== null;
