/**
 * What PostgreSQL holds and what `ledger.commit` and `ledger.assemble` do with it, in memory.
 *
 * For simulations alone: the functions of `migrations/` themselves are tested on PostgreSQL. A commit
 * takes the text that would be sent, so nothing in here is shared with the core that sent it. Unique
 * indexes are read from the migrations.
 */
import {createHash} from 'node:crypto';
import {readMigrations, ownMigrations} from '../../core/store/migration-files.ts';
import {toAssembled, type Answer} from '../../core/store/postgres/assemble.ts';
import {aggregateNamed} from '../../core/domain/aggregates.ts';
import type {Ref} from '../../core/domain/aggregate.ts';
import type {Assembled, Batch, CommitOutcome, Head, NewTenant} from '../../core/store/store.ts';
import type {Hex, Id, Micros, TenantNo} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import {snake} from '../../shared/wire/resource.ts';

export type SqlRow = Record<string, unknown>;

/** A value of a row in a key or a message. */
export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
type Sent = {heads: SentHead[]; rows: Record<string, SqlRow[]>};
type SentHead = {
  tenantNo: TenantNo;
  baseSize: number;
  baseRoot: Hex;
  size: number;
  root: Hex;
  frontier: Hex;
};
type TenantRow = Omit<Head, 'size' | 'root' | 'frontier' | 'lastAt'> & {
  size: number;
  root: Hex;
  frontier: Hex;
};
type Unique = {name: string; table: string; columns: string[]; conditions: string[]};

/** All that is committed; a commit makes the next one, so that a half-done one leaves nothing. */
export type Tables = {
  readonly tenants: Map<TenantNo, TenantRow>;
  /** Rows of `ledger.event` in the order of their leaves, by tenant. */
  readonly events: Map<TenantNo, SqlRow[]>;
  readonly payloads: Map<string, SqlRow>;
  /** Keys of the event's unique indexes, and of `mem`'s. */
  readonly unique: Map<string, unknown>;
  /** Rows of `mem.<entity>` by tenant and id. */
  readonly mem: Map<string, Map<string, SqlRow>>;
  readonly past: Map<string, SqlRow>;
};

export class Refused extends Error {
  readonly outcome: Exclude<CommitOutcome, {is: 'committed'}>;
  constructor(
    is: 'moved' | 'taken' | 'busy' | 'poisoned',
    why: string,
    constraint: string | null = null,
  ) {
    super(why);
    this.outcome = is === 'poisoned' ? {is, cause: this, constraint} : {is, cause: this};
  }
}

/** `clocks differ` beyond this. */
const clockLimitMicros = 300_000_000;

const uniques: readonly Unique[] = readMigrations(ownMigrations).flatMap(({text}) =>
  [
    ...text.matchAll(/create unique index (\w+) on mem\.(\w+) \(([^)]*)\)(?:\s+where ([^;]+))?;/g),
  ].map(([, name = '', table = '', columns = '', where = '']) => ({
    name,
    table,
    columns: columns.split(',').map((column) => column.trim()),
    conditions: where === '' ? [] : where.split(' and ').map((one) => one.trim()),
  })),
);

function holds(row: SqlRow, condition: string): boolean {
  const [, isNot, column = ''] = /^(not )?(\w+)$/.exec(condition) ?? [];
  if (column !== '') return (row[column] === true) !== (isNot !== undefined);
  const present = /^(\w+) is not null$/.exec(condition)?.[1];
  if (present === undefined)
    throw new Error(`the simulation does not know the condition ${condition}`);
  return row[present] !== null && row[present] !== undefined;
}

/** Entries of a row in the unique indexes of its table. */
const entriesOf = (table: string, row: SqlRow): (readonly [key: string, constraint: string])[] =>
  uniques
    .filter(
      (one) => one.table === table && one.conditions.every((condition) => holds(row, condition)),
    )
    .map(({name, columns}) => [
      `${name}:${JSON.stringify(columns.map((column) => row[column]))}`,
      name,
    ]);

export const emptyTables = (): Tables => ({
  tenants: new Map(),
  events: new Map(),
  payloads: new Map(),
  unique: new Map(),
  mem: new Map(),
  past: new Map(),
});

/** The text of a batch as it is sent. */
export const textOf = ({heads, rows}: Batch): string =>
  JSON.stringify({
    rows,
    heads: heads.map((head) => ({
      ...head,
      baseRoot: toHex(head.baseRoot),
      root: toHex(head.root),
      frontier: toHex(head.frontier),
    })),
  });

