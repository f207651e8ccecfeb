/** Notes: knowledge that outlives the trajectory it came from. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {abstractionLevel, noteType} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  checkValidity,
  contentBody,
  contentFields,
  memoryFields,
  validReading,
} from './memory-item.ts';
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
import {id, int, list, name, reference, text, time, unit} from './scalar.ts';
import {ttl} from './ttl.ts';

const sourcesMost = 256;

const fields = {
  external_id: optional(name(200)),
  note_type: required(noteType, 'patch'),
  title: required(name(500), 'patch'),
  content: required(contentBody(262_144), 'patch'),
  agent_id: optional(id),
  source_trajectory_ids: defaulted(list(reference, sourcesMost), []),
  source_artifact_ids: defaulted(list(id, sourcesMost), []),
  source_note_ids: defaulted(list(id, sourcesMost), []),
  source_turn_ids: defaulted(list(id, sourcesMost), []),
  scope_id: optional(reference),
  ttl: defaulted(ttl, 'persistent', 'patch'),
  expires_at: serverOptional(time),
  abstraction_level: defaulted(abstractionLevel, 'raw'),
  confidence: optional(unit, 'patch'),
  claim_key: optional(text(256), 'patch'),
  claim_value: optional(text(1_024), 'patch'),
  region_id: optional(id),
  superseded_by: serverOptional(id),
  accessed_at: serverOptional(time),
  access_count: server(int()),
  token_count: server(int()),
  ...contentFields,
  ...memoryFields,
  metadata,
};

export const note = resource('note', 'notes', fields);
export type NoteDraft = Draft<typeof fields>;
export type NoteChange = Change<typeof fields>;
export type NoteState = State<typeof fields>;

const target = {note_id: id.read};
const notHere = ['NOTE_NOT_FOUND'] as const;
const changing = [
  ...notHere,
  'FORBIDDEN',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;
const creating = [
  'TRAJECTORY_NOT_FOUND',
  'SCOPE_NOT_FOUND',
  'AGENT_NOT_FOUND',
  'ENTITY_NOT_FOUND',
  'ARTIFACT_NOT_FOUND',
  'NOTE_NOT_FOUND',
  'FORBIDDEN',
  'STATE_CONFLICT',
  'GATE_REFUSED',
  'LIMIT_EXCEEDED',
  'ENTITY_ALREADY_EXISTS',
] as const;

export const notesCreate = contract({
  id: 'notes_create',
  method: 'POST',
  path: '/notes',
  may: 'memory:write',
  summary: 'Keep a piece of knowledge',
  input: note.create,
  check: checkValidity,
  output: note.shown,
  status: 201,
  limitBytes: contentLimitBytes,
  errors: creating,
});

const filters = {
  note_type: anyOf(noteType),
  agent_id: anyOf(id),
  abstraction_level: anyOf(abstractionLevel),
  claim_key: anyOf(text(256)),
  external_id: anyOf(name(200)),
};

export const notesList = contract({
  id: 'notes_list',
  method: 'GET',
  path: '/notes',
  may: 'memory:read',
  summary: 'List notes',
  input: {
    ...listing,
    ...validReading,
    ...filters,
    source_trajectory_id: anyOf(reference),
    region_id: anyOf(id),
  },
  output: listOf(note),
});

export const trajectoriesListNotes = contract({
  id: 'trajectories_list_notes',
  method: 'GET',
  path: '/trajectories/{trajectory_id}/notes',
  may: 'memory:read',
  summary: 'List the notes that came from a trajectory',
  input: {...listing, ...validReading, ...filters, trajectory_id: reference.read},
  output: listOf(note),
  errors: ['TRAJECTORY_NOT_FOUND'],
});

export const notesGet = contract({
  id: 'notes_get',
  method: 'GET',
  path: '/notes/{note_id}',
  may: 'memory:read',
  summary: 'Read a note',
  input: {...target, ...pastReading, ...validReading, include: text(200).read.optional()},
  output: note.shown,
  errors: notHere,
});

export const notesUpdate = contract({
  id: 'notes_update',
  method: 'PATCH',
  path: '/notes/{note_id}',
  may: 'memory:write',
  summary: 'Change a note',
  input: {...note.patch, ...target},
  check: changesSomething(Object.keys(note.patch)),
  output: note.shown,
  limitBytes: contentLimitBytes,
  errors: changing,
});

export const notesDelete = contract({
  id: 'notes_delete',
  method: 'DELETE',
  path: '/notes/{note_id}',
  may: 'memory:write',
  summary: 'Delete a note',
  input: target,
  output: z.null(),
  status: 204,
  errors: changing,
});

type Sent = Readonly<Record<string, unknown>>;

/** Members of a create that must be stated: absent where an existing item is named instead. */
const stated = ['note_type', 'title', 'content'] as const;

function checkSuccessor(value: Sent, context: z.RefinementCtx): void {
  const isNamed = value['by_id'] !== undefined;
  for (const member of stated) {
    if (isNamed && value[member] !== undefined) {
      refuse(context, 'INVALID_INPUT', 'is not allowed with by_id', [member]);
    }
    if (!isNamed && value[member] === undefined) {
      refuse(context, 'MISSING_FIELD', 'is required without by_id', [member]);
    }
  }
  checkValidity(value, context);
}

export const notesSupersede = contract({
  id: 'notes_supersede',
  method: 'POST',
  path: '/notes/{note_id}/supersede',
  may: 'memory:write',
  summary: 'Supersede a note by a new one or by one that is there',
  input: {
    ...note.create,
    note_type: noteType.read.optional(),
    title: name(500).read.optional(),
    content: fields.content.read.optional(),
    ...target,
    by_id: id.read.optional(),
    reason: text(500)
      .read.nullish()
      .transform((value) => value ?? null),
  },
  check: checkSuccessor,
  output: note.shown,
  limitBytes: contentLimitBytes,
  errors: creating,
});
