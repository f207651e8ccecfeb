/** Gate 2: the tenant is active and its ledger runs. */
import {isSystem} from '../../domain/actor.ts';
import type {View} from '../../domain/aggregate.ts';
import type {Tenant} from '../../domain/tenant.ts';
import {denyQuietly, pass, type Unit, type Verdict} from './gate.ts';

export function tenantGate(u: Unit, v: View): Verdict {
  if (u.isHalted) {
    return denyQuietly('LEDGER_HALTED', 'the ledger of this tenant has halted; reads go on');
  }
  // The server itself opens tenants, and goes on sweeping those that are suspended.
  if (isSystem(u.actor) || u.actor.scopes.has('operator')) return pass;
  const status = v.row<Tenant>('tenant', v.tenantId)?.state.status ?? 'archived';
  if (status === 'active') return pass;
  return denyQuietly('FORBIDDEN', `the tenant is ${status}`, {reason: status});
}
