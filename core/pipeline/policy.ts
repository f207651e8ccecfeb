/** The effective policy of a unit: what its tenant chose over the defaults, and the hash of it. */
import type {Hex, TenantId} from '../../shared/ids.ts';
import {policyHash} from '../../shared/ledger/facts.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import type {TenantSettings} from '../domain/aggregate.ts';
import {defaultSettings} from '../../shared/settings.ts';
import type {Tenant} from '../domain/tenant.ts';
import {newestRow, type Layer, type Snapshot} from './view.ts';

export type Policy = {readonly settings: TenantSettings; readonly hash: Hex};

// States are immutable, so one hash serves every unit until the tenant's row changes.
const known = new WeakMap<object, Policy>();
const noTenant = {};

/** Settings and their hash as of the newest row of the tenant. */
export function effectivePolicy(
  hashes: Hashes,
  layers: readonly Layer[],
  snapshot: Snapshot,
  tenantId: TenantId,
): Policy {
  const row = newestRow({layers, snapshot}, 'tenant', tenantId);
  const chosen = (row?.state as Tenant | undefined)?.settings ?? noTenant;
  const cached = known.get(chosen);
  if (cached !== undefined) return cached;
  const settings = {...defaultSettings, ...chosen} as TenantSettings;
  const policy = {settings, hash: policyHash(hashes, settings)};
  known.set(chosen, policy);
  return policy;
}
