/** Artifacts: extracted outputs that outlive the scope they came from. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {abstractionLevel, artifactType} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  checkProvenance,
  checkValidity,
  contentBody,
  contentFields,
  flatProvenance,
  memoryFields,
  provenance,
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
import {id, int, name, reference, text, time} from './scalar.ts';
import {ttl} from './ttl.ts';

const fields = {
  external_id: optional(name(200)),
  trajectory_id: required(reference),
  scope_id: required(reference),
  artifact_type: required(artifactType, 'patch'),
  name: required(name(255), 'patch'),
  content: required(contentBody(1_048_576), 'patch'),
  media_type: defaulted(text(127), 'text/plain', 'patch'),
  provenance: required(provenance),
  ttl: defaulted(ttl, 'persistent', 'patch'),
  expires_at: serverOptional(time),
  claim_key: optional(text(256), 'patch'),
  claim_value: optional(text(1_024), 'patch'),
  region_id: optional(id),
  superseded_by: serverOptional(id),
  promoted_from: serverOptional(id),
  copied_from: serverOptional(id),
  abstraction_level: server(abstractionLevel),
  token_count: server(int()),
  ...contentFields,
  ...memoryFields,
  metadata,
};

export const artifact = resource('artifact', 'artifacts', fields);
export type ArtifactDraft = Draft<typeof fields>;
export type ArtifactChange = Change<typeof fields>;
export type ArtifactState = State<typeof fields>;

type Sent = Readonly<Record<string, unknown>>;

/** A create's input: its provenance stands in one of two spellings, which `provenanceOf` joins. */
export const artifactInput = {
  ...artifact.create,
  provenance: provenance.read.optional(),
  ...flatProvenance,
};

/** Rules between the members of a new artifact. */
export function checkArtifact(value: Sent, context: z.RefinementCtx): void {
  checkValidity(value, context);
  checkProvenance(value, context);
}

const target = {artifact_id: id.read};
const notHere = ['ARTIFACT_NOT_FOUND'] as const;
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
  'ENTITY_NOT_FOUND',
  'ARTIFACT_NOT_FOUND',
  'NOTE_NOT_FOUND',
  'FORBIDDEN',
  'STATE_CONFLICT',
  'LIMIT_EXCEEDED',
  'ENTITY_ALREADY_EXISTS',
] as const;

export const artifactsCreate = contract({
  id: 'artifacts_create',
  method: 'POST',
  path: '/artifacts',
  may: 'memory:write',
  summary: 'Keep an extracted output',
  input: artifactInput,
  check: checkArtifact,
  output: artifact.shown,
  status: 201,
  limitBytes: contentLimitBytes,
  errors: creating,
});

const filters = {
  artifact_type: anyOf(artifactType),
  claim_key: anyOf(text(256)),
  name: anyOf(text(255)),
  external_id: anyOf(name(200)),
};

export const artifactsList = contract({
  id: 'artifacts_list',
  method: 'GET',
  path: '/artifacts',
  may: 'memory:read',
  summary: 'List artifacts',
  input: {
    ...listing,
    ...validReading,
    ...filters,
    trajectory_id: anyOf(reference),
    scope_id: anyOf(reference),
  },
  output: listOf(artifact),
});

export const trajectoriesListArtifacts = contract({
  id: 'trajectories_list_artifacts',
  method: 'GET',
  path: '/trajectories/{trajectory_id}/artifacts',
  may: 'memory:read',
  summary: 'List the artifacts of a trajectory',
  input: {...listing, ...validReading, ...filters, trajectory_id: reference.read},
  output: listOf(artifact),
  errors: ['TRAJECTORY_NOT_FOUND'],
});

export const scopesListArtifacts = contract({
  id: 'scopes_list_artifacts',
  method: 'GET',
  path: '/scopes/{scope_id}/artifacts',
  may: 'memory:read',
  summary: 'List the artifacts of a scope',
  input: {...listing, ...validReading, ...filters, scope_id: reference.read},
  output: listOf(artifact),
  errors: ['SCOPE_NOT_FOUND'],
});

export const artifactsGet = contract({
  id: 'artifacts_get',
  method: 'GET',
  path: '/artifacts/{artifact_id}',
  may: 'memory:read',
  summary: 'Read an artifact',
  input: {...target, ...pastReading, ...validReading, include: text(200).read.optional()},
  output: artifact.shown,
  errors: notHere,
});

export const artifactsUpdate = contract({
  id: 'artifacts_update',
  method: 'PATCH',
  path: '/artifacts/{artifact_id}',
  may: 'memory:write',
  summary: 'Change an artifact',
  input: {...artifact.patch, ...target},
  check: changesSomething(Object.keys(artifact.patch)),
  output: artifact.shown,
  limitBytes: contentLimitBytes,
  errors: changing,
});

export const artifactsDelete = contract({
  id: 'artifacts_delete',
  method: 'DELETE',
  path: '/artifacts/{artifact_id}',
  may: 'memory:write',
  summary: 'Delete an artifact',
  input: target,
  output: z.null(),
  status: 204,
  errors: changing,
});

/** Members of a create that must be stated: absent where an existing item is named instead. */
const stated = ['trajectory_id', 'scope_id', 'artifact_type', 'name', 'content'] as const;

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
  if (!isNamed) checkArtifact(value, context);
}

export const artifactsSupersede = contract({
  id: 'artifacts_supersede',
  method: 'POST',
  path: '/artifacts/{artifact_id}/supersede',
  may: 'memory:write',
  summary: 'Supersede an artifact by a new one or by one that is there',
  input: {
    ...artifactInput,
    trajectory_id: reference.read.optional(),
    scope_id: reference.read.optional(),
    artifact_type: artifactType.read.optional(),
    name: name(255).read.optional(),
    content: fields.content.read.optional(),
    ...target,
    by_id: id.read.optional(),
    reason: text(500)
      .read.nullish()
      .transform((value) => value ?? null),
  },
  check: checkSuccessor,
  output: artifact.shown,
  limitBytes: contentLimitBytes,
  errors: [...creating, 'GATE_REFUSED'],
});
