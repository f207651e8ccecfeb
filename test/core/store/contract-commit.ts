/** What `Store.commit` promises, whatever the driver. */
import {randomBytes} from 'node:crypto';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Batch, Head} from '../../../core/store/store.ts';
import type {TestDatabase} from '../../support/database.ts';
import {
  aBatch,
  aMove,
  anEvent,
  anId,
  aPayload,
  commitTo,
  headOf,
  hex,
  newHead,
  nowMicros,
  type SqlRow,
} from './batches.ts';
import {aWidget, makeWidgets, nextVersion} from './widget.ts';

export function commitContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
    await makeWidgets(database.admin);
  });
  afterAll(() => database.close());

  /** Everything a batch could have written, to see that it did not. */
  const everything = () =>
    database.admin
      .rows(`select (select jsonb_agg(h) from ledger.head h) as heads, (select count(*) from ledger.event) as events,
      (select count(*) from ledger.payload) as payloads, (select count(*) from ledger.edge) as edges,
      (select jsonb_agg(w order by id) from mem.widget w) as widgets, (select count(*) from mem.past) as past`);

  const widgets = (tenant: number) =>
    database.admin.rows<SqlRow>('select * from mem.widget where tenant_no = $1', [tenant]);
  const past = (tenant: number) =>
    database.admin.rows<SqlRow>('select * from mem.past where tenant_no = $1 order by leaf', [
      tenant,
    ]);

  describe('a committed batch', () => {
    test('is there with its head, events, parts, edges and rows', async () => {
      const {store, admin} = database;
      const head = await newHead(store);
      const event = anEvent(head, 0, {idem: hex(randomBytes(32))});
      const edge = {
        tenant_no: head.tenantNo,
        child_leaf: 0,
        ord: 0,
        rel: 10,
        parent_hash: hex(randomBytes(32)),
      };
      const batch = aBatch(head, [event], {edge: [edge], widget: [aWidget(head)]});
      expect(await store.commit(batch)).toEqual({is: 'committed'});

      const [move] = batch.heads;
      const after = await headOf(store, head.tenantNo);
      const {at} = JSON.parse(event['header'] as string) as {at: number};
      expect(after).toEqual({
        ...head,
        size: 1,
        root: new Uint8Array(move?.root ?? []),
        frontier: new Uint8Array(move?.frontier ?? []),
        lastAt: at,
      });
      const [stored] = await admin.rows<SqlRow>('select * from ledger.event where tenant_no = $1', [
        head.tenantNo,
      ]);
      expect(stored).toMatchObject({
        event_id: event['event_id'],
        header: event['header'],
        facts: event['facts'],
        leaf: 0,
      });
      expect(await widgets(head.tenantNo)).toHaveLength(1);
      expect(
        await admin.rows(
          'select 1 as one from ledger.payload join ledger.edge using (tenant_no) where tenant_no = $1',
          [head.tenantNo],
        ),
      ).toHaveLength(1);
    });

    test('moves several tenants at once', async () => {
      const {store} = database;
      const heads = [await newHead(store), await newHead(store)] as const;
      const events = heads.map((head) => anEvent(head));
      const batch: Batch = {
        lane: 0,
        nowMicros: nowMicros(),
        heads: heads.map((head) => aMove(head)),
        rows: {event: events, payload: events.map((event) => aPayload(event))},
      };
      expect(await store.commit(batch)).toEqual({is: 'committed'});
      for (const head of heads) expect((await headOf(store, head.tenantNo)).size).toBe(1);
    });

    test('puts the version it replaces into the past, once for each version raised', async () => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      const first = aWidget(await headOf(store, tenantNo), {doc: {colour: 'red'}});
      await commitTo(store, tenantNo, {widget: [first]});
      const second = nextVersion(await headOf(store, tenantNo), first, {doc: {colour: 'blue'}});
      await commitTo(store, tenantNo, {widget: [second]});
      expect(await widgets(tenantNo)).toMatchObject([{version: 2, leaf: 1, doc: {colour: 'blue'}}]);
      expect(await past(tenantNo)).toMatchObject([
        {
          entity: 'widget',
          id: first['id'],
          version: 1,
          leaf: 0,
          to_leaf: 1,
          row: {doc: {colour: 'red'}, name: first['name']},
        },
      ]);
    });

    test('leaves no past where a counter changed and no version was raised', async () => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      const first = aWidget(await headOf(store, tenantNo));
      await commitTo(store, tenantNo, {widget: [first]});
      await commitTo(store, tenantNo, {widget: [{...first, count: 7, base_version: 1}]});
      expect(await widgets(tenantNo)).toMatchObject([{version: 1, count: 7}]);
      expect(await past(tenantNo)).toEqual([]);
    });
  });

  /** Commits what `change` makes of a good batch; what it answers, having written nothing. */
  const refusedFor = async (change: (head: Head, batch: Batch) => Batch | Promise<Batch>) => {
    const {store} = database;
    const {tenantNo} = await newHead(store);
    const head = await commitTo(store, tenantNo, {}, {idem: hex(Buffer.alloc(32, 7))});
    const batch = await change(head, aBatch(head));
    const before = await everything();
    const outcome = await store.commit(batch);
    expect(await everything()).toEqual(before);
    // Whatever it was, the next batch goes through.
    await commitTo(store, tenantNo);
    return outcome;
  };
  const withEvent = (members: (head: Head) => SqlRow) => (head: Head) =>
    aBatch(head, [anEvent(head, 0, members(head))]);
  const withWidget = (members: SqlRow) => (head: Head) =>
    aBatch(head, [anEvent(head)], {widget: [aWidget(head, members)]});
  const withHead = (members: Partial<Head>) => (head: Head, batch: Batch) => ({
    ...batch,
    heads: [
      {...aMove(head), baseSize: members.size ?? head.size, baseRoot: members.root ?? head.root},
    ],
  });
  const withNow = (shiftMs: number) => (_: Head, batch: Batch) => ({
    ...batch,
    nowMicros: batch.nowMicros + shiftMs * 1000,
  });
  const firstId = async (tenant: number) => {
    const [event] = await database.admin.rows<SqlRow>(
      'select event_id from ledger.event where tenant_no = $1',
      [tenant],
    );
    return event?.['event_id'];
  };
  const tooLate = 301_000;

  describe('a batch that is refused writes nothing and says why', () => {
    test.each([
      ['moved', 'the head has another size', withHead({size: 0})],
      ['moved', 'the head has another root', withHead({root: randomBytes(32)})],
      [
        'moved',
        'an event id was used before',
        async (head: Head) =>
          aBatch(head, [anEvent(head, 0, {event_id: await firstId(head.tenantNo)})]),
      ],
      ['moved', 'a place in the chain is taken', withEvent(() => ({traj_seq: 0}))],
      [
        'taken',
        'an idempotency hash was used before',
        withEvent(() => ({idem: hex(Buffer.alloc(32, 7))})),
      ],
      ['busy', 'the clock of the core is ahead', withNow(tooLate)],
      ['busy', 'the clock of the core is behind', withNow(-tooLate)],
      [
        'poisoned',
        'the head moves further than there are events',
        (head: Head, batch: Batch) => ({...batch, heads: [aMove(head, 2)]}),
      ],
      [
        'poisoned',
        'the head does not move',
        (head: Head, batch: Batch) => ({
          ...batch,
          heads: [{...aMove(head), size: head.size, frontier: head.frontier}],
          rows: {},
        }),
      ],
      ['poisoned', 'an event leaves a gap', withEvent((head) => ({leaf: head.size + 1}))],
      [
        'poisoned',
        'an event belongs to a tenant whose head does not move',
        withEvent((head) => ({tenant_no: head.tenantNo - 1})),
      ],
      [
        'poisoned',
        'a leaf hash was damaged on its way',
        withEvent(() => ({leaf_hash: hex(randomBytes(32))})),
      ],
      ['poisoned', 'a hash is too short', withEvent(() => ({event_hash: '\\x00'}))],
      ['poisoned', 'a column has no value', withEvent(() => ({header: null}))],
      ['poisoned', 'a header is too long', withEvent(() => ({header: 'x'.repeat(16_385)}))],
      ['poisoned', 'an id is no uuid', withEvent(() => ({entity_id: 'ana'}))],
      ['poisoned', 'a number is out of range', withEvent(() => ({traj_seq: 2 ** 40}))],
      ['poisoned', 'a row has a base version that is not there', withWidget({base_version: 3})],
      [
        'poisoned',
        'a value is too long for its index',
        withWidget({name: randomBytes(9_000).toString('hex')}),
      ],
      [
        'poisoned',
        'an entity has no table',
        (head: Head) => aBatch(head, [anEvent(head)], {nothing: [{id: anId()}]}),
      ],
    ] as const)('%s: %s', async (is, _, change) => {
      expect(await refusedFor(change)).toMatchObject({is});
    });

    test('poisoned: a row that exists is created again', async () => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      const widget = aWidget(await headOf(store, tenantNo));
      const head = await commitTo(store, tenantNo, {widget: [widget]});
      const before = await everything();
      const again = aBatch(head, [anEvent(head)], {widget: [widget]});
      expect(await store.commit(again)).toMatchObject({is: 'poisoned', constraint: null});
      expect(await everything()).toEqual(before);
    });

    test('poisoned: a unique name is taken, and the index is named', async () => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      const head = await commitTo(store, tenantNo, {
        widget: [aWidget(await headOf(store, tenantNo), {name: 'one'})],
      });
      const second = aBatch(head, [anEvent(head)], {widget: [aWidget(head, {name: 'one'})]});
      expect(await store.commit(second)).toMatchObject({
        is: 'poisoned',
        constraint: 'widget_name_uq',
      });
    });

    test('moved: somebody wrote the leaf without moving the head', async () => {
      const {store, admin} = database;
      const head = await newHead(store);
      await admin.rows('select ledger.put_event($1)', [JSON.stringify([anEvent(head)])]);
      expect(await store.commit(aBatch(head))).toMatchObject({is: 'moved'});
    });

    test.each([
      ['moved', ['40001', '40P01']],
      ['unknown', ['08000', '08006', '08P01', '57014', '57P01', '57P02', '57P03', '40003']],
      ['busy', ['53000', '53100', '53200', '53300', '55P03', '58030', '25006', 'CS004']],
      [
        'poisoned',
        [
          '22000',
          '22P02',
          '23000',
          '23502',
          '42883',
          '54000',
          '54001',
          'CS002',
          'CS003',
          'XX000',
          'P0001',
        ],
      ],
    ] as const)('%s: the server says %s', async (is, codes) => {
      for (const fault of codes) {
        expect(await refusedFor(withWidget({fault})), fault).toMatchObject({is});
      }
    });
  });

  test('of two batches on one head exactly one is committed', async () => {
    const {store} = database;
    const head = await newHead(store);
    const rounds = Array.from({length: 8}, (_, lane) =>
      store.commit({...aBatch(head), lane: lane % store.lanes}),
    );
    const outcomes = (await Promise.all(rounds)).map(({is}) => is);
    expect(outcomes.toSorted()).toEqual(['committed', ...Array.from({length: 7}, () => 'moved')]);
    expect((await headOf(store, head.tenantNo)).size).toBe(1);
  });
}
