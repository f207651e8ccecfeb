/**
 * An intent: what an agent is there for, and how far it may go.
 *
 * The agent's own intent governs it, else the tenant's default; of several the newest. Agents and
 * tenants keep the ids of theirs as containers do, so that the governing one is found by id.
 *
 * `judgeIntent` is the one judgement: gate 11 and the evaluation that writes nothing both ask it.
 */
import type {Id} from '../../shared/ids.ts';
import type {
  Boundaries,
  IntentChange,
  IntentDraft,
  IntentState,
  Signal,
} from '../../shared/wire/intents.ts';
import {camel} from '../../shared/wire/resource.ts';
import {by, byId, type Aggregate} from './aggregate.ts';

export type Intent = IntentState & {
  /** The name until it is retired: two may not share one. */
  readonly liveName: string | null;
  readonly isDeleted: boolean;
  readonly tenantId: Id;
};

export type IntentCommand =
  | {type: 'intent.create'; id: Id; draft: IntentDraft}
  | {type: 'intent.update'; id: Id; set: IntentChange}
  | {type: 'intent.retire'; id: Id};

export type IntentEvent =
  | {kind: 'intent.created'; data: IntentDraft & {tenantId: Id}}
  | {kind: 'intent.updated'; data: IntentChange}
  | {kind: 'intent.retired'; data: {agentId: Id | null}};

/** What agents and tenants hear of intents. */
export type IntentHeard =
  | {kind: 'intent.created'; data: {agentId: Id | null}}
  | {kind: 'intent.retired'; data: {agentId: Id | null}};

/** Intents that one agent, or a tenant for all of its agents, may have at a time. */
const intentsMost = 256;

/** The ids of the intents that govern the same, newest last, after one came or went. */
export const heard = (ids: readonly Id[], e: IntentHeard & {readonly entity: Id}): readonly Id[] =>
  e.kind === 'intent.created' ? [...ids, e.entity] : ids.filter((id) => id !== e.entity);

type Governed = {readonly intentIds?: readonly Id[]};

/** The id of the intent that governs an agent; null where none does. */
export const governing = (agent: Governed | null, tenant: Governed | null): Id | null =>
  agent?.intentIds?.at(-1) ?? tenant?.intentIds?.at(-1) ?? null;

export const intent: Aggregate<IntentCommand, IntentEvent, Intent> = {
  name: 'intent',
  columns: ['name', 'liveName', 'agentId', 'isDeleted'],
  content: [],
  missing: 'ENTITY_NOT_FOUND',
  unique: ['liveName'],
  within: {tenantId: 'tenant', agentId: 'agent'},
  needs: (c) =>
    c.type === 'intent.create'
      ? [by('intent', 'liveName', c.draft.name), byId('agent', c.draft.agentId)]
      : [],
  decide(c, s, v) {
    if (c.type === 'intent.create') {
      const {agentId} = c.draft;
      const [entity, id] = agentId === null ? ['tenant', v.tenantId] : ['agent', agentId as Id];
      const value = (v.row<Governed>(entity as string, id as Id)?.state.intentIds?.length ?? 0) + 1;
      if (value > intentsMost) {
        return {refuse: 'LIMIT_EXCEEDED', why: {setting: 'intents', limit: intentsMost, value}};
      }
      return {events: [{kind: 'intent.created', data: {...c.draft, tenantId: v.tenantId}}]};
    }
    if (s === null || s.isDeleted) return {refuse: 'ENTITY_NOT_FOUND'};
    if (c.type === 'intent.update') return {events: [{kind: 'intent.updated', data: c.set}]};
    return {events: [{kind: 'intent.retired', data: {agentId: s.agentId as Id | null}}]};
  },
  evolve(s, e) {
    if (e.kind === 'intent.created') {
      return {...e.data, active: true, liveName: e.data.name, isDeleted: false};
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'intent.updated':
        return {...s, ...e.data};
      case 'intent.retired':
        return {...s, active: false, liveName: null, isDeleted: true};
      default:
        return s;
    }
  },
};

/** What is about to happen. */
export type Act = {
  readonly agentId: Id | null;
  readonly kind: string;
  /** Of a note. */
  readonly noteType: string | null;
  /** The agent of the trajectory that the event stands in; null outside of any. */
  readonly trajectoryAgentId: Id | null;
  readonly entity: string | null;
  /** The entity's state after the event. */
  readonly state: object | null;
};

