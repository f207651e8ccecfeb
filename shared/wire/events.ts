/** Events of the ledger, their DAG, and the change feed. */
import {z} from 'zod';
import {contract} from './contract.ts';
import {entityType} from './enums.ts';
import {anyOf} from './list.ts';
import {id, intText, text} from './scalar.ts';

const event = z.object({
  event_id: id.shown,
  kind: z.string(),
  code: z.string(),
  position: z.int(),
  at: z.string(),
  dag: z.string(),
  correlation_id: z.string(),
  trajectory_id: z.string().nullable(),
  entity: z.object({entity_type: z.string(), id: z.string()}).nullable(),
  version: z.int().nullable(),
  actor: z.object({agent: z.string().nullable(), by: z.string()}),
  parents: z.array(z.object({h: z.string(), r: z.string()})),
  gates: z.string(),
  hash_chain: z.object({prev_hash: z.string(), event_hash: z.string(), algorithm: z.string()}),
  payload: z.unknown().optional(),
});

const events = z.object({events: z.array(event), count: z.int(), truncated: z.boolean()});

const depths = {
  min_depth: intText().read.optional(),
  max_depth: intText().read.optional(),
};
const limit = intText(1, 1_000).read.optional();
const target = {event_id: id.read};
const missing = ['ENTITY_NOT_FOUND'] as const;

export const eventsList = contract({
  id: 'events_list',
  method: 'GET',
  path: '/event-dag',
  may: 'ledger:read',
  summary: 'Events in ledger order',
  input: {
    kind: anyOf(text(64)),
    entity_type: anyOf(entityType),
    entity_id: anyOf(id),
    trajectory_id: anyOf(id),
    correlation_id: id.read.optional(),
    actor: anyOf(id),
    ...depths,
    after: intText().read.optional(),
    before: intText().read.optional(),
    limit,
  },
  output: z.object({events: z.array(event), next_after: z.int().nullable()}),
  errors: ['INVALID_INPUT'],
});

export const eventsKinds = contract({
  id: 'events_kinds',
  method: 'GET',
  path: '/event-dag/kinds',
  may: 'any',
  summary: 'Every kind of event with its code',
  output: z.object({
    kinds: z.array(
      z.object({kind: z.string(), code: z.string(), entity_type: z.string().nullable()}),
    ),
  }),
});

export const eventsByKind = contract({
  id: 'events_by_kind',
  method: 'GET',
  path: '/event-dag/by-kind/{kind}',
  may: 'ledger:read',
  summary: 'Events of one kind, newest first; the kind by name or code',
  input: {kind: text(64).read, ...depths, limit},
  output: events,
  errors: ['INVALID_INPUT'],
});

export const eventsByCorrelation = contract({
  id: 'events_by_correlation',
  method: 'GET',
  path: '/event-dag/correlation/{correlation_id}',
  may: 'ledger:read',
  summary: 'Events of one correlation',
  input: {correlation_id: id.read, limit},
  output: events,
});

export const eventsGet = contract({
  id: 'events_get',
  method: 'GET',
  path: '/event-dag/{event_id}',
  may: 'ledger:read',
  summary: 'One event with its payload',
  input: target,
  output: event,
  errors: missing,
});

export const eventsAncestors = contract({
  id: 'events_ancestors',
  method: 'GET',
  path: '/event-dag/{event_id}/ancestors',
  may: 'ledger:read',
  summary: 'What an event follows from, nearest first',
  input: {...target, limit, depth: intText(1, 1_000).read.optional()},
  output: events,
  errors: missing,
});

export const eventsDescendants = contract({
  id: 'events_descendants',
  method: 'GET',
  path: '/event-dag/{event_id}/descendants',
  may: 'ledger:read',
  summary: 'What follows from an event, nearest first',
  input: {...target, limit, depth: intText(1, 1_000).read.optional()},
  output: events,
  errors: missing,
});

export const eventsLca = contract({
  id: 'events_lca',
  method: 'GET',
  path: '/event-dag/{event_id}/lca/{other_event_id}',
  may: 'ledger:read',
  summary: 'The common ancestor of two events with the greatest position',
  input: {...target, other_event_id: id.read, limit},
  output: z.object({
    lca: event.nullable(),
    distance: z.object({a: z.int().nullable(), b: z.int().nullable()}),
    truncated: z.boolean(),
  }),
  errors: missing,
});

const change = z.object({
  change_id: id.shown,
  position: z.int(),
  event_id: id.shown,
  kind: z.string(),
  tenant_id: id.shown,
  entity_type: z.string().nullable(),
  entity_id: z.string().nullable(),
  operation: z.enum(['INSERT', 'UPDATE', 'DELETE']),
  version: z.int().nullable(),
  changed_at: z.string(),
});

export const changesList = contract({
  id: 'changes_list',
  method: 'GET',
  path: '/changes',
  may: 'ledger:read',
  summary: 'Changes after a position, gap-free and in order, each event group whole',
  input: {
    after: intText().read.optional(),
    limit: intText(1, 1_000).read.optional(),
    entity_type: anyOf(entityType),
    kind: anyOf(text(64)),
    wait_ms: intText(0, 30_000).read.optional(),
  },
  output: z.object({changes: z.array(change), watermark: z.int(), has_more: z.boolean()}),
  errors: ['INVALID_RANGE', 'INVALID_INPUT'],
});

export const changesWatermark = contract({
  id: 'changes_watermark',
  method: 'GET',
  path: '/changes/watermark',
  may: 'ledger:read',
  summary: 'Position of the newest change',
  output: z.object({watermark: z.int(), tenant_id: id.shown}),
});

export const changesStream = contract({
  id: 'changes_stream',
  method: 'GET',
  path: '/changes/stream',
  may: 'ledger:read',
  summary: 'Changes as they happen (server-sent events); Last-Event-ID resumes behind a position',
  input: {
    after: intText().read.optional(),
    type: anyOf(text(64)),
    kind: anyOf(text(64)),
    entity_type: anyOf(entityType),
    trajectory_id: anyOf(id),
    agent_id: anyOf(id),
  },
  output: z.string(),
  produces: 'text/event-stream',
  errors: ['INVALID_RANGE', 'INVALID_INPUT'],
});
