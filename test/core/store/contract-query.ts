/** What `Store.read` shows, and that no call leaves anything behind on its connection. */
import type {Query} from '../../../core/store/store.ts';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {TestDatabase} from '../../support/database.ts';
import {aBatch, anEvent, anId, commitTo, headOf, newHead, tenantChain} from './batches.ts';
import {aWidget, makeWidgets, nextVersion} from './widget.ts';

const countEvents = {name: 'event_count', text: 'select count(*) as n from ledger.event'};
const sizeOfHead = {name: 'head_select_size', text: 'select size from ledger.head'};
const failing = {name: 'nothing_select', text: 'select * from mem.nothing'};

export function queryContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
    await makeWidgets(database.admin);
  });
  afterAll(() => database.close());

  describe('read', () => {
    test('sees one tenant without any filter, and no tenant sees none', async () => {
      const {store, driver} = database;
      const [mine, theirs] = [await newHead(store), await newHead(store)];
      await commitTo(store, mine.tenantNo);
      await commitTo(store, theirs.tenantNo);
      await commitTo(store, theirs.tenantNo);
      expect(await store.read(mine.tenantNo, (q) => q.rows(countEvents, []))).toEqual([{n: 1}]);
      expect(await store.read(theirs.tenantNo, (q) => q.rows(countEvents, []))).toEqual([{n: 2}]);
      expect(await driver.ask(countEvents, [])).toEqual([{n: 0}]);
    });

    test('stands on one snapshot, while commits go on', async () => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      let isOver = false;
      const writer = (async () => {
        for (let i = 0; i < 60; i++) await commitTo(store, tenantNo);
        isOver = true;
      })();
      let readCount = 0;
      const reader = async (): Promise<void> => {
        while (!isOver) {
          const [head, events] = await store.read(
            tenantNo,
            async (q) =>
              [
                await q.rows<{size: number}>(sizeOfHead, []),
                await q.rows<{n: number}>(countEvents, []),
              ] as const,
          );
          expect(head[0]?.size).toBe(events[0]?.n);
          readCount += 1;
        }
      };
      await Promise.all([writer, reader(), reader(), reader()]);
      expect(readCount).toBeGreaterThan(10);
      expect((await headOf(store, tenantNo)).size).toBe(60);
    });

    test('cannot write', async () => {
      const {tenantNo} = await newHead(database.store);
      const writes = {
        name: 'cursor_insert',
        text: `insert into aux.cursor values ('x', ${tenantNo}, 1)`,
      };
      await expect(database.store.read(tenantNo, (q) => q.rows(writes, []))).rejects.toMatchObject({
        code: 'DATABASE_ERROR',
      });
    });

    test('answers numbers, bytes, booleans, JSON and arrays, not their texts', async () => {
      const {tenantNo} = await newHead(database.store);
      const text = `select 9007199254740991::bigint as big, 1::int as int, 0.5::float8 as float, 12.5::numeric as num, true as yes, null::int as none,
        '\\x00ff'::bytea as bytes, '{"a": [1, null]}'::jsonb as json, array['a,b', null, 'say "no" \\ {}', 'NULL', ''] as texts, array[1, null, 3]::bigint[] as bigs, '{}'::uuid[] as empty`;
      const [row] = await database.store.read(tenantNo, (q) =>
        q.rows({name: 'types_select', text}, []),
      );
      expect(row).toEqual({
        big: Number.MAX_SAFE_INTEGER,
        int: 1,
        float: 0.5,
        num: 12.5,
        yes: true,
        none: null,
        bytes: new Uint8Array([0, 255]),
        json: {a: [1, null]},
        texts: ['a,b', null, 'say "no" \\ {}', 'NULL', ''],
        bigs: [1, null, 3],
        empty: [],
      });
    });

    test('takes numbers, bytes, booleans, null and arrays as values', async () => {
      const {tenantNo} = await newHead(database.store);
      const text = `select $1::bigint as a, $2::bytea as b, $3::boolean as c, $4::text as d, $5::text[] as e, $6::bytea[] as f, $7::jsonb as g, $8::int[] as h`;
      const values = [
        2 ** 50,
        new Uint8Array([0, 1]),
        false,
        null,
        ['a"b\\', null, 'ä,{}'],
        [new Uint8Array([7])],
        {x: 'y'},
        [],
      ];
      const [row] = await database.store.read(tenantNo, (q) =>
        q.rows({name: 'values_select', text}, values),
      );
      expect(Object.values(row as object)).toEqual(values);
    });

    test('gives back every text, array and byte that it was given', async () => {
      const {tenantNo} = await newHead(database.store);
      const echo = {
        name: 'echo_select',
        text: 'select $1::text as text, $2::text[] as texts, $3::bytea as bytes, $4::bytea[] as many, $5::bigint[] as numbers, $6::jsonb as json',
      };
      // PostgreSQL's text holds every character but U+0000, which canonical JSON escapes.
      const text = fc
        .string({unit: 'binary'})
        .map((made) => made.replaceAll('\0', '').toWellFormed());
      const bytes = fc.uint8Array({maxLength: 40});
      const given = fc.tuple(
        text,
        fc.array(fc.option(text)),
        bytes,
        fc.array(bytes),
        fc.array(fc.option(fc.maxSafeInteger())),
        fc.dictionary(fc.stringMatching(/^[a-z]+$/), text),
      );
      await database.store.read(tenantNo, (q) =>
        fc.assert(
          fc.asyncProperty(given, async (values) => {
            const [row] = await q.rows<object>(echo, values);
            expect(Object.values(row ?? {})).toEqual(values.map((value) => structuredClone(value)));
          }),
        ),
      );
    });

    test('passes on what its caller throws, unchanged', async () => {
      const {tenantNo} = await newHead(database.store);
      const bug = new RangeError('mine');
      const ask = async (q: Query): Promise<never> => {
        await q.rows(countEvents, []);
        throw bug;
      };
      await expect(database.store.read(tenantNo, ask)).rejects.toBe(bug);
      await expect(database.store.read(tenantNo, () => Promise.reject(bug))).rejects.toBe(bug);
    });

    test('says DATABASE_ERROR, keeps the cause to itself, and the next read works', async () => {
      const {tenantNo} = await newHead(database.store);
      const refused = database.store.read(tenantNo, (q) => q.rows(failing, []));
      await expect(refused).rejects.toMatchObject({
        code: 'DATABASE_ERROR',
        context: {statement: 'nothing_select'},
        cause: {code: '42P01'},
      });
      await expect(refused).rejects.toThrow(/^the database refused/);
      expect(await database.store.read(tenantNo, (q) => q.rows(countEvents, []))).toEqual([{n: 0}]);
    });

    test('asks its statements at once where its caller does', async () => {
      const {tenantNo} = await newHead(database.store);
      const both = await database.store.read(tenantNo, (q) =>
        Promise.all([q.rows(countEvents, []), q.rows(sizeOfHead, [])]),
      );
      expect(both).toEqual([[{n: 0}], [{size: 0}]]);
    });
  });

  test('no setting, role or transaction outlives a call, whether it succeeds or not', async () => {
    const {store, driver} = database;
    const {tenantNo} = await newHead(store);
    const settings = {
      name: 'settings_select',
      text: `select current_user::text as role, coalesce(nullif(current_setting('cellstate.tenant_no', true), ''), 'none') as tenant,
        current_setting('enable_seqscan') as seqscan, current_setting('enable_hashjoin') as hashjoin, current_setting('enable_material') as material,
        current_setting('transaction_read_only') as read_only`,
    };
    const clean = {tenant: 'none', seqscan: 'on', hashjoin: 'on', material: 'on', read_only: 'off'};
    const expectClean = async (): Promise<void> => {
      // More often than there are connections.
      for (let i = 0; i < 4; i++) {
        expect(await driver.ask(settings, [])).toEqual([{...clean, role: 'cs_app'}]);
        for (let lane = 0; lane < driver.lanes; lane++)
          expect(await driver.askLane(lane, settings, [])).toEqual([{...clean, role: 'cs_lane'}]);
      }
    };
    const widget = aWidget(await headOf(store, tenantNo));
    await commitTo(store, tenantNo, {widget: [widget]});
    await expectClean();
    const head = await headOf(store, tenantNo);
    await store.commit(
      aBatch(head, [anEvent(head)], {widget: [nextVersion(head, widget, {fault: 'P0001'})]}),
    );
    await expectClean();
    await store.commit(aBatch({...head, size: 0}));
    await expectClean();
    await store.assemble(tenantNo, [], [tenantChain], []);
    await expectClean();
    await store
      .assemble(tenantNo, [{entity: 'nothing', column: 'id', values: [anId()]}], [], [])
      .catch(() => {});
    await expectClean();
    await store.read(tenantNo, (q) => q.rows(countEvents, []));
    await expectClean();
    await store.read(tenantNo, (q) => q.rows(failing, [])).catch(() => {});
    await expectClean();
    await store.clear(0, tenantNo, 0, 1).catch(() => {});
    await expectClean();
  });
}
