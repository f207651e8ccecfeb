/** Conflicts: two items that cannot both be right, and what was decided about them. */
import {z} from 'zod';
import {contract} from './contract.ts';
import {conflictStatus, conflictType, resolutionStrategy, type ValueOf} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {itemRef, type ItemRef} from './memory-item.ts';
import {
  metadata,
  required,
  resource,
  server,
  serverOptional,
  type Draft,
  type State,
} from './resource.ts';
import {id, reference, text, time, unit, type Scalar} from './scalar.ts';

export type Strategy = ValueOf<typeof resolutionStrategy>;

/** What was decided. Members keep their wire spelling inside, as all values do. */
export type Resolution = {
  readonly strategy: Strategy;
  readonly winner: ItemRef | null;
  readonly merged_result_id: string | null;
  readonly reason: string;
  /** The agent, or the principal where no agent acted. */
  readonly resolved_by: string;
};

const resolution: Scalar<Resolution> = {
  read: z.never(),
  shown: z.object({
    strategy: resolutionStrategy.shown,
    winner: itemRef.shown.nullable(),
    merged_result_id: z.string().nullable(),
    reason: z.string(),
    resolved_by: z.string(),
  }),
};

const fields = {
  conflict_type: required(conflictType),
  item_a: required(itemRef),
  item_b: required(itemRef),
  agent_a_id: serverOptional(id),
  agent_b_id: serverOptional(id),
  trajectory_id: serverOptional(id),
  claim_key: serverOptional(text(256)),
  similarity: serverOptional(unit),
  detected_at: server(time),
  resolved_at: serverOptional(time),
  status: server(conflictStatus),
  resolution: serverOptional(resolution),
  metadata,
};

export const conflict = resource('conflict', 'conflicts', fields);
export type ConflictDraft = Draft<typeof fields>;
export type ConflictState = State<typeof fields>;

const target = {conflict_id: id.read};
const missing = ['ENTITY_NOT_FOUND'] as const;
const changing = [
  ...missing,
  'FORBIDDEN',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;

const isSame = (a: unknown, b: unknown): boolean =>
  JSON.stringify(a) === JSON.stringify(b) && a !== undefined;

export const conflictsCreate = contract({
  id: 'conflicts_create',
  method: 'POST',
  path: '/conflicts',
  may: 'coordination:write',
  summary: 'Report that two items conflict',
  input: conflict.create,
  check: (value, context) => {
    if (isSame(value['item_a'], value['item_b'])) {
      refuse(context, 'INVALID_INPUT', 'is item_a again', ['item_b']);
    }
  },
  output: conflict.shown,
  status: 201,
  errors: ['ENTITY_NOT_FOUND', 'ARTIFACT_NOT_FOUND', 'NOTE_NOT_FOUND', 'STATE_CONFLICT'],
});

export const conflictsList = contract({
  id: 'conflicts_list',
  method: 'GET',
  path: '/conflicts',
  may: 'coordination:read',
  summary: 'List conflicts',
  input: {
    ...listing,
    status: anyOf(conflictStatus),
    conflict_type: anyOf(conflictType),
    trajectory_id: anyOf(reference),
  },
  output: listOf(conflict),
});

export const conflictsGet = contract({
  id: 'conflicts_get',
  method: 'GET',
  path: '/conflicts/{conflict_id}',
  may: 'coordination:read',
  summary: 'Read a conflict',
  input: {...target, ...pastReading},
  output: conflict.shown,
  errors: missing,
});

export const conflictsClaim = contract({
  id: 'conflicts_claim',
  method: 'POST',
  path: '/conflicts/{conflict_id}/claim',
  may: 'coordination:write',
  summary: 'Take a conflict on: its claimer has 15 minutes to resolve it',
  input: target,
  output: conflict.shown,
  errors: changing,
});

/** Resolving by merge comes with the writing of the merged item. */
const byHand = resolutionStrategy.read.superRefine((value, context) => {
  if (value === 'merge') refuse(context, 'INVALID_INPUT', 'merge is not offered yet');
});

export const conflictsResolve = contract({
  id: 'conflicts_resolve',
  method: 'POST',
  path: '/conflicts/{conflict_id}/resolve',
  may: 'coordination:write',
  summary: 'Resolve a conflict',
  input: {
    ...target,
    strategy: byHand,
    winner: itemRef.read.nullish().transform((value) => value ?? null),
    reason: text(1_000).read,
  },
  output: conflict.shown,
  errors: changing,
});

export const conflictsEscalate = contract({
  id: 'conflicts_escalate',
  method: 'POST',
  path: '/conflicts/{conflict_id}/escalate',
  may: 'coordination:write',
  summary: 'Hand a conflict to those above its agents',
  input: {...target, reason: text(1_000).read},
  output: conflict.shown,
  errors: changing,
});
