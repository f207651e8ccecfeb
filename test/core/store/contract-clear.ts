/** What `Store.clear` destroys, and what goes with it. */
import {randomBytes} from 'node:crypto';
import type {Head} from '../../../core/store/store.ts';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {TestDatabase} from '../../support/database.ts';
import {aBatch, anEvent, anId, commitTo, headOf, hex, newHead} from './batches.ts';
import {aWidget, makeWidgets} from './widget.ts';

export function clearContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
    await makeWidgets(database.admin);
  });
  afterAll(() => database.close());

  describe('clear', () => {
    /** A tenant with three events of content, the third of which ends the first two. */
    const ended = async (): Promise<{head: Head; entities: string[]}> => {
      const {store} = database;
      const {tenantNo} = await newHead(store);
      const entities = [anId(), anId()];
      for (const entity of entities) {
        const head = await headOf(store, tenantNo);
        const event = anEvent(head, 0, {entity_id: entity, kind: 0x3001});
        const batch = aBatch(head, [event]);
        const payload = (batch.rows['payload'] ?? []).map((row) => ({
          ...row,
          content: 'secret',
          content_salt: hex(randomBytes(32)),
        }));
        expect(await store.commit({...batch, rows: {...batch.rows, payload}})).toEqual({
          is: 'committed',
        });
      }
      const head = await commitTo(store, tenantNo, {}, {facts: JSON.stringify({ends: [[0, 1]]})});
      return {head, entities};
    };
    const contents = (tenant: number) =>
      database.admin.rows<{content: string | null}>(
        'select content from ledger.payload where tenant_no = $1 order by leaf',
        [tenant],
      );

    test('destroys what the event ended, some at a time, and says whose it was', async () => {
      const {head, entities} = await ended();
      const first = await database.store.clear(0, head.tenantNo, 2, 1);
      const second = await database.store.clear(0, head.tenantNo, 2, 5);
      expect(
        [...first, ...second].toSorted((a, b) =>
          String(a.entityId) < String(b.entityId) ? -1 : 1,
        ),
      ).toEqual(entities.toSorted().map((entityId) => ({kind: 0x3001, entityId})));
      expect(await database.store.clear(0, head.tenantNo, 2, 5)).toEqual([]);
      expect((await contents(head.tenantNo)).map(({content}) => content)).toEqual([
        null,
        null,
        null,
      ]);
    });

    test('does what comes along in the same transaction, or nothing of both', async () => {
      const {head} = await ended();
      const {tenantNo} = head;
      const widget = aWidget(head);
      await commitTo(database.store, tenantNo, {widget: [widget]});
      const blank = {
        name: 'widget_update_blank',
        text: 'update mem.widget set name = $2 where tenant_no = $1 returning id',
      };
      const refused = database.store.clear(0, tenantNo, 2, 5, async (q, gone) => {
        expect(gone).toHaveLength(2);
        expect(await q.rows(blank, [tenantNo, 'gone'])).toEqual([{id: widget['id']}]);
        throw new RangeError('mine');
      });
      await expect(refused).rejects.toThrow(RangeError);
      expect((await contents(tenantNo)).map(({content}) => content)).toEqual([
        'secret',
        'secret',
        null,
        null,
      ]);
      await database.store.clear(0, tenantNo, 2, 5, async (q) => {
        await q.rows(blank, [tenantNo, 'gone']);
      });
      expect(
        await database.admin.rows('select name from mem.widget where tenant_no = $1', [tenantNo]),
      ).toEqual([{name: 'gone'}]);
    });

    test('refuses an event that ends nothing', async () => {
      const {head} = await ended();
      await expect(database.store.clear(0, head.tenantNo, 0, 5)).rejects.toMatchObject({
        code: 'DATABASE_ERROR',
        cause: {code: 'CS005'},
      });
    });
  });
}
