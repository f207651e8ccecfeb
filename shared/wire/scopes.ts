/** Scopes: context windows with a token budget inside a trajectory, and their saved states. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {itemRef} from './memory-item.ts';
import {
  changesSomething,
  defaulted,
  metadata,
  optional,
  required,
  resource,
  server,
  serverOptional,
  type Change,
  type Draft,
  type State,
} from './resource.ts';
import {
  body,
  bool,
  boolText,
  bytes,
  id,
  int,
  list,
  name,
  reference,
  text,
  time,
  type Scalar,
} from './scalar.ts';

/** The latest saved state of a scope; the state itself is null once the scope has closed. */
export type LatestCheckpoint = {
  readonly context_state: string | null;
  readonly recoverable: boolean;
};

const latestCheckpoint: Scalar<LatestCheckpoint> = {
  read: z.never(),
  shown: z.object({context_state: z.string().nullable(), recoverable: z.boolean()}),
};

const budget = int(1, 10_000_000);
const summariesMost = 1_000;

const fields = {
  external_id: optional(name(200)),
  trajectory_id: required(reference),
  parent_scope_id: optional(reference),
  name: required(name(255), 'patch'),
  purpose: optional(body(4_096), 'patch'),
  token_budget: optional(budget, 'patch'),
  subject: optional(text(256)),
  tokens_used: server(int()),
  is_active: server(bool),
  checkpoint: serverOptional(latestCheckpoint),
  closed_at: serverOptional(time),
  close_summary_ids: server(list(id, summariesMost)),
  turns_kept: server(bool),
  copied_from: serverOptional(id),
  metadata,
};

export const scope = resource('scope', 'scopes', fields);
export type ScopeDraft = Draft<typeof fields>;
export type ScopeChange = Change<typeof fields>;
export type ScopeState = State<typeof fields>;

const stateBytes = 1_048_576;
const contextState: Scalar<string> = {
  ...bytes(stateBytes),
  read: bytes(stateBytes).read.superRefine((value, context) => {
    if (value === '') refuse(context, 'INVALID_RANGE', 'is empty');
  }),
};

const checkpointFields = {
  scope_id: server(id),
  position: server(int()),
  context_state: required(contextState),
  recoverable: defaulted(bool, true),
  artifact_ids: server(list(id, 10_000)),
  note_ids: server(list(id, 10_000)),
  metadata: server({read: z.never(), shown: z.record(z.string(), z.unknown())}),
};

export const scopeCheckpoint = resource(
  'scope_checkpoint',
  'scope_checkpoints',
  checkpointFields,
  'checkpoint_id',
);
export type ScopeCheckpointState = State<typeof checkpointFields>;

const target = {scope_id: reference.read};
const notHere = ['SCOPE_NOT_FOUND'] as const;
const changing = [...notHere, 'PRECONDITION_FAILED', 'STATE_CONFLICT'] as const;

export const scopesCreate = contract({
  id: 'scopes_create',
  method: 'POST',
  path: '/scopes',
  may: 'memory:write',
  summary: 'Open a scope',
  input: scope.create,
  output: scope.shown,
  status: 201,
  errors: [
    'TRAJECTORY_NOT_FOUND',
    'SCOPE_NOT_FOUND',
    'STATE_CONFLICT',
    'LIMIT_EXCEEDED',
    'ENTITY_ALREADY_EXISTS',
  ],
});

export const scopesList = contract({
  id: 'scopes_list',
  method: 'GET',
  path: '/scopes',
  may: 'memory:read',
  summary: 'List scopes',
  input: {
    ...listing,
    trajectory_id: anyOf(reference),
    is_active: boolText.read.optional(),
    external_id: anyOf(name(200)),
  },
  output: listOf(scope),
});

/** A bare array, as older clients read it: the newest scopes, oldest of them first. */
export const trajectoriesListScopes = contract({
  id: 'trajectories_list_scopes',
  method: 'GET',
  path: '/trajectories/{trajectory_id}/scopes',
  may: 'memory:read',
  summary: 'List the scopes of a trajectory',
  input: {...listing, trajectory_id: reference.read, is_active: boolText.read.optional()},
  output: z.array(scope.shown),
  errors: ['TRAJECTORY_NOT_FOUND'],
});

export const scopesGet = contract({
  id: 'scopes_get',
  method: 'GET',
  path: '/scopes/{scope_id}',
  may: 'memory:read',
  summary: 'Read a scope',
  input: {...target, ...pastReading},
  output: scope.shown,
  errors: notHere,
});

export const scopesUpdate = contract({
  id: 'scopes_update',
  method: 'PATCH',
  path: '/scopes/{scope_id}',
  may: 'memory:write',
  summary: 'Change a scope',
  input: {...scope.patch, ...target},
  check: changesSomething(Object.keys(scope.patch)),
  output: scope.shown,
  errors: changing,
});

export const scopesClose = contract({
  id: 'scopes_close',
  method: 'POST',
  path: '/scopes/{scope_id}/close',
  may: 'memory:write',
  summary: 'Close a scope: the content of its turns ends',
  input: {...target, require_extraction: z.boolean().default(false)},
  output: scope.shown.extend({
    released_turns: z.int(),
    expired: z.array(itemRef.shown),
    summaries: z.array(z.string()),
  }),
  errors: changing,
});

export const scopesCheckpoint = contract({
  id: 'scopes_checkpoint',
  method: 'POST',
  path: '/scopes/{scope_id}/checkpoint',
  may: 'memory:write',
  summary: 'Save a state of a scope',
  input: {
    ...target,
    context_state: contextState.read,
    recoverable: z.boolean().default(true),
  },
  output: scope.shown,
  limitBytes: contentLimitBytes,
  errors: changing,
});

export const scopesListCheckpoints = contract({
  id: 'scopes_list_checkpoints',
  method: 'GET',
  path: '/scopes/{scope_id}/checkpoints',
  may: 'memory:read',
  summary: 'List the saved states of a scope',
  input: {...target, ...listing},
  output: listOf(scopeCheckpoint),
  errors: notHere,
});

const checkpointTarget = {scope_checkpoint_id: id.read};

export const scopeCheckpointsGet = contract({
  id: 'scope_checkpoints_get',
  method: 'GET',
  path: '/scope-checkpoints/{scope_checkpoint_id}',
  may: 'memory:read',
  summary: 'Read a saved state of a scope',
  input: {...checkpointTarget, ...pastReading},
  output: scopeCheckpoint.shown,
  errors: ['ENTITY_NOT_FOUND'],
});

export const scopeCheckpointsRestore = contract({
  id: 'scope_checkpoints_restore',
  method: 'POST',
  path: '/scope-checkpoints/{scope_checkpoint_id}/restore',
  may: 'memory:write',
  summary: 'Open a new scope from a saved state',
  input: {...checkpointTarget, name: name(255).read.optional()},
  output: scope.shown,
  status: 201,
  errors: ['ENTITY_NOT_FOUND', 'CONTENT_GONE', 'STATE_CONFLICT', 'LIMIT_EXCEEDED'],
});
