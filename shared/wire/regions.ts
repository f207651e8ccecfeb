/** Regions: memory that several agents share, with rules of its own on who reads and writes it. */
import {z} from 'zod';
import {contract} from './contract.ts';
import {regionType, resolutionStrategy, type ValueOf} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  changesSomething,
  defaulted,
  metadata,
  optional,
  required,
  resource,
  type Change,
  type Draft,
  type State,
} from './resource.ts';
import {bool, id, list, name, type Scalar} from './scalar.ts';

const agentsMost = 256;

/** Strategies that need nobody to decide: a tenant's four, and the one that refuses the later claim. */
const automatic = [
  'last_write_wins',
  'first_write_wins',
  'highest_confidence',
  'escalate',
  'none',
] as const;
export type RegionStrategy = (typeof automatic)[number];

const strategy: Scalar<RegionStrategy> = {
  read: resolutionStrategy.read.superRefine((value, context) => {
    if ((automatic as readonly string[]).includes(value)) return;
    refuse(context, 'INVALID_INPUT', `is none of ${automatic.join(', ')}`);
  }) as unknown as z.ZodType<RegionStrategy>,
  shown: z.enum(automatic),
};

const fields = {
  name: required(name(100), 'patch'),
  region_type: required(regionType),
  owner_agent_id: required(id),
  team: optional(name(64)),
  readers: defaulted(list(id, agentsMost), [], 'patch'),
  writers: defaulted(list(id, agentsMost), [], 'patch'),
  require_lock: defaulted(bool, false, 'patch'),
  version_tracking: defaulted(bool, false, 'patch'),
  conflict_resolution: defaulted(strategy, 'last_write_wins', 'patch'),
  metadata,
};

export const region = resource('region', 'regions', fields);
export type RegionDraft = Draft<typeof fields>;
export type RegionChange = Change<typeof fields>;
export type RegionState = State<typeof fields>;
export type RegionType = ValueOf<typeof regionType>;

const target = {region_id: id.read};
const missing = ['ENTITY_NOT_FOUND'] as const;
const changing = [
  ...missing,
  'AGENT_NOT_FOUND',
  'FORBIDDEN',
  'STATE_CONFLICT',
  'ENTITY_ALREADY_EXISTS',
  'PRECONDITION_FAILED',
  'PRECONDITION_REQUIRED',
] as const;

export const regionsCreate = contract({
  id: 'regions_create',
  method: 'POST',
  path: '/regions',
  may: 'coordination:write',
  summary: 'Make a region',
  input: region.create,
  check: (value, context) => {
    const isOfTeam = value['region_type'] === 'team';
    const hasTeam = (value['team'] ?? null) !== null;
    if (isOfTeam && !hasTeam) refuse(context, 'MISSING_FIELD', 'is needed by type team', ['team']);
    if (!isOfTeam && hasTeam) {
      refuse(context, 'INVALID_INPUT', 'is allowed only with type team', ['team']);
    }
  },
  output: region.shown,
  status: 201,
  errors: ['AGENT_NOT_FOUND', 'FORBIDDEN', 'ENTITY_ALREADY_EXISTS', 'STATE_CONFLICT'],
});

export const regionsList = contract({
  id: 'regions_list',
  method: 'GET',
  path: '/regions',
  may: 'coordination:read',
  summary: 'List regions',
  input: {
    ...listing,
    name: anyOf(name(100)),
    region_type: anyOf(regionType),
    owner_agent_id: anyOf(id),
  },
  output: listOf(region),
});

export const regionsGet = contract({
  id: 'regions_get',
  method: 'GET',
  path: '/regions/{region_id}',
  may: 'coordination:read',
  summary: 'Read a region',
  input: {...target, ...pastReading},
  output: region.shown,
  errors: missing,
});

export const regionsUpdate = contract({
  id: 'regions_update',
  method: 'PATCH',
  path: '/regions/{region_id}',
  may: 'coordination:write',
  summary: 'Change a region',
  input: {...target, ...region.patch},
  check: changesSomething(Object.keys(region.patch)),
  output: region.shown,
  errors: changing,
});

export const regionsDelete = contract({
  id: 'regions_delete',
  method: 'DELETE',
  path: '/regions/{region_id}',
  may: 'coordination:write',
  summary: 'Delete an empty region',
  input: target,
  output: z.null(),
  status: 204,
  errors: changing,
});