/** Does what `ledger.commit` does; throws `Refused`, and then nothing was written. */
export function commitTo(tables: Tables, text: string, batchNow: Micros, now: Micros): void {
  if (Math.abs(now - batchNow) > clockLimitMicros) throw new Refused('busy', 'clocks differ');
  const {heads, rows} = JSON.parse(text) as Sent;
  for (const head of heads) {
    const held = tables.tenants.get(head.tenantNo);
    if (held?.size !== head.baseSize || held.root !== head.baseRoot)
      throw new Refused('moved', 'head moved');
  }
  checkLeaves(heads, rows['event'] ?? []);
  const undo: (() => void)[] = [];
  try {
    // jsonb orders its members by length and then by their bytes.
    const names = Object.keys(rows).toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
    for (const name of names) for (const row of rows[name] ?? []) putRow(tables, name, row, undo);
  } catch (error) {
    for (const step of undo.toReversed()) step();
    throw error;
  }
  for (const {tenantNo, size, root, frontier} of heads) {
    const held = tables.tenants.get(tenantNo);
    if (held !== undefined) tables.tenants.set(tenantNo, {...held, size, root, frontier});
  }
}

function checkLeaves(heads: readonly SentHead[], events: readonly SqlRow[]): void {
  for (const {tenantNo, baseSize, size} of heads) {
    const leaves = events
      .filter((event) => event['tenant_no'] === tenantNo)
      .map(({leaf}) => Number(leaf));
    const isWhole =
      leaves.length === size - baseSize &&
      Math.min(...leaves) === baseSize &&
      Math.max(...leaves) === size - 1;
    if (!isWhole) throw new Refused('poisoned', 'events and heads differ');
  }
  const expected = heads.reduce((sum, {baseSize, size}) => sum + size - baseSize, 0);
  if (expected !== events.length) throw new Refused('poisoned', 'events and heads differ');
}

type Undo = (() => void)[];

function putRow(tables: Tables, name: string, row: SqlRow, undo: Undo): void {
  switch (name) {
    case 'event':
      return putEvent(tables, row, undo);
    case 'payload':
      return setNew(
        tables.payloads,
        `${asText(row['tenant_no'])}/${asText(row['leaf'])}`,
        row,
        'payload_pkey',
        undo,
      );
    case 'past':
      return putPast(tables, row, undo);
    // The index over memory refuses nothing, and nothing here reads it.
    case 'recall_item':
    case 'recall_change':
      return;
    default:
      return putProjection(tables, name, row, undo);
  }
}

function setNew(
  map: Map<string, unknown>,
  key: string,
  value: unknown,
  constraint: string,
  undo: Undo,
  is: 'poisoned' | 'moved' | 'taken' = 'poisoned',
): void {
  if (map.has(key)) throw new Refused(is, `duplicate key in ${constraint}: ${key}`, constraint);
  map.set(key, value);
  undo.push(() => map.delete(key));
}

function putEvent(tables: Tables, row: SqlRow, undo: Undo): void {
  const tenant = row['tenant_no'] as TenantNo;
  const bytes = (column: string) => Buffer.from(String(row[column]).slice(2), 'hex');
  const leafHash = createHash('sha256')
    .update('\u0000cellstate.dev/leaf@1\n')
    .update(bytes('event_hash'))
    .digest();
  if (!leafHash.equals(bytes('leaf_hash'))) throw new Refused('poisoned', 'event_leaf_hash_check');
  const key = (...parts: unknown[]) => `${tenant}/${parts.join('/')}`;
  setNew(tables.unique, `event_pk:${key(row['leaf'])}`, row, 'event_pk', undo, 'moved');
  setNew(tables.unique, `event_id_uq:${key(row['event_id'])}`, row, 'event_id_uq', undo, 'moved');
  setNew(
    tables.unique,
    `event_chain_uq:${key(row['traj_id'], row['traj_seq'])}`,
    row,
    'event_chain_uq',
    undo,
    'moved',
  );
  if (row['idem'] !== null)
    setNew(tables.unique, `event_idem_uq:${key(row['idem'])}`, row, 'event_idem_uq', undo, 'taken');
  const events = tables.events.get(tenant) ?? [];
  tables.events.set(tenant, events);
  events.push(row);
  undo.push(() => events.pop());
}

function putPast(tables: Tables, row: SqlRow, undo: Undo): void {
  if (Number(row['to_leaf']) <= Number(row['leaf'])) throw new Refused('poisoned', 'past_check');
  setNew(
    tables.past,
    `${asText(row['tenant_no'])}/${asText(row['entity'])}/${asText(row['id'])}/${asText(row['leaf'])}`,
    row,
    'past_pkey',
    undo,
  );
}

