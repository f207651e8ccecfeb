/**
 * What an agent may read and write of memory. One function, so that a gate, a list, a search and an
 * assembly cannot disagree (C-1).
 *
 * An item in a region is under the region's rule and under nothing else. Any other item is under the
 * agent's permissions: one of them must be for its type, fit its owner and equal its members. Who
 * acts for no agent has what the scopes of the credential give, and does not come here.
 */
import type {Id} from '../../shared/ids.ts';
import {canonicalize, type Json} from '../../shared/ledger/canonical.ts';
import type {Permission} from '../../shared/wire/agents.ts';
import {camel} from '../../shared/wire/resource.ts';
import type {Agent} from './agent.ts';
import type {View} from './aggregate.ts';
import type {Region} from './region.ts';
import type {Scope} from './scope.ts';
import type {Trajectory} from './trajectory.ts';

export type Access = 'read' | 'write';

/** Memory that permissions name; what else hangs on memory is under `all`. */
export type Kind = 'turn' | 'artifact' | 'note' | 'working_set' | 'all';

/** The agent that asks. */
export type Asker = {readonly id: Id; readonly state: Pick<Agent, 'memoryAccess' | 'team'>};

export type Item = {
  readonly kind: Kind;
  /** The agent whose it is: that of its trajectory, or of the note itself. Asked where it matters. */
  readonly owner: () => Id | null;
  readonly ownerTeam: () => string | null;
  readonly region: Region | null;
  /** Members, for filters. */
  readonly state: object;
};

/** Tells whether an agent may read or write an item. */
export function mayAccess(asker: Asker, access: Access, item: Item): boolean {
  if (item.region !== null) return regionAdmits(item.region, asker, access);
  return asker.state.memoryAccess[access].some((permission) => permits(permission, asker, item));
}

/** The rule of a region: those it lists, and those its type lets in without being listed. */
export function regionAdmits(region: Region, {id, state}: Asker, access: Access): boolean {
  if (region.ownerAgentId === id || region.writers.includes(id)) return true;
  if (access === 'read' && region.readers.includes(id)) return true;
  switch (region.regionType) {
    case 'private':
      return false;
    case 'team':
      return region.team !== null && region.team === state.team;
    case 'public':
      return access === 'read';
    case 'collaborative':
      return true;
  }
}

function permits(permission: Permission, asker: Asker, item: Item): boolean {
  const isOfKind = permission.memory_type === 'all' || permission.memory_type === item.kind;
  return isOfKind && fits(permission.scope, asker, item) && equals(permission.filter, item.state);
}

function fits(scope: Permission['scope'], asker: Asker, item: Item): boolean {
  if (scope === 'global' || item.owner() === asker.id) return true;
  return scope === 'team' && asker.state.team !== null && item.ownerTeam() === asker.state.team;
}

const folded = (text: string): string => text.toLowerCase().replaceAll(/[_\-\s]/g, '');

/** Members whose wire spelling differs from the one inside by case and dashes alone. */
const spelled: ReadonlySet<string> = new Set([
  'note_type',
  'artifact_type',
  'role',
  'abstraction_level',
  'source_class',
  'trust',
]);

function equals(filter: Permission['filter'], state: object): boolean {
  if (filter === null) return true;
  return Object.entries(filter).every(([member, wanted]) => {
    const value = (state as Readonly<Record<string, unknown>>)[camel(member)] ?? null;
    if (spelled.has(member) && typeof value === 'string' && typeof wanted === 'string') {
      return folded(value) === folded(wanted);
    }
    return canonicalize(value as Json) === canonicalize(wanted as Json);
  });
}

type Owned = {
  readonly agentId?: Id | null;
  readonly scopeId?: Id | null;
  readonly trajectoryId?: Id | null;
};

/**
 * The agent whose an item is: the one it names, else that of the trajectory it stands in, so that a
 * handoff hands on what is inside. Null where a container is not there.
 */
export function ownerOf(v: View, state: object): Id | null {
  const {agentId, scopeId, trajectoryId} = state as Owned;
  if (agentId) return agentId;
  const inside =
    trajectoryId ?? (scopeId ? v.row<Scope>('scope', scopeId)?.state.trajectoryId : null);
  return inside ? (v.row<Trajectory>('trajectory', inside)?.state.agentId ?? null) : null;
}

/** The region an item stands in; null for none. `undefined`: it names one that is not there. */
export function regionOf(v: View, state: object): Region | null | undefined {
  const {regionId} = state as {readonly regionId?: Id | null};
  if (!regionId) return null;
  const found = v.row<Region>('region', regionId)?.state;
  return found === undefined || found.isDeleted ? undefined : found;
}

/** An item as this file judges it; `region` is `regionOf` it. */
export function itemOf(v: View, kind: Kind, state: object, region: Region | null): Item {
  const owner = (): Id | null => ownerOf(v, state);
  const ownerTeam = (): string | null => {
    const id = owner();
    return id === null ? null : (v.row<Agent>('agent', id)?.state.team ?? null);
  };
  return {kind, owner, ownerTeam, region, state};
}