export type Reading = {
  readonly signal: Signal;
  readonly index: number;
  /** Null where the act has no such number. */
  readonly value: number | null;
  readonly isAligned: boolean | null;
};

export type IntentReason =
  | 'denied'
  | 'not_allowed'
  | 'observer'
  | 'recommend_only'
  | 'needs_approval'
  | 'outside_task'
  | 'signal';

export type Judged =
  | {readonly is: 'pass'}
  | {readonly is: 'warn'; readonly reason: 'signal'; readonly reading: Reading}
  | {readonly is: 'deny'; readonly reason: IntentReason; readonly reading: Reading | null};

/** Whether a pattern, in which `*` stands for any text, is the whole of a name. */
export function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

const observing = ['agent.status_changed', 'message.delivered', 'message.acknowledged'];
const consulting = ['message.sent', 'observation.*', 'belief.*', 'learning.*'];
const advice = ['insight', 'hypothesis', 'question', 'observation'];
const collaborating = [
  'turn.*',
  'scope.*',
  'artifact.*',
  'note.*',
  'edge.*',
  'goal.*',
  'plan.*',
  'step.*',
  'action.*',
  'tool.*',
  'working_set.*',
];

const isAmong = (patterns: readonly string[], kind: string): boolean =>
  patterns.some((pattern) => matches(pattern, kind));

const isConsulting = ({kind, noteType}: Act): boolean =>
  isAmong([...observing, ...consulting], kind) ||
  (kind === 'note.created' && advice.includes(noteType ?? ''));

/** Why a level of autonomy does not reach so far; null when it does. */
function overreach(level: Intent['autonomy'], act: Act): IntentReason | null {
  switch (level) {
    case 'observer':
      return isAmong(observing, act.kind) ? null : 'observer';
    case 'consultant':
      return isConsulting(act) ? null : 'recommend_only';
    case 'collaborator': {
      const isDelete = act.kind.endsWith('.deleted');
      if (isConsulting(act) || (isAmong(collaborating, act.kind) && !isDelete)) return null;
      return 'needs_approval';
    }
    case 'operator': {
      // What stands in no trajectory is nobody else's task.
      const isOwn = act.trajectoryAgentId === null || act.trajectoryAgentId === act.agentId;
      return isOwn ? null : 'outside_task';
    }
    case 'approver':
      return null;
  }
}

/** The number a signal looks at in a state; dots lead into objects. */
function numberAt(state: object | null, metric: string): number | null {
  let value: unknown = state;
  metric.split('.').forEach((name, index) => {
    if (typeof value !== 'object' || value === null) value = null;
    else value = (value as Readonly<Record<string, unknown>>)[index === 0 ? camel(name) : name];
  });
  return typeof value === 'number' ? value : null;
}

function isOnTarget(value: number, target: NonNullable<Signal['target']>): boolean {
  if ('above' in target) return value > target.above;
  if ('below' in target) return value < target.below;
  return value >= target.between.min && value <= target.between.max;
}

/** What an intent's signals read in the state after an act. */
export const readingsOf = (of: Pick<Intent, 'signals'>, act: Act): readonly Reading[] =>
  of.signals.map((signal, index) => {
    const {source, metric, target} = signal;
    const isMeasured = source !== null && metric !== null && target !== null;
    const value = isMeasured && source === act.entity ? numberAt(act.state, metric) : null;
    const isAligned = value === null || target === null ? null : isOnTarget(value, target);
    return {signal, index, value, isAligned};
  });

const isDenied = ({deny}: Boundaries, name: string): boolean => deny.includes(`signal:${name}`);

/** What an intent says of an act: boundaries, then autonomy, then signals. */
export function judgeIntent(of: Intent, act: Act): Judged {
  const {allow, deny} = of.boundaries;
  if (isAmong(deny, act.kind)) return {is: 'deny', reason: 'denied', reading: null};
  if (allow.length > 0 && !isAmong(allow, act.kind)) {
    return {is: 'deny', reason: 'not_allowed', reading: null};
  }
  const reason = overreach(of.autonomy, act);
  if (reason !== null) return {is: 'deny', reason, reading: null};
  const off = readingsOf(of, act).filter(({isAligned}) => isAligned === false);
  const denied = off.find(({signal}) => isDenied(of.boundaries, signal.name));
  if (denied !== undefined) return {is: 'deny', reason: 'signal', reading: denied};
  const [reading] = off;
  return reading === undefined ? {is: 'pass'} : {is: 'warn', reason: 'signal', reading};
}
