/** Locks: leases with a fencing token on one resource, which need not be an entity of ours. */
import {z} from 'zod';
import {isId} from '../ids.ts';
import {contract} from './contract.ts';
import {entityType, lockMode, lockStatus, type ValueOf} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  defaulted,
  metadata,
  optional,
  required,
  resource,
  server,
  type Draft,
  type State,
} from './resource.ts';
import {id, int, text, time, type Scalar} from './scalar.ts';

export type ResourceType = ValueOf<typeof entityType> | 'custom';

const custom = 'custom';

/** The type of what is locked; `custom` for what only its callers know. */
const resourceType: Scalar<ResourceType> = {
  read: z
    .string()
    .transform((value, context) => {
      const known = value.toLowerCase() === custom ? custom : entityType.parse(value);
      if (known !== null) return known;
      refuse(context, 'INVALID_INPUT', 'is neither custom nor an entity type');
      return z.NEVER;
    })
    .meta({enum: [custom, ...entityType.values]}),
  shown: z.enum([custom, ...entityType.values]),
};

const longestMs = 3_600_000;
const resourceId = text(200);
const duration = int(1, longestMs);

const fields = {
  resource_type: defaulted(resourceType, custom),
  resource_id: required(resourceId),
  holder_agent_id: required(id),
  mode: defaulted(lockMode, 'exclusive'),
  timeout_ms: optional(duration),
  acquired_at: server(time),
  expires_at: server(time),
  fencing_token: server(int()),
  status: server(lockStatus),
  metadata,
};

export const lock = resource('lock', 'locks', fields);
export type LockDraft = Draft<typeof fields>;
export type LockState = State<typeof fields>;

const target = {lock_id: id.read};
const missing = ['LOCK_NOT_FOUND'] as const;

type Sent = Readonly<Record<string, unknown>>;

/** A member that older clients spell otherwise is stated in one of its spellings. */
const inOneSpelling =
  (member: string, alias: string) =>
  (value: Sent, context: z.RefinementCtx): void => {
    // One that is no value of its kind has its own fault.
    const isStated = (of: unknown): boolean =>
      typeof of === 'number' || (typeof of === 'string' && isId(of));
    if (isStated(value[member]) && isStated(value[alias]))
      refuse(context, 'INVALID_INPUT', `is stated as ${alias} too`, [member]);
  };

const holderOnce = inOneSpelling('holder_agent_id', 'holder_id');
const timeoutOnce = inOneSpelling('timeout_ms', 'ttl_ms');
const addedOnce = inOneSpelling('additional_ms', 'ttl_ms');

/**
 * Who holds it may be left to the credential: the agent that a key is bound to, or the one that the
 * request names.
 */
export const locksAcquire = contract({
  id: 'locks_acquire',
  method: 'POST',
  path: '/locks/acquire',
  may: 'coordination:write',
  summary: 'Lock a resource, or hold it longer',
  input: {
    ...lock.create,
    holder_agent_id: id.read.nullish(),
    holder_id: id.read.nullish().meta({deprecated: true}),
    ttl_ms: duration.read.nullish().meta({deprecated: true}),
  },
  check: (value, context) => {
    holderOnce(value, context);
    timeoutOnce(value, context);
  },
  output: lock.shown,
  status: 201,
  errors: ['AGENT_NOT_FOUND', 'LOCK_CONFLICT', 'LIMIT_EXCEEDED', 'FORBIDDEN', 'STATE_CONFLICT'],
});

export const locksList = contract({
  id: 'locks_list',
  method: 'GET',
  path: '/locks',
  may: 'coordination:read',
  summary: 'List locks',
  input: {
    ...listing,
    resource_type: anyOf(resourceType),
    resource_id: anyOf(resourceId),
    holder_agent_id: anyOf(id),
    holder_id: anyOf(id),
    status: anyOf(lockStatus),
  },
  output: listOf(lock),
});

export const locksGet = contract({
  id: 'locks_get',
  method: 'GET',
  path: '/locks/{lock_id}',
  may: 'coordination:read',
  summary: 'Read a lock',
  input: {...target, ...pastReading},
  output: lock.shown,
  errors: missing,
});

const ending = ['LOCK_NOT_FOUND', 'LOCK_EXPIRED', 'FORBIDDEN', 'PRECONDITION_FAILED'] as const;

const extending = {
  may: 'coordination:write',
  input: {
    ...target,
    additional_ms: duration.read.nullish(),
    ttl_ms: duration.read.nullish().meta({deprecated: true}),
  },
  check: (value: Sent, context: z.RefinementCtx) => {
    addedOnce(value, context);
    if ((value['additional_ms'] ?? value['ttl_ms'] ?? null) === null) {
      refuse(context, 'MISSING_FIELD', 'is required', ['additional_ms']);
    }
  },
  output: lock.shown,
  errors: [...ending, 'LIMIT_EXCEEDED'],
} as const;

export const locksExtend = contract({
  ...extending,
  id: 'locks_extend',
  method: 'POST',
  path: '/locks/{lock_id}/extend',
  summary: 'Hold a lock longer',
});

/** The form of older clients. */
export const locksUpdate = contract({
  ...extending,
  id: 'locks_update',
  method: 'PATCH',
  path: '/locks/{lock_id}',
  summary: 'Hold a lock longer (the form of older clients)',
});

const releasing = {
  may: 'coordination:write',
  input: {...target, releasing_agent_id: id.read.nullish()},
  errors: ending,
} as const;

export const locksRelease = contract({
  ...releasing,
  id: 'locks_release',
  method: 'POST',
  path: '/locks/{lock_id}/release',
  summary: 'Release a lock',
  output: lock.shown,
});

/** The form of older clients. */
export const locksDelete = contract({
  ...releasing,
  id: 'locks_delete',
  method: 'DELETE',
  path: '/locks/{lock_id}',
  summary: 'Release a lock (the form of older clients)',
  query: ['releasing_agent_id'],
  output: z.null(),
  status: 204,
});
