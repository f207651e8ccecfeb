/** A tenant: one organisation, the isolation boundary, the owner of one ledger. */
import type {Id} from '../../shared/ids.ts';
import type {TenantDraft, TenantState} from '../../shared/wire/tenants.ts';
import {conflict, type Aggregate, type TenantSettings} from './aggregate.ts';
import {heard, type IntentHeard} from './intent.ts';

export type Tenant = TenantState & {
  /** Only what differs from the defaults, so that a later default reaches everybody who chose nothing. */
  readonly settings: Partial<TenantSettings>;
  readonly defaultAgentId: Id | null;
  /** Leases that no event has ended: where there is none, nobody has to ask about locks. */
  readonly heldLocks: number;
  /** Intents that govern every agent without one of its own; the newest is the last. */
  readonly intentIds: readonly Id[];
};

type Change = Partial<Pick<Tenant, 'name' | 'domain' | 'oidcOrganization' | 'metadata'>>;

export type TenantCommand =
  | {type: 'tenant.create'; id: Id; draft: TenantDraft; defaultAgentId: Id}
  | {type: 'tenant.update'; id: Id; set: Change}
  | {type: 'tenant.change_settings'; id: Id; set: Partial<TenantSettings>}
  | {type: 'tenant.suspend' | 'tenant.activate' | 'tenant.archive'; id: Id; reason: string | null};

export type TenantEvent =
  | {kind: 'tenant.created'; data: TenantDraft & {defaultAgentId: Id}}
  | {kind: 'tenant.updated'; data: Change}
  | {kind: 'tenant.settings_changed'; data: {settings: Partial<TenantSettings>}}
  | {
      kind: 'tenant.suspended' | 'tenant.activated' | 'tenant.archived';
      data: {reason: string | null};
    }
  | {kind: 'lock.acquired' | 'lock.released' | 'lock.expired'; data: object}
  | IntentHeard;

const transitions = {
  'tenant.suspend': {to: 'suspended', kind: 'tenant.suspended', from: ['active']},
  'tenant.activate': {to: 'active', kind: 'tenant.activated', from: ['suspended']},
  'tenant.archive': {to: 'archived', kind: 'tenant.archived', from: ['active', 'suspended']},
} as const;

const allowedFrom = (status: Tenant['status']): string[] =>
  Object.values(transitions)
    .filter(({from}) => (from as readonly string[]).includes(status))
    .map(({to}) => to);

export const tenant: Aggregate<TenantCommand, TenantEvent, Tenant> = {
  name: 'tenant',
  columns: ['name', 'domain', 'oidcOrganization', 'status'],
  content: [],
  missing: 'TENANT_NOT_FOUND',
  needs: () => [],
  decide(c, s) {
    if (c.type === 'tenant.create') {
      return {
        events: [{kind: 'tenant.created', data: {...c.draft, defaultAgentId: c.defaultAgentId}}],
      };
    }
    if (s === null) return {refuse: 'TENANT_NOT_FOUND'};
    switch (c.type) {
      case 'tenant.update':
        return {events: [{kind: 'tenant.updated', data: c.set}]};
      case 'tenant.change_settings':
        return {events: [{kind: 'tenant.settings_changed', data: {settings: c.set}}]};
      default: {
        const {to, kind, from} = transitions[c.type];
        if (!(from as readonly string[]).includes(s.status))
          return conflict(s.status, to, allowedFrom(s.status));
        return {events: [{kind, data: {reason: c.reason}}]};
      }
    }
  },
  evolve(s, e) {
    if (e.kind === 'tenant.created') {
      return {...e.data, status: 'active', settings: {}, heldLocks: 0, intentIds: []};
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'tenant.updated':
        return {...s, ...e.data};
      case 'tenant.settings_changed':
        return {...s, settings: {...s.settings, ...e.data.settings}};
      case 'tenant.suspended':
        return {...s, status: 'suspended'};
      case 'tenant.activated':
        return {...s, status: 'active'};
      case 'tenant.archived':
        return {...s, status: 'archived'};
      case 'lock.acquired':
        return {...s, heldLocks: s.heldLocks + 1};
      case 'lock.released':
      case 'lock.expired':
        return {...s, heldLocks: s.heldLocks - 1};
      case 'intent.created':
      case 'intent.retired':
        return e.data.agentId === null ? {...s, intentIds: heard(s.intentIds, e)} : s;
      default:
        return s;
    }
  },
};
