/** Turns: the messages of a scope. A turn is never edited; a rewind marks what it takes back. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {turnRole} from './enums.ts';
import {refuse} from './issues.ts';
import {listing, listOf, pastReading} from './list.ts';
import {checkValidity, contentFields, memoryFields, validReading} from './memory-item.ts';
import {
  metadata,
  optional,
  required,
  resource,
  server,
  serverOptional,
  type Draft,
  type State,
} from './resource.ts';
import {body, bool, id, int, json, reference, text} from './scalar.ts';

const toolBytes = 262_144;

const fields = {
  scope_id: required(reference),
  sequence: optional(int(1)),
  role: required(turnRole),
  content: required(body(1_048_576)),
  token_count: optional(int(0, 10_000_000)),
  tool_calls: optional(json(toolBytes)),
  tool_results: optional(json(toolBytes)),
  model_id: optional(text(200)),
  superseded: server(bool),
  copied_from: serverOptional(id),
  ...contentFields,
  ...memoryFields,
  metadata,
};

export const turn = resource('turn', 'turns', fields);
export type TurnDraft = Draft<typeof fields>;
export type TurnState = State<typeof fields>;

type Sent = Readonly<Record<string, unknown>>;

/** Rules between the members of a new turn. */
export function checkTurn(value: Sent, context: z.RefinementCtx): void {
  checkValidity(value, context);
  const hasTools = (value['tool_calls'] ?? value['tool_results'] ?? null) !== null;
  if (value['content'] === '' && !hasTools) {
    refuse(context, 'INVALID_RANGE', 'is empty, with neither tool_calls nor tool_results', [
      'content',
    ]);
  }
}

export const turnsCreate = contract({
  id: 'turns_create',
  method: 'POST',
  path: '/turns',
  may: 'memory:write',
  summary: 'Append a turn to a scope',
  input: turn.create,
  check: checkTurn,
  output: turn.shown,
  status: 201,
  limitBytes: contentLimitBytes,
  errors: [
    'SCOPE_NOT_FOUND',
    'ENTITY_NOT_FOUND',
    'STATE_CONFLICT',
    'CONCURRENT_MODIFICATION',
    'FORBIDDEN',
    'LIMIT_EXCEEDED',
  ],
});

export const turnsGet = contract({
  id: 'turns_get',
  method: 'GET',
  path: '/turns/{turn_id}',
  may: 'memory:read',
  summary: 'Read a turn',
  input: {
    turn_id: id.read,
    ...pastReading,
    ...validReading,
    include: text(200).read.optional(),
  },
  output: turn.shown,
  errors: ['ENTITY_NOT_FOUND'],
});

const scopeTarget = {scope_id: reference.read};

export const scopesListTurns = contract({
  id: 'scopes_list_turns',
  method: 'GET',
  path: '/scopes/{scope_id}/turns',
  may: 'memory:read',
  summary: 'List the turns of a scope',
  input: {...listing, ...validReading, ...scopeTarget},
  output: listOf(turn),
  errors: ['SCOPE_NOT_FOUND'],
});

export const trajectoriesListTurns = contract({
  id: 'trajectories_list_turns',
  method: 'GET',
  path: '/trajectories/{trajectory_id}/turns',
  may: 'memory:read',
  summary: 'List the turns of a trajectory over all its scopes, in time order',
  input: {...listing, ...validReading, trajectory_id: reference.read},
  output: listOf(turn),
  errors: ['TRAJECTORY_NOT_FOUND'],
});

const appendMost = 100;
const {scope_id: _, ...appended} = turn.create;

export const scopesRewind = contract({
  id: 'scopes_rewind',
  method: 'POST',
  path: '/scopes/{scope_id}/turns/rewind',
  may: 'memory:write',
  summary: 'Supersede the turns from a sequence on, and append others',
  input: {
    ...scopeTarget,
    from_sequence: int(1).read,
    // `scope_id` may be repeated in an appended turn; the path has the last word.
    append: z
      .array(
        z.strictObject({...appended, scope_id: reference.read.optional()}).superRefine(checkTurn),
      )
      .max(appendMost)
      .default([]),
  },
  output: z.object({
    superseded: z.int(),
    turns: z.array(turn.shown),
    receipt_hash: z.string().optional(),
    _receipt: z.unknown().optional(),
    _warnings: z.array(z.unknown()).optional(),
  }),
  limitBytes: contentLimitBytes,
  errors: ['SCOPE_NOT_FOUND', 'STATE_CONFLICT', 'CONCURRENT_MODIFICATION', 'LIMIT_EXCEEDED'],
});
