/** Search: items by the words they hold, over all kinds of memory or over one. */
import {z} from 'zod';
import {artifact} from './artifacts.ts';
import {contract} from './contract.ts';
import {abstractionLevel, entityType, sourceClass} from './enums.ts';
import {refuse} from './issues.ts';
import {itemTypes, type ItemType} from './memory-item.ts';
import {note} from './notes.ts';
import {id, int, reference, text, time, unit} from './scalar.ts';

const modes = ['auto', 'lexical', 'vector', 'hybrid'] as const;
const widenings = ['superseded', 'invalid'] as const;

/** Kinds of memory; those that are not kept yet are refused by name. */
const itemType = entityType.read.superRefine((value, context) => {
  if ((itemTypes as readonly string[]).includes(value)) return;
  refuse(context, 'INVALID_INPUT', `is none of ${itemTypes.join(', ')}`);
}) as unknown as z.ZodType<ItemType>;

/** What a body may say of the moment it asks about. */
export const pastBody = {
  as_of: time.read.optional(),
  as_of_position: int().read.optional(),
  valid_at: time.read.optional(),
};

const asking = {
  query: text(2_000).read.default(''),
  mode: z.enum(modes).default('auto'),
  limit: int(1, 1_000).read.default(10),
  min_score: unit.read.nullish(),
  trajectory_id: reference.read.nullish(),
  scope_id: reference.read.nullish(),
  agent_id: id.read.nullish(),
  include: z.array(z.enum(widenings)).max(widenings.length).default([]),
  ...pastBody,
};

const found = {
  entity_type: z.enum(itemTypes),
  id: id.shown,
  name: z.string(),
  snippet: z.string(),
  score: z.number(),
  trust: sourceClass.shown,
  state: z.enum(['current', 'superseded', 'invalid']),
  valid_from: time.shown,
  valid_to: time.shown.nullable(),
  source: sourceClass.shown,
  speaker: z.string().nullable(),
  version: z.int(),
  trajectory_id: id.shown.nullable(),
  scope_id: id.shown.nullable(),
};

/** What an answer could not do as it was asked. */
export const remarks = z.array(z.object({code: z.string(), message: z.string()}));

const answer = (more: z.ZodRawShape) =>
  z.object({
    results: z.array(z.object({...found, ...more})),
    total: z.int(),
    total_is_capped: z.boolean(),
    mode: z.enum(modes),
    warnings: remarks,
  });

const missing = ['TRAJECTORY_NOT_FOUND', 'SCOPE_NOT_FOUND', 'AGENT_NOT_FOUND'] as const;

const shared = {method: 'POST', may: 'memory:read', status: 200, errors: missing} as const;
const whole = {abstraction_level: abstractionLevel.shown, created_at: time.shown};

export const searchAll = contract({
  ...shared,
  id: 'search_all',
  path: '/search',
  summary: 'Search turns, artifacts and notes',
  input: {...asking, entity_types: z.array(itemType).min(1).max(itemTypes.length).optional()},
  output: answer({}),
});

export const notesSearch = contract({
  ...shared,
  id: 'notes_search',
  path: '/notes/search',
  summary: 'Search notes',
  input: asking,
  output: answer({note: note.shown, note_id: id.shown, ...whole}),
});

export const artifactsSearch = contract({
  ...shared,
  id: 'artifacts_search',
  path: '/artifacts/search',
  summary: 'Search artifacts',
  input: asking,
  output: answer({artifact: artifact.shown, artifact_id: id.shown, ...whole}),
});