function putProjection(tables: Tables, name: string, sent: SqlRow, undo: Undo): void {
  const {base_version: base, first_leaf: firstLeaf, ...row} = sent;
  for (const column of aggregateNamed(name)?.columns ?? []) row[snake(column)] ??= null;
  const table = tables.mem.get(name) ?? new Map<string, SqlRow>();
  tables.mem.set(name, table);
  const key = `${asText(row['tenant_no'])}/${asText(row['id'])}`;
  const old = table.get(key);
  const oldVersion = old === undefined ? 0 : Number(old['version']);
  if (oldVersion !== base)
    throw new Refused('poisoned', `${name} differs: version ${oldVersion}, not ${String(base)}`);
  // A CHECK that the tables do not have: the row that PostgreSQL can never hold.
  if (row['name'] === poison) throw new Refused('poisoned', `${name}_name_check`);
  for (const [entry] of old === undefined ? [] : entriesOf(name, old)) {
    const held = tables.unique.get(entry);
    tables.unique.delete(entry);
    undo.push(() => tables.unique.set(entry, held));
  }
  for (const [entry, constraint] of entriesOf(name, row))
    setNew(tables.unique, entry, row, constraint, undo);
  table.set(key, row);
  undo.push(() => (old === undefined ? table.delete(key) : table.set(key, old)));
  if (old === undefined || Number(row['version']) <= oldVersion) return;
  const {tenant_no: tenant, id, version, leaf} = old;
  putPast(
    tables,
    {tenant_no: tenant, entity: name, id, version, leaf, to_leaf: firstLeaf, row: old},
    undo,
  );
}

/** The name that no table takes. */
export const poison = 'poison';

export function openTenantIn(tables: Tables, {tenantId, salt, origin, vkey}: NewTenant): TenantNo {
  const known = [...tables.tenants.values()].find((one) => one.tenantId === tenantId);
  if (known !== undefined) return known.tenantNo;
  const tenantNo = tables.tenants.size + 1;
  const root = createHash('sha256').digest('hex');
  tables.tenants.set(tenantNo, {
    tenantNo,
    tenantId,
    salt,
    shard: 1,
    origin,
    vkey,
    baseLeaf: 0,
    size: 0,
    root,
    frontier: '',
  });
  tables.events.set(tenantNo, []);
  return tenantNo;
}

const fromHexText = (hex: Hex): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

export function headIn(tables: Tables, tenant: TenantNo): Head | null {
  const held = tables.tenants.get(tenant);
  if (held === undefined) return null;
  const last = tables.events.get(tenant)?.at(-1);
  const lastAt = last === undefined ? 0 : (JSON.parse(String(last['header'])) as {at: Micros}).at;
  return {...held, root: fromHexText(held.root), frontier: fromHexText(held.frontier), lastAt};
}

/** Does what `ledger.assemble` does. */
export function assembleIn(
  tables: Tables,
  tenant: TenantNo,
  refs: readonly Ref[],
  chains: readonly Id[],
  keys: readonly Hex[],
): Assembled {
  const head = tables.tenants.get(tenant);
  const answers: Answer[] = head === undefined ? [] : [{tbl: '#head', doc: {size: head.size}}];
  const events = tables.events.get(tenant) ?? [];
  const tableOf = (entity: string) =>
    [...(tables.mem.get(entity)?.values() ?? [])].filter((row) => row['tenant_no'] === tenant);
  for (const {entity, column, values, leaves} of refs) {
    for (const row of tableOf(entity)) {
      const value = row[snake(column)];
      if (typeof value !== 'string' || !values.includes(value)) continue;
      if (leaves !== true) answers.push({tbl: entity, doc: structuredClone(row)});
    }
    for (const value of leaves === true ? values : []) {
      const ids = new Set(
        tableOf(entity)
          .filter((row) => row[snake(column)] === value)
          .map(({id}) => id),
      );
      const found = events
        .filter((event) => ids.has(event['entity_id']))
        .map(({leaf}) => [leaf, leaf]);
      if (found.length > 0)
        answers.push({tbl: '#leaves', doc: {t: entity, c: snake(column), v: value, leaves: found}});
    }
  }
  for (const id of chains) {
    const last = events.findLast((event) => event['traj_id'] === id);
    if (last === undefined) continue;
    const {traj_seq: sequence, depth, track, event_hash: hash} = last;
    answers.push({
      tbl: '#chain',
      doc: {traj_id: id, traj_seq: sequence, depth, track, hash: String(hash).slice(2)},
    });
  }
  for (const key of keys) {
    const held = tables.unique.get(`event_idem_uq:${tenant}/\\x${key}`) as SqlRow | undefined;
    if (held === undefined) continue;
    const request = held['request'] === null ? null : asText(held['request']).slice(2);
    answers.push({tbl: '#idem', doc: {idem: key, leaf: held['leaf'], request}});
  }
  return toAssembled(answers, refs);
}
