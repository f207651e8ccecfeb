/** Tenants and their configuration. */
import {z} from 'zod';
import {settingNames} from '../settings.ts';
import {contract, reason} from './contract.ts';
import {tenantStatus} from './enums.ts';
import {listOf, paging, pastReading} from './list.ts';
import {
  changesSomething,
  metadata,
  optional,
  required,
  resource,
  server,
  type Draft,
  type State,
} from './resource.ts';
import {id, int, name, pattern} from './scalar.ts';

const domainName = pattern(
  253,
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  'a DNS name in lower case',
);

const fields = {
  name: required(name(200), 'patch'),
  domain: optional(domainName, 'patch'),
  oidc_organization: optional(name(200), 'patch'),
  status: server(tenantStatus),
  metadata,
};

export const tenant = resource('tenant', 'tenants', fields);
export type TenantDraft = Draft<typeof fields>;
export type TenantState = State<typeof fields>;

const target = {tenant_id: id.read};
const missing = ['TENANT_NOT_FOUND'] as const;
const refused = [
  'TENANT_NOT_FOUND',
  'STATE_CONFLICT',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;

export const tenantsCreate = contract({
  id: 'tenants_create',
  method: 'POST',
  path: '/tenants',
  may: 'operator',
  summary: 'Make a tenant with its ledger, its default agent and its first key, shown once',
  input: tenant.create,
  output: tenant.shown.extend({key: z.string().nullable()}),
  status: 201,
  errors: ['ENTITY_ALREADY_EXISTS'],
});

export const tenantsList = contract({
  id: 'tenants_list',
  method: 'GET',
  path: '/tenants',
  may: 'any',
  summary: "List the caller's tenants",
  input: {limit: paging.limit, offset: paging.offset},
  output: listOf(tenant),
});

export const tenantsGet = contract({
  id: 'tenants_get',
  method: 'GET',
  path: '/tenants/{tenant_id}',
  may: 'tenant:read',
  summary: 'Read a tenant',
  input: {...target, ...pastReading},
  output: tenant.shown,
  errors: ['FORBIDDEN', ...missing],
});

export const tenantsUpdate = contract({
  id: 'tenants_update',
  method: 'PATCH',
  path: '/tenants/{tenant_id}',
  may: 'tenant:admin',
  summary: 'Change a tenant',
  input: {...target, ...tenant.patch},
  check: changesSomething(Object.keys(tenant.patch)),
  output: tenant.shown,
  errors: ['FORBIDDEN', ...refused, 'ENTITY_ALREADY_EXISTS'],
});

const statusChange = <V extends 'suspend' | 'activate' | 'archive'>(
  verb: V,
  summary: string,
  may: 'operator' | 'tenant:admin',
) =>
  contract({
    id: `tenants_${verb}`,
    method: 'POST',
    path: `/tenants/{tenant_id}/${verb}`,
    may,
    summary,
    input: {...target, reason},
    output: tenant.shown,
    errors: ['FORBIDDEN', ...refused],
  });

export const tenantsSuspend = statusChange(
  'suspend',
  'Suspend a tenant: reads go on, writes are refused',
  'operator',
);
export const tenantsActivate = statusChange('activate', 'Activate a suspended tenant', 'operator');
export const tenantsArchive = statusChange(
  'archive',
  'Archive a tenant for good; reads and exports go on',
  'tenant:admin',
);

const settings = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));
const setting = z.union([z.number(), z.string(), z.boolean()]).nullish();

/** Names come from the settings' own table in the core; the values' ranges too. */
const changes = Object.fromEntries(settingNames.map((one) => [one, setting]));

const configuration = z.object({
  config: settings,
  version: int().shown,
  defaults: settings,
  receipt_hash: z.string().optional(),
  _receipt: z.unknown().optional(),
});

export const configGet = contract({
  id: 'config_get',
  method: 'GET',
  path: '/config',
  may: 'tenant:read',
  summary: "The tenant's settings",
  input: pastReading,
  output: configuration,
});

export const configUpdate = contract({
  id: 'config_update',
  method: 'PATCH',
  path: '/config',
  may: 'tenant:admin',
  summary: "Change the tenant's settings; null returns one to its default",
  input: changes,
  check: changesSomething(settingNames),
  output: configuration,
  errors: ['INVALID_RANGE', 'PRECONDITION_FAILED', 'PRECONDITION_REQUIRED', 'FORBIDDEN'],
});

export const configValidate = contract({
  id: 'config_validate',
  method: 'POST',
  path: '/config/validate',
  may: 'tenant:read',
  summary: 'Judge settings without changing any',
  input: changes,
  output: z.object({
    config: settings,
    valid: z.boolean(),
    errors: z.array(z.object({path: z.string(), code: z.string(), message: z.string()})),
  }),
});
