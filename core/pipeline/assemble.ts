/**
 * Loads what gates and deciders need: from the lane's memory what it holds, the rest by one question.
 *
 * Runs outside the lane, many at a time. What comes from memory is current as of the lane's head when
 * it was taken, what comes from SQL as of the size that the answer states; the snapshot's size is the
 * smallest of them, and the lane lays every later change over it.
 */
import {CellError} from '../../shared/errors.ts';
import type {Hex, Id, TenantNo} from '../../shared/ids.ts';
import type {Ranges, Ref, Row} from '../domain/aggregate.ts';
import {aggregateNamed, aggregateOf} from '../domain/aggregates.ts';
import {offer, recallChain, recallRow, type Memory} from '../ledger/memory.ts';
import {refKey, type Assembled, type Chain, type Store} from '../store/store.ts';
import {followingRefs, gateRefs, idsOf} from './gate-refs.ts';
import type {Wish} from './unit-run.ts';
import {rowKey, type Snapshot} from './view.ts';

/** Containers of containers: turn → scope → trajectory → agent. */
const roundLimit = 4;
const rowLimit = 1_000;

const tenantChain = '' as Id;

type Loading = {
  size: number;
  readonly rows: Map<string, Row<unknown> | null>;
  readonly found: Map<string, Id[]>;
  readonly leaves: Map<string, Ranges>;
  readonly chains: Map<Id, Chain | null>;
  readonly keys: Map<Hex, {readonly leaf: number; readonly request: Hex | null}>;
  isKeyAsked: boolean;
  readonly besides: readonly Ref[];
};

type Sources = {readonly store: Store; readonly memoryOf: (tenant: TenantNo) => Memory};

/**
 * Loads the snapshot of a unit. `missing` is what the last try found it needs besides, and what those
 * before it found stands in the snapshot they were made on.
 */
export async function assemble(
  from: Sources,
  wish: Omit<Wish, 'snapshot'> & {readonly snapshot?: Snapshot},
  missing: readonly Ref[],
): Promise<Snapshot> {
  const memory = from.memoryOf(wish.tenantNo);
  const loading: Loading = {
    size: memory.tenants.get(wish.tenantNo)?.head.size ?? Number.MAX_SAFE_INTEGER,
    rows: new Map(),
    found: new Map(),
    leaves: new Map(),
    chains: new Map(),
    keys: new Map(),
    isKeyAsked: false,
    besides: [...(wish.snapshot?.besides ?? []), ...missing],
  };
  let refs = [...firstRefs(wish), ...loading.besides, ...gateRefs(wish, memory)];
  for (let round = 0; round < roundLimit && refs.length > 0; round += 1) {
    const {absent, chains} = takeFromMemory(memory, wish.tenantNo, loading, refs, newChains(wish));
    if (absent.length > 0 || chains.length > 0) {
      // The key is asked for when SQL is asked anyway, and always by a unit that is assembled again.
      const keys = wish.key === null ? [] : [wish.key.idem];
      const answer = await from.store.assemble(wish.tenantNo, absent, chains, keys);
      for (const {entity, row} of answer.rows)
        offer(memory, wish.tenantNo, answer.size, rowKey(entity, row.id), row);
      take(loading, answer, absent, chains);
      loading.isKeyAsked = true;
    } else if (wish.snapshot !== undefined && round === 0 && wish.key !== null) {
      take(loading, await from.store.assemble(wish.tenantNo, [], [], [wish.key.idem]), [], []);
      loading.isKeyAsked = true;
    }
    refs = [...containersOf(loading, refs), ...followingRefs(wish, loading, refs)];
  }
  return loading;
}

/** Trajectories that this unit makes: their chains have no event yet, and nobody needs to be asked. */
const newChains = (wish: Omit<Wish, 'snapshot'>): ReadonlySet<Id> =>
  new Set(
    wish.commands.filter((c) => 'draft' in c && c.type.startsWith('trajectory.')).map(({id}) => id),
  );

