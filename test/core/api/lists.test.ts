/** paging neither skips nor repeats, for every contract whose answer is a list. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {z} from 'zod';
import {contracts} from '../../../shared/wire/all.ts';
import {callAs, listCase, type ListCase} from '../../support/list-cases.ts';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;
let other: Caller;
beforeAll(async () => {
  app = await openTestApp();
  other = await app.tenant();
});
afterAll(() => app.close());

/** Lists of a few rows that are answered whole. */
const whole = ['tenants_list', 'scopes_list_checkpoints'];
const lists = contracts
  .filter(({id, output}) => {
    if (id === 'trajectories_list_scopes') return true;
    return output instanceof z.ZodObject && 'next_cursor' in output.shape && !whole.includes(id);
  })
  .map(({id}) => id);

const get = (path: string, query: Record<string, string>, key = caller.key) => {
  const [bare, more = ''] = path.split('?');
  const search = new URLSearchParams([...new URLSearchParams(more), ...Object.entries(query)]);
  return app.send({method: 'GET', path: `/api/v1${bare}?${search.toString()}`, key});
};

type Page = {ids: string[]; next: string | null; total: unknown};

async function pageOf(of: ListCase, query: Record<string, string>): Promise<Page> {
  const reply = await get(of.path, query);
  expect(reply.text).toSatisfy(() => reply.status === 200);
  const body: unknown = JSON.parse(reply.text);
  const rows = (of.plural === null ? body : members(reply)[of.plural]) as Record<string, string>[];
  const link = /cursor=([^&>]+)/.exec(reply.headers.get('link') ?? '')?.[1] ?? null;
  const next = of.plural === null ? link : (members(reply)['next_cursor'] as string | null);
  const total = of.plural === null ? null : members(reply)['total'];
  return {ids: rows.map((row) => row[of.idKey] ?? ''), next, total};
}

/** Walks all pages; between two of them somebody writes. */
async function walk(of: ListCase, order: string, limit: number, meanwhile: () => Promise<void>) {
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const at: Record<string, string> = cursor === '' ? {} : {cursor};
    const page = await pageOf(of, {order, limit: String(limit), ...at});
    pages.push(page.ids);
    cursor = page.next;
    if (pages.length < 4) await meanwhile();
  }
  return pages;
}

describe.each(lists)('%s', (id) => {
  let of: ListCase;
  const kept: string[] = [];
  const leaving: string[] = [];

  beforeAll(async () => {
    of = await listCase(id, callAs(app, await tenantOf()));
    for (let made = 0; made < 7; made += 1) (made % 3 === 1 ? leaving : kept).push(await of.make());
  });
  const tenantOf = async (): Promise<Caller> => (caller = await app.tenant());

  test.each(['asc', 'desc', 'recent'])('%s: each row once, in order', async (order) => {
    const pages = await walk(of, order, 2, async () => {
      await of.make();
      const last = leaving.pop();
      if (last !== undefined) await of.remove?.(last);
    });
    const seen = pages.map((ids) => ids.filter((one) => kept.includes(one)));
    // Pages of the newest are shown in ascending order, and go on to older ones.
    const inOrder = order === 'recent' ? seen.toReversed().flat() : seen.flat();
    expect(inOrder).toEqual(order === 'desc' ? kept.toReversed() : kept);
    expect(pages.flat()).toHaveLength(new Set(pages.flat()).size);
  });

  test('total, limits at the number of rows, and offsets', async () => {
    const {ids} = await pageOf(of, {order: 'asc', limit: '1000'});
    const count = ids.length;
    for (const limit of [count - 1, count, count + 1]) {
      const page = await pageOf(of, {order: 'asc', limit: String(limit)});
      expect(page.ids).toEqual(ids.slice(0, limit));
      expect(page.next === null).toBe(limit >= count);
      expect(page.total ?? count).toBe(count);
      const behind = await pageOf(of, {order: 'asc', limit: '2', offset: String(limit)});
      expect(behind).toMatchObject({ids: ids.slice(limit, limit + 2), next: null});
      expect(behind.total ?? count).toBe(count);
    }
  });

  test('a cursor is of this list, this question and this tenant, for a day', async () => {
    const {next} = await pageOf(of, {order: 'asc', limit: '2'});
    const cursor = next ?? '';
    const again = await get(of.path, {order: 'asc', cursor});
    expect(again.status).toBe(200);
    const wrong = [
      {query: {order: 'desc', cursor}},
      {query: {order: 'asc', cursor, created_after: '2020-01-01T00:00:00Z'}},
      {query: {order: 'asc', cursor: `${cursor}x`}},
      {query: {order: 'asc', cursor: changed(cursor, {k: [1.5, 'x']})}},
      {query: {order: 'asc', cursor: changed(cursor, {t: agoMicros(25)})}},
    ];
    for (const {query} of wrong) {
      const reply = await get(of.path, query);
      expect([reply.status, members(reply)['code']]).toEqual([400, 'INVALID_FORMAT']);
    }
    expect((await get(of.path, {order: 'asc', cursor}, other.key)).status).toBeOneOf([
      400, 403, 404,
    ]);
    expect((await get(of.path, {cursor, offset: '1'})).status).toBe(400);
    const recent = changed(cursor, {t: agoMicros(23)});
    expect((await get(of.path, {order: 'asc', cursor: recent})).status).toBe(200);
  });

  test('times bound without the bounds themselves', async () => {
    const {ids} = await pageOf(of, {order: 'asc', limit: '1000'});
    const rows = JSON.parse((await get(of.path, {order: 'asc', limit: '1000'})).text);
    const list = (of.plural === null ? rows : rows[of.plural]) as {created_at: string}[];
    const [first, last] = [list[0]?.created_at ?? '', list.at(-1)?.created_at ?? ''];
    const between = await pageOf(of, {order: 'asc', created_after: first, created_before: last});
    expect(between.ids).toEqual(ids.slice(1, -1));
  });
});

const agoMicros = (hours: number): number => (Date.now() - hours * 3_600_000) * 1_000;

/** The cursor with members changed, as somebody would who took it apart. */
function changed(cursor: string, members: object): string {
  const inner = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as object;
  return Buffer.from(JSON.stringify({...inner, ...members})).toString('base64url');
}

test('filters narrow together, values of one widen', async () => {
  caller = await app.tenant();
  const call = callAs(app, caller);
  const names = await Promise.all(
    ['active', 'suspended', 'completed'].map(async (status) => {
      const {trajectory_id: id} = await call('POST', '/trajectories', {name: status});
      if (status !== 'active') await call('PATCH', `/trajectories/${String(id)}`, {status});
      return String(id);
    }),
  );
  const found = async (query: string): Promise<string[]> => {
    const body = await call('GET', `/trajectories?order=asc&${query}`);
    return (body['trajectories'] as {trajectory_id: string}[]).map((row) => row.trajectory_id);
  };
  const [active = '', suspended = ''] = names;
  expect((await found('status=active&status=suspended')).toSorted()).toEqual(
    [active, suspended].toSorted(),
  );
  expect(await found(`status=active&root_trajectory_id=${suspended}`)).toEqual([]);
  expect(await found(`status=active&root_trajectory_id=${active}`)).toEqual([active]);
});
