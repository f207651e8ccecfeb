/** Trajectories: tasks or goals, which form trees. */
import {z} from 'zod';
import {contract, reason} from './contract.ts';
import {outcomeStatus, trajectoryStatus} from './enums.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  changesSomething,
  metadata,
  optional,
  required,
  resource,
  server,
  serverOptional,
  type Draft,
  type State,
} from './resource.ts';
import {
  body,
  boolText,
  id,
  int,
  json,
  list,
  name,
  reference,
  text,
  time,
  type Scalar,
} from './scalar.ts';

/** How a trajectory ended. Members keep their wire spelling inside, as all values do. */
export type Outcome = {
  status: 'success' | 'partial' | 'failure';
  summary: string;
  produced_artifacts: string[];
  produced_notes: string[];
  promoted_artifacts: string[];
  unpromoted: string[];
  error: unknown;
};

const outcomeShape = {
  status: outcomeStatus.read,
  summary: body(16_384).read.default(''),
  produced_artifacts: list(id, 1_000).read.default([]),
  produced_notes: list(id, 1_000).read.default([]),
  error: json(16_384)
    .read.optional()
    .transform((value) => value ?? null),
};

const outcome: Scalar<Outcome> = {
  read: z.strictObject(outcomeShape).transform((value) => ({
    ...value,
    promoted_artifacts: [],
    unpromoted: [],
  })) as unknown as z.ZodType<Outcome>,
  shown: z.object({
    status: outcomeStatus.shown,
    summary: z.string(),
    produced_artifacts: z.array(z.string()),
    produced_notes: z.array(z.string()),
    promoted_artifacts: z.array(z.string()),
    unpromoted: z.array(z.string()),
    error: z.unknown(),
  }),
  print: (value) => ({...value, status: outcomeStatus.print?.(value.status)}),
  // Its summary is one, and its list of what is missing would tell names.
  isBody: true,
};

const forkedFrom: Scalar<{trajectory_id: string; event_id: string; position: number}> = {
  read: z.never(),
  shown: z.object({trajectory_id: z.string(), event_id: z.string(), position: z.int()}),
};

const fields = {
  external_id: optional(name(200)),
  name: required(name(255), 'patch'),
  description: optional(body(16_384), 'patch'),
  status: server(trajectoryStatus),
  parent_trajectory_id: optional(reference),
  parent_scope_id: optional(reference),
  root_trajectory_id: server(id),
  depth: server(int()),
  agent_id: optional(id),
  subject: optional(text(256)),
  forked_from: serverOptional(forkedFrom),
  outcome: serverOptional(outcome),
  completed_at: serverOptional(time),
  metadata,
};

export const trajectory = resource('trajectory', 'trajectories', fields);
export type TrajectoryDraft = Draft<typeof fields>;
export type TrajectoryState = State<typeof fields>;

const target = {trajectory_id: reference.read};
const missing = ['TRAJECTORY_NOT_FOUND'] as const;
const refused = [
  'TRAJECTORY_NOT_FOUND',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;

export const trajectoriesCreate = contract({
  id: 'trajectories_create',
  method: 'POST',
  path: '/trajectories',
  may: 'memory:write',
  summary: 'Begin a trajectory',
  input: trajectory.create,
  output: trajectory.shown,
  status: 201,
  errors: [
    ...missing,
    'SCOPE_NOT_FOUND',
    'AGENT_NOT_FOUND',
    'STATE_CONFLICT',
    'LIMIT_EXCEEDED',
    'ENTITY_ALREADY_EXISTS',
  ],
});

export const trajectoriesList = contract({
  id: 'trajectories_list',
  method: 'GET',
  path: '/trajectories',
  may: 'memory:read',
  summary: 'List trajectories',
  input: {
    ...listing,
    external_id: anyOf(name(200)),
    status: anyOf(trajectoryStatus),
    agent_id: anyOf(id),
    parent_trajectory_id: anyOf(reference),
    root_trajectory_id: anyOf(reference),
  },
  output: listOf(trajectory),
});

export const trajectoriesGet = contract({
  id: 'trajectories_get',
  method: 'GET',
  path: '/trajectories/{trajectory_id}',
  may: 'memory:read',
  summary: 'Read a trajectory',
  input: {...target, ...pastReading},
  output: trajectory.shown,
  errors: missing,
});

const patchable = Object.keys(trajectory.patch);

export const trajectoriesUpdate = contract({
  id: 'trajectories_update',
  method: 'PATCH',
  path: '/trajectories/{trajectory_id}',
  may: 'memory:write',
  summary: 'Change a trajectory',
  input: {
    ...target,
    ...trajectory.patch,
    status: trajectoryStatus.read.optional(),
    outcome: outcome.read.optional(),
  },
  check: changesSomething([...patchable, 'status']),
  output: trajectory.shown,
  errors: refused,
});

export const trajectoriesDelete = contract({
  id: 'trajectories_delete',
  method: 'DELETE',
  path: '/trajectories/{trajectory_id}',
  may: 'memory:write',
  summary: 'Delete a trajectory',
  input: {...target, cascade: boolText.read.optional()},
  query: ['cascade'],
  output: z.null(),
  status: 204,
  errors: [...refused, 'LIMIT_EXCEEDED'],
});

export const trajectoriesOutcome = contract({
  id: 'trajectories_outcome',
  method: 'POST',
  path: '/trajectories/{trajectory_id}/outcome',
  may: 'memory:write',
  summary: 'End a trajectory with its outcome',
  input: {...target, ...outcomeShape},
  output: trajectory.shown,
  errors: [...refused, 'LIMIT_EXCEEDED'],
});

export const trajectoriesSuspend = contract({
  id: 'trajectories_suspend',
  method: 'POST',
  path: '/trajectories/{trajectory_id}/suspend',
  may: 'memory:write',
  summary: 'Suspend a trajectory',
  input: {...target, reason},
  output: trajectory.shown,
  errors: refused,
});

export const trajectoriesResume = contract({
  id: 'trajectories_resume',
  method: 'POST',
  path: '/trajectories/{trajectory_id}/resume',
  may: 'memory:write',
  summary: 'Resume a suspended trajectory',
  input: {...target, reason},
  output: trajectory.shown,
  errors: refused,
});

export const trajectoriesChildren = contract({
  id: 'trajectories_children',
  method: 'GET',
  path: '/trajectories/{trajectory_id}/children',
  may: 'memory:read',
  summary: 'List the children of a trajectory',
  input: {...target, ...listing, status: anyOf(trajectoryStatus)},
  output: listOf(trajectory),
  errors: missing,
});
