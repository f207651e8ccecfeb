/** The settings of a tenant in force now, defaults filled in. */
import type {TenantNo} from '../../shared/ids.ts';
import {defaultSettings} from '../../shared/settings.ts';
import type {TenantSettings} from '../domain/aggregate.ts';
import type {Tenant} from '../domain/tenant.ts';
import {loadLedger} from '../ledger/head.ts';
import type {Services} from './services.ts';

/** Reads them from what the lane acknowledged last. */
export async function settingsOf(services: Services, tenantNo: TenantNo): Promise<TenantSettings> {
  const {store, tools, laneOf, reads} = services;
  const {head} = await loadLedger(store, laneOf(tenantNo).memory, tools.hashes, tenantNo);
  const row = await reads.row<Tenant>(tenantNo, 'tenant', head.tenantId);
  return {...defaultSettings, ...row?.state.settings} as TenantSettings;
}
