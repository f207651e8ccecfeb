/**
 * What follows the commits: destroying ended content, writing tiles.
 *
 * The ledger is the outbox. A cursor a tenant says how far each consumer has come; after a crash it
 * goes on from there, and a step that is repeated changes nothing. Nothing here can fail a mutation.
 */
import type {TenantNo} from '../../shared/ids.ts';
import {kindName, mayEndContent, productKinds} from '../../shared/ledger/kinds.ts';
import {numberSetting} from '../../shared/settings.ts';
import type {Recording, Tools} from '../pipeline/record.ts';
import type {Statement, Store} from '../store/store.ts';
import {clearEnding} from './clearing.ts';
import type {Lane} from './lane.ts';
import {tileHashes, writeTiles} from './tiles.ts';
import type {TenantSettings} from '../domain/aggregate.ts';

const sweepEveryMs = 60_000;
const tenantLimit = 1_000;
const eventLimit = 100;
const dayMicros = 86_400_000_000;

/** Deletions wait for `delete_retention_days`; everything else is destroyed at once. */
const waits = (kind: number): boolean => kindName(kind).endsWith('.deleted');
const endings = productKinds.map(({code}) => code).filter(mayEndContent);
const consumers = [
  {name: 'clearing', kinds: endings.filter((kind) => !waits(kind))},
  {name: 'clearing_deleted', kinds: endings.filter(waits)},
] as const;

const sizeOf: Statement = {
  name: 'head_select_size',
  text: 'select size from ledger.head where tenant_no = $1',
};
const cursorOf: Statement = {
  name: 'cursor_select',
  text: 'select leaf from aux.cursor where consumer = $1 and tenant_no = $2',
};
const setCursor: Statement = {
  name: 'cursor_upsert',
  text: `insert into aux.cursor (consumer, tenant_no, leaf) values ($1, $2, $3)
    on conflict (consumer, tenant_no) do update set leaf = greatest(aux.cursor.leaf, excluded.leaf)`,
};
// The header holds the time; an ending without leaves has nothing to destroy.
const dueEvents: Statement = {
  name: 'event_select_endings',
  text: `select e.leaf, (e.header::jsonb ->> 'at')::bigint as at, e.facts not like '%"ends":[],%' as ends from ledger.event e
    where e.tenant_no = $1 and e.leaf > $2 and e.kind = any ($3::int[]) order by e.leaf limit $4`,
};

export type Upkeep = {
  /** Told of each commit; what it makes due is done soon. */
  noticed(tenant: TenantNo, events: readonly Recording[], size: number): void;
  /** Does everything that is due for a tenant now. */
  run(tenant: TenantNo): Promise<void>;
  /** Begins to look for what an earlier process left. */
  start(): void;
  close(): Promise<void>;
};

type Parts = {
  readonly store: Store;
  readonly tools: Tools;
  readonly laneOf: (tenant: TenantNo) => {readonly lane: Lane; readonly index: number};
  readonly settingsOf: (tenant: TenantNo) => Promise<TenantSettings>;
  readonly now: () => number;
  readonly warn: (message: string, cause: unknown) => void;
};

/** Makes the upkeep of one process. */
export function createUpkeep(of: Parts): Upkeep {
  const {store, tools, laneOf, now} = of;
  const due = new Set<TenantNo>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  async function clear(tenant: TenantNo, consumer: (typeof consumers)[number]): Promise<void> {
    const {lane, index} = laneOf(tenant);
    const settings = await of.settingsOf(tenant);
    const waitMicros =
      consumer.name === 'clearing'
        ? 0
        : numberSetting(settings, 'delete_retention_days') * dayMicros;
    for (let isMore = true; isMore && !isClosed;) {
      const {events, size, reached} = await store.read(tenant, async (q) => {
        const [head] = await q.rows<{size: number}>(sizeOf, [tenant]);
        const [cursor] = await q.rows<{leaf: number}>(cursorOf, [consumer.name, tenant]);
        const leaf = cursor?.leaf ?? -1;
        const values = [tenant, leaf, consumer.kinds, eventLimit];
        const found = await q.rows<{leaf: number; at: number; ends: boolean}>(dueEvents, values);
        return {events: found, size: head?.size ?? 0, reached: leaf};
      });
      const set = (leaf: number): Promise<unknown> =>
        store.maintain(index, (q) => q.rows(setCursor, [consumer.name, tenant, leaf]));
      isMore = events.length === eventLimit;
      for (const {leaf, at, ends} of events) {
        // What is due at once does not ask the clock, which the ledger's own may run ahead of.
        if (waitMicros > 0 && at + waitMicros > now()) return;
        if (ends) await clearEnding({store, lane, laneIndex: index}, tenant, leaf);
        await set(leaf);
      }
      // Nothing ends between the last of them and the head that this was read at.
      if (!isMore && reached < size - 1) await set(size - 1);
    }
  }

  async function tiles(tenant: TenantNo): Promise<void> {
    const {lane, index} = laneOf(tenant);
    for (let isMore = true; isMore && !isClosed;) {
      isMore = await lane.between(tenant, ({head}) =>
        store.maintain(index, (q) => writeTiles(q, tools.hashes, head)),
      );
    }
  }

  async function run(tenant: TenantNo): Promise<void> {
    const {lane} = laneOf(tenant);
    // A database that was set back is evidence: nothing of it is destroyed, and nothing made of it.
    if (await lane.between(tenant, async ({isHalted}) => isHalted)) return;
    for (const consumer of consumers) await clear(tenant, consumer);
    await tiles(tenant);
  }

  /** One after the other, so that upkeep never takes more than one place in a lane. */
  function work(): void {
    running = running.then(async () => {
      for (const tenant of due) {
        due.delete(tenant);
        if (isClosed) return;
        try {
          await run(tenant);
        } catch (cause) {
          // The cursor stands where it was, and the next sweep goes on from there.
          of.warn(`upkeep of tenant ${tenant} is put off`, cause);
        }
      }
    });
  }

  async function sweep(): Promise<void> {
    try {
      for (const consumer of consumers) {
        const behind = await store.lookup.behind(consumer.name, tenantLimit);
        for (const {tenantNo} of behind) due.add(tenantNo);
      }
      work();
    } catch (cause) {
      of.warn('upkeep could not look for what is due; it looks again', cause);
    }
  }

  return {
    noticed(tenant, events, size) {
      const isTile =
        Math.floor(size / tileHashes) > Math.floor((size - events.length) / tileHashes);
      if (!isTile && !events.some(({isEnding}) => isEnding)) return;
      due.add(tenant);
      work();
    },
    run,
    start() {
      const tick = (): void => {
        sweep().catch((cause: unknown) => of.warn('upkeep stopped', cause));
      };
      tick();
      timer = setInterval(tick, sweepEveryMs);
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearInterval(timer);
      await running;
    },
  };
}
