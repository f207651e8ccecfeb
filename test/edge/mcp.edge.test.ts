/** MCP through the edge: the same client, the same answers, and no request of a stranger gets past. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {connect, did, eras, refusedBy, within} from '../support/mcp-client.ts';
import type {Caller} from '../support/test-app.ts';
import {openTiers, type Tiers} from '../support/tiers.ts';

let tiers: Tiers;
let caller: Caller;

beforeAll(async () => {
  tiers = await openTiers();
  caller = await tiers.tenant();
});
afterAll(() => tiers.close());

describe.each(eras)('%s', (era) => {
  test('tools, resources and refusals are those of the core', async () => {
    const edge = await connect({url: tiers.urls.edge, key: caller.key, era});
    const core = await connect({url: tiers.urls.core, key: caller.key, era});
    expect(await edge.listTools()).toEqual(await core.listTools());
    const made = within(
      await did(edge, 'trajectory_create', {name: 'through the edge'}),
      'trajectory',
    );
    const uri = `cellstate://trajectory/${String(made['trajectory_id'])}`;
    expect(await edge.readResource({uri})).toEqual(await core.readResource({uri}));
    const stated = {name: 'x', no_such: 1};
    const {problem} = await refusedBy(edge, 'trajectory_create', stated);
    expect(problem).toEqual((await refusedBy(core, 'trajectory_create', stated)).problem);
    await edge.close();
    await core.close();
  });
});

const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

test('what has no credential or no form never reaches the core', async () => {
  const before = tiers.arrived.length;
  const path = '/mcp';
  const statuses = [
    await tiers.send('edge', {method: 'POST', path, body}),
    await tiers.send('edge', {method: 'POST', path, body, key: 'cst_nothing'}),
    await tiers.send('edge', {method: 'GET', path, key: caller.key}),
    await tiers.send('edge', {method: 'POST', path: '/mcp/nothing', body, key: caller.key}),
  ].map(({status}) => status);
  expect([statuses, tiers.arrived.length]).toEqual([[401, 401, 405, 404], before]);
});

test.each(['core', 'edge'] as const)(
  'the %s answers a syntax error as JSON-RPC does',
  async (tier) => {
    const reply = await tiers.send(tier, {
      method: 'POST',
      path: '/mcp',
      key: caller.key,
      body: '{',
    });
    expect([reply.status, JSON.parse(reply.text)]).toMatchObject([400, {error: {code: -32_700}}]);
  },
);

test('the card is there without a credential', async () => {
  const reply = await tiers.send('edge', {method: 'GET', path: '/mcp/server-card'});
  expect(reply.headers.get('content-type')).toBe('application/mcp-server-card+json');
});
