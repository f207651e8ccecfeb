/** Agents. */
import {z} from 'zod';
import {contract, reason} from './contract.ts';
import {agentStatus, memoryType, permissionScope, type ValueOf} from './enums.ts';
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
import {
  boolText,
  id,
  json,
  list,
  name,
  pattern,
  text,
  time,
  type JsonValue,
  type Scalar,
} from './scalar.ts';

export type Permission = {
  memory_type: ValueOf<typeof memoryType>;
  scope: ValueOf<typeof permissionScope>;
  filter: Record<string, JsonValue> | null;
};
export type MemoryAccess = {read: Permission[]; write: Permission[]};

const filterMembers = 8;
const permission = z.strictObject({
  memory_type: memoryType.read,
  scope: permissionScope.read,
  filter: z
    .record(z.string(), json(1_024).read)
    .refine((value) => Object.keys(value).length <= filterMembers)
    .nullish()
    .transform((value) => value ?? null),
});
const printPermission = (one: Permission) => ({
  memory_type: memoryType.print?.(one.memory_type),
  scope: permissionScope.print?.(one.scope),
  filter: one.filter,
});
const shownPermission = z.object({
  memory_type: memoryType.shown,
  scope: permissionScope.shown,
  filter: z.record(z.string(), z.unknown()).nullable(),
});

/** Permissions of one kind may be sent as a list or, as older clients do, as one object. */
const permissions = z
  .union([z.array(permission).max(64), permission.transform((one) => [one])])
  .default([]);

const memoryAccess: Scalar<MemoryAccess> = {
  read: z.union([
    z.strictObject({read: permissions, write: permissions}),
    permission.transform((one) => ({read: [one], write: [one]})),
  ]) as unknown as z.ZodType<MemoryAccess>,
  shown: z.object({read: z.array(shownPermission), write: z.array(shownPermission)}),
  print: (value) => ({
    read: value.read.map(printPermission),
    write: value.write.map(printPermission),
  }),
};

/** What an agent may do with memory when its maker says nothing. */
export const defaultMemoryAccess: MemoryAccess = {
  read: [{memory_type: 'all', scope: 'global', filter: null}],
  write: [{memory_type: 'all', scope: 'own', filter: null}],
};

const fields = {
  external_id: optional(name(200)),
  name: optional(name(200), 'patch'),
  agent_type: required(pattern(64, /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/, 'an agent type')),
  capabilities: defaulted(list(name(64), 64), [], 'patch'),
  memory_access: defaulted(memoryAccess, defaultMemoryAccess, 'patch'),
  team: optional(name(64), 'patch'),
  status: server(agentStatus),
  current_trajectory_id: optional(id, 'patch'),
  current_scope_id: optional(id, 'patch'),
  can_delegate_to: defaulted(list(text(64), 64), [], 'patch'),
  reports_to: optional(id, 'patch'),
  owner_principal_id: server(text(400)),
  last_heartbeat: server(time),
  killed_at: serverOptional(time),
  metadata,
};

export const agent = resource('agent', 'agents', fields);
export type AgentDraft = Draft<typeof fields>;
export type AgentState = State<typeof fields>;

const target = {agent_id: id.read};
const missing = ['AGENT_NOT_FOUND'] as const;
const refused = [
  'AGENT_NOT_FOUND',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;
const named = [
  'AGENT_NOT_FOUND',
  'TRAJECTORY_NOT_FOUND',
  'SCOPE_NOT_FOUND',
  'ENTITY_ALREADY_EXISTS',
] as const;

const register = {
  may: 'agents:write',
  method: 'POST',
  input: agent.create,
  output: agent.shown,
  status: 201,
  errors: named,
} as const;

export const agentsCreate = contract({
  ...register,
  id: 'agents_create',
  path: '/agents',
  summary: 'Register an agent',
});

/** The path of older clients. */
export const agentsRegister = contract({
  ...register,
  id: 'agents_register',
  path: '/agents/register',
  summary: 'Register an agent (the path of older clients)',
});

export const agentsList = contract({
  id: 'agents_list',
  method: 'GET',
  path: '/agents',
  may: 'agents:read',
  summary: 'List agents',
  input: {
    ...listing,
    external_id: anyOf(name(200)),
    agent_type: anyOf(text(64)),
    status: anyOf(agentStatus),
    team: anyOf(text(64)),
    trajectory_id: anyOf(id),
    active_only: boolText.read.optional(),
  },
  output: listOf(agent),
});

export const agentsGet = contract({
  id: 'agents_get',
  method: 'GET',
  path: '/agents/{agent_id}',
  may: 'agents:read',
  summary: 'Read an agent',
  input: {...target, ...pastReading},
  output: agent.shown,
  errors: missing,
});

export const agentsUpdate = contract({
  id: 'agents_update',
  method: 'PATCH',
  path: '/agents/{agent_id}',
  may: 'agents:write',
  summary: 'Change an agent',
  input: {...target, ...agent.patch, status: agentStatus.read.optional()},
  check: changesSomething([...Object.keys(agent.patch), 'status']),
  output: agent.shown,
  errors: [...refused, 'TRAJECTORY_NOT_FOUND', 'SCOPE_NOT_FOUND', 'GATE_REFUSED'],
});

export const agentsDelete = contract({
  id: 'agents_delete',
  method: 'DELETE',
  path: '/agents/{agent_id}',
  may: 'agents:write',
  summary: 'Unregister an agent',
  input: target,
  output: z.null(),
  status: 204,
  errors: refused,
});

export const agentsHeartbeat = contract({
  id: 'agents_heartbeat',
  method: 'POST',
  path: '/agents/{agent_id}/heartbeat',
  may: 'agents:write',
  summary: 'Say that an agent is alive',
  input: target,
  output: z.object({
    agent_id: id.shown,
    status: agentStatus.shown,
    last_heartbeat: time.shown,
    receipt_hash: z.string().optional(),
  }),
  errors: [...missing, 'STATE_CONFLICT'],
});

export const agentsKill = contract({
  id: 'agents_kill',
  method: 'POST',
  path: '/agents/{agent_id}/kill',
  may: 'agents:write',
  summary: 'Stop an agent: it writes nothing until it is revived',
  input: {...target, reason},
  output: agent.shown,
  errors: [...refused, 'FORBIDDEN'],
});

export const agentsRevive = contract({
  id: 'agents_revive',
  method: 'POST',
  path: '/agents/{agent_id}/revive',
  may: 'tenant:admin',
  summary: 'Let a killed agent write again',
  input: target,
  output: agent.shown,
  errors: refused,
});
