/** Context assembly: what a model should know before it answers, inside a budget of tokens. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {trajectoryStatus} from './enums.ts';
import {refuse} from './issues.ts';
import {body, bool, id, int, reference, text, unit} from './scalar.ts';
import {pastBody, remarks} from './search.ts';

const budget = int(256, 1_000_000).read;
const count = int(0, 500).read;
const onByDefault = bool.read.default(true);

/** A member that has one value until others are offered. */
const only = <const T extends string>(value: T) =>
  z
    .string()
    .superRefine((sent, context) => {
      if (sent !== value) refuse(context, 'INVALID_INPUT', `is none of ${value}`);
    })
    .optional()
    .meta({enum: [value]});

type Sent = Readonly<Record<string, unknown>>;

function checkBudget(value: Sent, context: z.RefinementCtx): void {
  if (value['token_budget'] !== undefined && value['max_tokens'] !== undefined) {
    refuse(context, 'INVALID_INPUT', 'is stated twice, as token_budget too', ['max_tokens']);
  }
}

const ref = z.object({
  entity_type: z.enum(['turn', 'artifact', 'note', 'trajectory']),
  id: id.shown,
  version: z.int(),
});

const section = z.enum([
  'system',
  'hierarchy',
  'notes',
  'artifacts',
  'evidence',
  'history',
  'user',
]);

export const contextAssemble = contract({
  id: 'context_assemble',
  method: 'POST',
  path: '/context/assemble',
  may: 'memory:read',
  summary: 'Assemble a context that fits a budget of tokens',
  input: {
    trajectory_id: reference.read,
    scope_id: reference.read.nullish(),
    user_input: body(1_048_576).read.nullish(),
    relevance_query: text(2_000).read.nullish(),
    token_budget: budget.optional(),
    max_tokens: budget.optional().meta({deprecated: true}),
    include_notes: onByDefault,
    include_artifacts: onByDefault,
    include_history: onByDefault,
    include_turns: onByDefault,
    include_hierarchy: bool.read.default(false),
    max_notes: count.default(10),
    max_artifacts: count.default(5),
    max_summaries: count.default(5),
    max_turns: count.default(20),
    max_recalled_turns: count.default(40),
    min_relevance: unit.read.default(0),
    format: only('markdown'),
    layout: only('query_first'),
    ...pastBody,
  },
  check: checkBudget,
  output: z.object({
    context: z.string(),
    token_count: z.int(),
    max_tokens: z.int(),
    truncated: z.boolean(),
    included_sections: z.array(section),
    notes_count: z.int(),
    artifacts_count: z.int(),
    turns_count: z.int(),
    summaries_count: z.int(),
    hierarchy: z.array(
      z.object({trajectory_id: id.shown, name: z.string(), status: trajectoryStatus.shown}),
    ),
    /** The record of the assembly; null where none was made. */
    context_receipt_id: id.shown.nullable(),
    blocks: z.array(
      z.object({
        section,
        text: z.string(),
        token_count: z.int(),
        /** What each number in the text stands for. */
        labels: z.record(z.string(), ref),
      }),
    ),
    tokenizer: z.string(),
    warnings: remarks,
  }),
  limitBytes: contentLimitBytes,
  errors: ['TRAJECTORY_NOT_FOUND', 'SCOPE_NOT_FOUND', 'LIMIT_EXCEEDED', 'STATE_CONFLICT'],
});
