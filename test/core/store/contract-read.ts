/** The questions with a name of their own: assemble, openTenant, lookup. */
import {randomBytes} from 'node:crypto';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {refKey} from '../../../core/store/store.ts';
import type {TestDatabase} from '../../support/database.ts';
import {anId, aTenant, commitTo, hex, newHead, tenantChain} from './batches.ts';
import {aWidget, makeWidgets} from './widget.ts';

export function readContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
    await makeWidgets(database.admin);
  });
  afterAll(() => database.close());

  describe('assemble', () => {
    test('answers rows, leaves, chain heads and keys as of one size', async () => {
      const {store} = database;
      const head = await newHead(store);
      const {tenantNo} = head;
      const ownerId = anId();
      const [one, two] = [
        aWidget(head, {owner_id: ownerId, external_id: 'ext "1"', doc: {deepInside: {a_b: 1}}}),
        aWidget(head, {owner_id: ownerId}),
      ];
      const idem = randomBytes(32);
      await commitTo(
        store,
        tenantNo,
        {widget: [one, two]},
        {
          entity_id: one['id'],
          idem: hex(idem),
          request: hex(Buffer.alloc(32, 1)),
          depth: 2,
          track: 3,
        },
      );
      await commitTo(store, tenantNo, {}, {entity_id: one['id']});
      await commitTo(store, tenantNo);
      await commitTo(store, tenantNo, {}, {entity_id: one['id'], depth: 4, track: 5});

      const refs = [
        {entity: 'widget', column: 'id', values: [String(two['id']), anId()]},
        {entity: 'widget', column: 'externalId', values: ['ext "1"', 'none']},
        {entity: 'widget', column: 'name', values: []},
        {entity: 'widget', column: 'ownerId', values: [ownerId], leaves: true},
        {entity: 'widget', column: 'externalId', values: ['ext "1"', 'none'], leaves: true},
      ] as const;
      const unknownChain = anId();
      const found = await store.assemble(
        tenantNo,
        refs,
        [tenantChain, unknownChain],
        [idem.toString('hex'), '00'.repeat(32)],
      );
      expect(found.size).toBe(4);
      expect(found.rows.map(({entity, row}) => [entity, row.id])).toEqual([
        ['widget', two['id']],
        ['widget', one['id']],
      ]);
      expect(found.rows[1]?.row).toEqual({
        id: one['id'],
        version: 1,
        leaf: 0,
        createdAt: one['created_at'],
        updatedAt: one['updated_at'],
        createdBy: one['created_by'],
        state: {
          name: one['name'],
          ownerId,
          externalId: 'ext "1"',
          count: 0,
          fault: null,
          deepInside: {a_b: 1},
        },
      });
      expect(found.leaves).toEqual(
        new Map([
          [
            refKey('widget', 'ownerId', ownerId),
            [
              [0, 1],
              [3, 3],
            ],
          ],
          [
            refKey('widget', 'externalId', 'ext "1"'),
            [
              [0, 1],
              [3, 3],
            ],
          ],
          [refKey('widget', 'externalId', 'none'), []],
        ]),
      );
      expect([...found.chains.keys()]).toEqual([tenantChain]);
      expect(found.chains.get(tenantChain)).toMatchObject({
        sequence: 3,
        depth: 4,
        track: 5,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(found.keys).toEqual(
        new Map([[idem.toString('hex'), {leaf: 0, request: '01'.repeat(32)}]]),
      );
    });

    test('sees nothing of another tenant, under whatever name it is asked', async () => {
      const {store} = database;
      const [mine, theirs] = [await newHead(store), await newHead(store)];
      const widget = aWidget(theirs, {external_id: 'secret'});
      const idem = randomBytes(32);
      await commitTo(
        store,
        theirs.tenantNo,
        {widget: [widget]},
        {idem: hex(idem), entity_id: widget['id']},
      );
      const refs = [
        {entity: 'widget', column: 'id', values: [String(widget['id'])]},
        {entity: 'widget', column: 'externalId', values: ['secret']},
        {entity: 'widget', column: 'id', values: [String(widget['id'])], leaves: true},
      ] as const;
      const found = await store.assemble(
        mine.tenantNo,
        refs,
        [tenantChain],
        [idem.toString('hex')],
      );
      expect(found).toMatchObject({size: 0, rows: []});
      expect([found.chains.size, found.keys.size, ...found.leaves.values()]).toEqual([0, 0, []]);
    });

    test('of a tenant that is not there is TENANT_NOT_FOUND', async () => {
      await expect(database.store.assemble(2_000_000, [], [], [])).rejects.toMatchObject({
        code: 'TENANT_NOT_FOUND',
      });
    });
  });

  describe('openTenant', () => {
    test('answers one number for one id, however many ask at once', async () => {
      const {store, admin} = database;
      const tenant = aTenant();
      const numbers = await Promise.all(Array.from({length: 12}, () => store.openTenant(tenant)));
      expect(new Set(numbers).size).toBe(1);
      expect(await store.openTenant({...tenant, salt: randomBytes(32)})).toBe(numbers[0]);
      const rows = await admin.rows(
        'select salt from ledger.tenant join ledger.shard using (tenant_no) join ledger.head using (tenant_no) where tenant_id = $1',
        [tenant.tenantId],
      );
      expect(rows).toEqual([{salt: new Uint8Array(tenant.salt)}]);
    });

    test('refuses an origin that another tenant has, and makes nothing of the new one', async () => {
      const {store, admin} = database;
      const [first, second] = [aTenant(), aTenant()];
      await store.openTenant(first);
      const thief = {...second, origin: first.origin, vkey: first.vkey};
      await expect(store.openTenant(thief)).rejects.toMatchObject({code: 'DATABASE_ERROR'});
      expect(
        await admin.rows('select 1 as one from ledger.tenant where tenant_id = $1', [
          second.tenantId,
        ]),
      ).toEqual([]);
    });
  });

  test('a key is found by its hash, a tenant by its id or in order, before anything names one', async () => {
    const {store} = database;
    const heads = [await newHead(store), await newHead(store)];
    const hashes = heads.map(() => randomBytes(32));
    for (const [index, head] of heads.entries()) {
      const tenant = aWidget(head, {id: head.tenantId, name: `tenant ${index}`, status: 'active'});
      const key = aWidget(head, {key_hash: hashes[index]?.toString('hex'), status: 'revoked'});
      await commitTo(store, head.tenantNo, {tenant: [tenant], api_key: [key]});
    }
    const [first, second] = heads;
    const found = await store.lookup.credential([randomBytes(32), ...hashes]);
    const keys = found.map(({tenantNo, hash, row}) => [tenantNo, hash, row.version]);
    expect(keys.toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(
      heads.map(({tenantNo}, index) => [tenantNo, hashes[index]?.toString('hex'), 1]),
    );
    expect(await store.lookup.credential([])).toEqual([]);
    expect(await store.lookup.tenant(second?.tenantId ?? '')).toMatchObject({
      tenantNo: second?.tenantNo,
      row: {id: second?.tenantId, state: {name: 'tenant 1', status: 'active'}},
    });
    expect(await store.lookup.tenant(aTenant().tenantId)).toBeNull();
    const listed = await store.lookup.tenants((first?.tenantNo ?? 0) - 1, 1);
    expect(listed.map(({tenantNo, row}) => [tenantNo, row.id])).toEqual([
      [first?.tenantNo, first?.tenantId],
    ]);
  });

  test('lookup.behind names the tenants that a consumer has not caught up with', async () => {
    const {store, admin} = database;
    const {tenantNo} = await newHead(store);
    const behind = async () =>
      (await store.lookup.behind('mail', 1_000)).filter((one) => one.tenantNo === tenantNo);
    expect(await behind()).toEqual([]);
    await commitTo(store, tenantNo);
    await commitTo(store, tenantNo);
    expect(await behind()).toEqual([{tenantNo, leaf: -1, size: 2}]);
    await admin.rows(`insert into aux.cursor values ('mail', $1, 0)`, [tenantNo]);
    expect(await behind()).toEqual([{tenantNo, leaf: 0, size: 2}]);
    await admin.rows(`update aux.cursor set leaf = 1 where tenant_no = $1`, [tenantNo]);
    expect(await behind()).toEqual([]);
  });
}
