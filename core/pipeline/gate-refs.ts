/**
 * What gates must see besides what a command needs: leases, regions, rival claims, intents.
 *
 * Nothing here decides anything. What is left out is found missing by the view and loaded by the next
 * try, so a hint that is out of date (that nobody held a lease) costs a try and never a wrong answer.
 * An ordinary write of a hot row asks for nothing: regions and intents are rows by id, and leases are
 * asked for only where the tenant has some.
 */
import type {Id} from '../../shared/ids.ts';
import type {Agent} from '../domain/agent.ts';
import type {Command, Ref} from '../domain/aggregate.ts';
import {aggregateOf} from '../domain/aggregates.ts';
import {governing} from '../domain/intent.ts';
import {resourceOf} from '../domain/lock.ts';
import {refsOf} from '../domain/memory-item.ts';
import type {Region} from '../domain/region.ts';
import type {Tenant} from '../domain/tenant.ts';
import type {ItemRef} from '../../shared/wire/memory-item.ts';
import {recallRow, type Memory} from '../ledger/memory.ts';
import {refKey} from '../store/store.ts';
import type {Wish} from './unit-run.ts';
import {rowKey, type Snapshot} from './view.ts';

type Wanted = Omit<Wish, 'snapshot'>;
type Loaded = Pick<Snapshot, 'rows' | 'found'>;
type Stated = {readonly claimKey?: string | null; readonly regionId?: Id | null};

/** Members whose change makes another claim. */
const claiming = ['claimKey', 'claimValue', 'content', 'validFrom', 'validTo'];

const one = (entity: string, column: string, value: string): Ref => ({
  entity,
  column,
  values: [value],
});

/** Leases that may guard a row. */
const leasesOn = (entity: string, id: string): Ref => one('lock', 'heldOn', resourceOf(entity, id));

/** Items that may claim otherwise, and conflicts that are open about the claim. */
const claimRefs = (entity: string, key: string): readonly Ref[] => [
  one(entity, 'claimKey', key),
  one('conflict', 'openClaim', key),
];

const isItem = (entity: string): boolean => entity === 'note' || entity === 'artifact';

/** What the commands and the call say by themselves. */
export function gateRefs(wish: Wanted, memory: Memory): readonly Ref[] {
  const {actor, call, commands, tenantNo} = wish;
  const tenant = recallRow(memory, tenantNo, rowKey('tenant', actor.tenantId));
  // Of a tenant that is not at hand the row is asked of SQL, and its leases along with it.
  const mayBeLocked = tenant === undefined || (tenant.state as Tenant).heldLocks > 0;
  const {fencing} = call;
  return [
    ...(fencing === null ? [] : [one('lock', 'id', fencing.lockId)]),
    ...commands.flatMap((command) => refsOfCommand(command, mayBeLocked)),
  ];
}

function refsOfCommand(command: Command, mayBeLocked: boolean): readonly Ref[] {
  const aggregate = aggregateOf(command);
  if (aggregate === undefined) return [];
  const {
    draft,
    set,
    items = [],
  } = command as {
    draft?: Stated;
    set?: Stated;
    items?: readonly ItemRef[];
  };
  const isLockable =
    draft === undefined && aggregate.columns.length > 0 && aggregate.name !== 'lock';
  const refs: Ref[] = [...refsOf(items)];
  if (mayBeLocked && isLockable) refs.push(leasesOn(aggregate.name, command.id));
  if (mayBeLocked) refs.push(...items.map(({entity_type: type, id}) => leasesOn(type, id)));
  for (const {claimKey, regionId} of [draft ?? {}, set ?? {}]) {
    if (regionId) refs.push(one('region', 'id', regionId));
    if (claimKey && isItem(aggregate.name)) refs.push(...claimRefs(aggregate.name, claimKey));
  }
  return refs;
}

/** What the rows loaded for `refs` lead to. */
export function followingRefs(wish: Wanted, loaded: Loaded, refs: readonly Ref[]): readonly Ref[] {
  const tenant = stateOf<Tenant>(loaded, 'tenant', wish.actor.tenantId);
  const isLocking = (tenant?.heldLocks ?? 0) > 0;
  const next = [...intentRefs(wish, loaded, tenant)];
  for (const ref of refs) {
    if (ref.leaves === true) continue;
    for (const id of idsOf(loaded, ref)) {
      const state = stateOf<Stated>(loaded, ref.entity, id);
      if (state === null) continue;
      if (state.regionId) next.push(one('region', 'id', state.regionId));
      if (!isLocking) continue;
      const isGuard = ref.entity === 'region' && (state as Region).requireLock;
      // Rows that were found, and not named, are what follow-ups write.
      if (isGuard || (ref.column !== 'id' && ref.entity !== 'lock'))
        next.push(leasesOn(ref.entity, id));
    }
  }
  next.push(...claimsOfTargets(wish, loaded));
  return next.filter((ref) => !isLoaded(loaded, ref));
}

/** A change of an item that claims something already. */
function claimsOfTargets(wish: Wanted, loaded: Loaded): readonly Ref[] {
  return wish.commands.flatMap((command) => {
    const {set} = command as {set?: object};
    const entity = command.type.slice(0, command.type.indexOf('.'));
    if (set === undefined || !isItem(entity)) return [];
    const key = stateOf<Stated>(loaded, entity, command.id)?.claimKey;
    return key && claiming.some((member) => member in set) ? claimRefs(entity, key) : [];
  });
}

/** The intent that governs the acting agent. */
function intentRefs({actor}: Wanted, loaded: Loaded, tenant: Tenant | null): readonly Ref[] {
  if (actor.agentId === null) return [];
  const id = governing(stateOf<Agent>(loaded, 'agent', actor.agentId), tenant);
  return id === null ? [] : [one('intent', 'id', id)];
}

const stateOf = <S>({rows}: Loaded, entity: string, id: string): S | null =>
  (rows.get(rowKey(entity, id))?.state ?? null) as S | null;

/** The rows that a ref names, or that were found by it. */
export function idsOf({found}: Pick<Loaded, 'found'>, ref: Ref): readonly string[] {
  if (ref.leaves === true) return [];
  if (ref.column === 'id') return ref.values;
  return ref.values.flatMap((value) => found.get(refKey(ref.entity, ref.column, value)) ?? []);
}

const isLoaded = ({rows, found}: Loaded, {entity, column, values}: Ref): boolean =>
  values.every((value) =>
    column === 'id' ? rows.has(rowKey(entity, value)) : found.has(refKey(entity, column, value)),
  );