function firstRefs(wish: Omit<Wish, 'snapshot'>): Ref[] {
  const {actor} = wish;
  const refs: Ref[] = [
    {entity: 'tenant', column: 'id', values: [actor.tenantId]},
    ...(actor.keyId === null ? [] : [{entity: 'api_key', column: 'id', values: [actor.keyId]}]),
    ...(actor.agentId === null ? [] : [{entity: 'agent', column: 'id', values: [actor.agentId]}]),
    ...wish.expects.map(([entity, id]) => ({entity, column: 'id', values: [id]})),
  ];
  for (const command of wish.commands) {
    const aggregate = aggregateOf(command);
    if (aggregate === undefined) continue;
    if (!('draft' in command) && aggregate.columns.length > 0)
      refs.push({entity: aggregate.name, column: 'id', values: [command.id]});
    refs.push(...aggregate.needs(command));
  }
  return refs.filter(({values}) => values.length > 0);
}

/** Takes what memory holds into the snapshot; answers what must be asked of SQL. */
function takeFromMemory(
  memory: Memory,
  tenant: TenantNo,
  loading: Loading,
  refs: readonly Ref[],
  made: ReadonlySet<Id>,
): {absent: Ref[]; chains: Id[]} {
  const absent: Ref[] = [];
  const chains = new Set<Id>();
  const wantChain = (id: Id, key: Id): void => {
    if (loading.chains.has(key)) return;
    const known = made.has(id) ? null : recallChain(memory, tenant, key);
    if (known === undefined) chains.add(id);
    else loading.chains.set(key, known);
  };
  wantChain(nilChain, tenantChain);
  for (const ref of refs) {
    if (ref.column !== 'id' || ref.leaves === true) {
      absent.push(ref);
      continue;
    }
    const values = ref.values.filter((id) => {
      if (ref.entity === 'trajectory') wantChain(id as Id, id as Id);
      const key = rowKey(ref.entity, id as Id);
      if (loading.rows.has(key)) return false;
      const known = recallRow(memory, tenant, key);
      if (known !== undefined) loading.rows.set(key, known);
      return known === undefined;
    });
    if (values.length > 0) absent.push({...ref, values});
  }
  return {absent, chains: [...chains]};
}

const nilChain = '00000000-0000-0000-0000-000000000000' as Id;

/** Takes an answer of SQL into the snapshot. */
function take(
  loading: Loading,
  answer: Assembled,
  refs: readonly Ref[],
  chains: readonly Id[],
): void {
  loading.size = Math.min(loading.size, answer.size);
  if (answer.rows.length > rowLimit) {
    throw new CellError(
      'LIMIT_EXCEEDED',
      `the change needs ${answer.rows.length} rows, limit ${rowLimit}`,
      {
        details: {limit: rowLimit, value: answer.rows.length, setting: 'assembled_rows'},
      },
    );
  }
  for (const {entity, row} of answer.rows) loading.rows.set(rowKey(entity, row.id), row);
  for (const ref of refs) {
    for (const value of ref.values) {
      if (ref.leaves === true) {
        const key = refKey(ref.entity, ref.column, value);
        loading.leaves.set(key, answer.leaves.get(key) ?? []);
      } else if (ref.column === 'id') {
        const key = rowKey(ref.entity, value as Id);
        if (!loading.rows.has(key)) loading.rows.set(key, null);
      } else noteFound(loading, answer, ref, value);
    }
  }
  for (const id of chains)
    loading.chains.set(id === nilChain ? tenantChain : id, answer.chains.get(id) ?? null);
  for (const [idem, key] of answer.keys) loading.keys.set(idem, key);
}

function noteFound(loading: Loading, answer: Assembled, ref: Ref, value: string): void {
  const ids = answer.rows
    .filter(
      ({entity, row}) =>
        entity === ref.entity && (row.state as Record<string, unknown>)[ref.column] === value,
    )
    .map(({row}) => row.id);
  loading.found.set(refKey(ref.entity, ref.column, value), ids);
}

/** Containers of the rows just named that are not loaded yet. */
function containersOf(loading: Loading, refs: readonly Ref[]): Ref[] {
  const next: Ref[] = [];
  for (const ref of refs) {
    const {entity} = ref;
    const within = aggregateNamed(entity)?.within;
    if (within === undefined) continue;
    for (const id of idsOf(loading, ref)) {
      const row = loading.rows.get(rowKey(entity, id as Id));
      if (row === null || row === undefined) continue;
      for (const [member, container] of Object.entries(within)) {
        const inside = (row.state as Record<string, unknown>)[member];
        if (typeof inside === 'string' && !loading.rows.has(rowKey(container, inside as Id))) {
          next.push({entity: container, column: 'id', values: [inside]});
        }
      }
    }
  }
  return next;
}
