/** API keys: credentials of programs. */
import {z} from 'zod';
import {contract, reason, scopes, type Scope} from './contract.ts';
import {apiKeyStatus, sourceClass} from './enums.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  changesSomething,
  defaulted,
  metadata,
  optional,
  required,
  resource,
  server,
  serverOptional,
  type Draft,
  type State,
} from './resource.ts';
import {id, int, list, name, text, time, type Scalar} from './scalar.ts';

const scope: Scalar<Scope> = {read: z.enum(scopes), shown: z.enum(scopes)};

/** What a key may do when its maker says nothing. */
export const defaultScopes: Scope[] = [
  'memory:read',
  'memory:write',
  'agents:read',
  'agents:write',
  'coordination:read',
  'coordination:write',
  'ledger:read',
];

const fields = {
  key_prefix: server(text(12)),
  name: required(name(100), 'patch'),
  scopes: defaulted(list(scope, scopes.length, 1), defaultScopes, 'patch'),
  agent_id: optional(id),
  source_ceiling: defaulted(sourceClass, 'user', 'patch'),
  expires_at: optional(time, 'patch'),
  status: server(apiKeyStatus),
  rotated_to: serverOptional(id),
  last_used_at: serverOptional(time),
  metadata,
};

export const apiKey = resource('api_key', 'api_keys', fields);
export type ApiKeyDraft = Draft<typeof fields>;
export type ApiKeyState = State<typeof fields>;

const target = {api_key_id: id.read};
const missing = ['API_KEY_NOT_FOUND'] as const;
const refused = [
  'API_KEY_NOT_FOUND',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;

/** A key with its text, which is shown once: null in a replay. */
const made = z.object({
  api_key: apiKey.shown,
  key: z.string().nullable(),
  receipt_hash: z.string().optional(),
  _receipt: z.unknown().optional(),
  _warnings: z.array(z.unknown()).optional(),
});

export const apiKeysCreate = contract({
  id: 'api_keys_create',
  method: 'POST',
  path: '/api-keys',
  may: 'tenant:admin',
  summary: 'Make an API key; its text is shown once',
  input: apiKey.create,
  output: made,
  status: 201,
  errors: ['AGENT_NOT_FOUND', 'FORBIDDEN', 'ENTITY_ALREADY_EXISTS'],
});

export const usersMeApiKey = contract({
  id: 'users_me_api_key',
  method: 'POST',
  path: '/users/me/api-key',
  may: 'tenant:admin',
  summary: 'Make an API key with the default scopes',
  input: {name: name(100).read.optional()},
  output: made,
  status: 201,
  errors: ['ENTITY_ALREADY_EXISTS'],
});

export const apiKeysList = contract({
  id: 'api_keys_list',
  method: 'GET',
  path: '/api-keys',
  may: 'tenant:read',
  summary: 'List API keys',
  input: {...listing, status: anyOf(apiKeyStatus)},
  output: listOf(apiKey),
});

export const apiKeysCurrent = contract({
  id: 'api_keys_current',
  method: 'GET',
  path: '/api-keys/current',
  may: 'any',
  summary: 'The API key of this call',
  output: apiKey.shown,
  errors: missing,
});

export const apiKeysGet = contract({
  id: 'api_keys_get',
  method: 'GET',
  path: '/api-keys/{api_key_id}',
  may: 'tenant:read',
  summary: 'Read an API key',
  input: {...target, ...pastReading},
  output: apiKey.shown,
  errors: missing,
});

export const apiKeysUpdate = contract({
  id: 'api_keys_update',
  method: 'PATCH',
  path: '/api-keys/{api_key_id}',
  may: 'tenant:admin',
  summary: 'Change an API key',
  input: {...target, ...apiKey.patch},
  check: changesSomething(Object.keys(apiKey.patch)),
  output: apiKey.shown,
  errors: [...refused, 'FORBIDDEN', 'ENTITY_ALREADY_EXISTS'],
});

export const apiKeysDelete = contract({
  id: 'api_keys_delete',
  method: 'DELETE',
  path: '/api-keys/{api_key_id}',
  may: 'tenant:admin',
  summary: 'Revoke an API key',
  input: target,
  output: z.null(),
  status: 204,
  errors: refused,
});

export const apiKeysRotate = contract({
  id: 'api_keys_rotate',
  method: 'POST',
  path: '/api-keys/{api_key_id}/rotate',
  may: 'any',
  summary:
    'Replace an API key; the old one works for the grace stated. Administrators, or the key itself',
  input: {...target, grace_seconds: int(0, 86_400).read.default(0)},
  output: made.extend({previous: apiKey.shown}),
  status: 201,
  errors: [...refused, 'FORBIDDEN'],
});

export const apiKeysRevoke = contract({
  id: 'api_keys_revoke',
  method: 'POST',
  path: '/api-keys/{api_key_id}/revoke',
  may: 'any',
  summary: 'Revoke an API key. Administrators, or the key itself; a second revoke answers the same',
  input: {...target, reason},
  output: apiKey.shown,
  errors: [...refused, 'FORBIDDEN'],
});

const ofTenant = {tenant_id: id.read};

export const apiKeysAdminList = contract({
  id: 'api_keys_admin_list',
  method: 'GET',
  path: '/api-keys/admin/tenants/{tenant_id}',
  may: 'tenant:admin',
  summary: 'List the API keys of a tenant: its administrators, or an operator',
  input: {...ofTenant, ...listing, status: anyOf(apiKeyStatus)},
  output: listOf(apiKey),
  errors: ['FORBIDDEN', 'TENANT_NOT_FOUND'],
});

export const apiKeysAdminRevoke = contract({
  id: 'api_keys_admin_revoke',
  method: 'POST',
  path: '/api-keys/admin/tenants/{tenant_id}/{api_key_id}/revoke',
  may: 'tenant:admin',
  summary: 'Revoke an API key of a tenant: its administrators, or an operator',
  input: {...ofTenant, ...target, reason},
  output: apiKey.shown,
  errors: [...refused, 'FORBIDDEN', 'TENANT_NOT_FOUND'],
});

export const usersMe = contract({
  id: 'users_me',
  method: 'GET',
  path: '/users/me',
  may: 'any',
  summary: 'Who the credential speaks for',
  output: z.object({
    user_id: z.string().nullable(),
    email: z.string().nullable(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    tenant_id: id.shown,
    memberships: z.array(z.unknown()),
    principal: z.string(),
    scopes: z.array(z.enum(scopes)),
    agent_id: id.shown.nullable(),
  }),
});
