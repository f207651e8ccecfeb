/** Keys of a tenant by the paths for administrators, which older clients call. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let own: Caller;
let other: Caller;
beforeAll(async () => {
  app = await openTestApp();
  [own, other] = [await app.tenant('Own'), await app.tenant('Other')];
});
afterAll(() => app.close());

const listOf = (of: Caller, key: string) =>
  app.send({method: 'GET', path: `/api/v1/api-keys/admin/tenants/${of.tenantId}`, key});
const revoke = (of: Caller, id: string, key: string) =>
  app.send({
    method: 'POST',
    path: `/api/v1/api-keys/admin/tenants/${of.tenantId}/${id}/revoke`,
    key,
  });
const isLet = async (key: string): Promise<number> =>
  (await app.send({method: 'GET', path: '/api/v1/trajectories', key})).status;

async function newKey(of: Caller): Promise<{id: string; key: string}> {
  const key = await app.keyOf(of, {scopes: ['memory:read']});
  const reply = await app.send({method: 'GET', path: '/api/v1/api-keys/current', key});
  return {id: String(members(reply)['api_key_id']), key};
}

test('an administrator lists and revokes the keys of the own tenant, and of no other', async () => {
  const {id, key} = await newKey(own);
  const listed = members(await listOf(own, own.key))['api_keys'] as {api_key_id: string}[];
  expect(listed.map(({api_key_id: one}) => one)).toContain(id);
  expect((await listOf(own, other.key)).status).toBe(403);
  expect((await revoke(own, id, other.key)).status).toBe(403);
  // A key that is named with a tenant it is not of does not exist there.
  expect((await revoke(other, id, other.key)).status).toBe(404);
  expect(await isLet(key)).toBe(200);
  expect(members(await revoke(own, id, own.key))['status']).toBe('revoked');
  expect(await isLet(key)).toBe(401);
});

test("an operator does so in any tenant, and the change stands in that tenant's ledger", async () => {
  const {id, key} = await newKey(other);
  const before = await app.sizeOf(other);
  const listed = members(await listOf(other, own.operatorKey))['api_keys'] as object[];
  expect(listed).toContainEqual(
    expect.objectContaining({api_key_id: id, tenant_id: other.tenantId}),
  );
  expect((await revoke(other, id, own.operatorKey)).status).toBe(200);
  expect(await app.sizeOf(other)).toBe(before + 1);
  expect(await isLet(key)).toBe(401);
});

test("the links of a tenant are of its own paths alone, not of its keys'", async () => {
  const path = `/api/v1/tenants/${own.tenantId}`;
  const reply = await app.send({method: 'GET', path, key: own.key});
  const links = Object.values(members(reply)['_links'] as Record<string, {href: string}>);
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter(({href}) => !href.startsWith(path))).toEqual([]);
});
