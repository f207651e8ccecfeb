/** `cellstate mcp`: the SDK's client starts it as a process and speaks to it, in both eras. */
import {fileURLToPath} from 'node:url';
import {Client} from '@modelcontextprotocol/client';
import {StdioClientTransport} from '@modelcontextprotocol/client/stdio';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {did, eras, listen, within, type Listening} from '../../support/mcp-client.ts';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let server: Listening;
let caller: Caller;

beforeAll(async () => {
  app = await openTestApp();
  server = listen(app);
  caller = await app.tenant();
});
afterAll(async () => {
  await server.stop();
  await app.close();
});

const launcher = fileURLToPath(new URL('../../../core/cli/cellstate.cjs', import.meta.url));

function started(key: string): StdioClientTransport {
  return new StdioClientTransport({
    command: process.execPath,
    args: [launcher, 'mcp', '--sets', 'memory'],
    env: {
      PATH: process.env['PATH'] ?? '',
      CELLSTATE_API_URL: server.url,
      CELLSTATE_API_KEY: key,
    },
  });
}

test.each(eras)(
  '%s: tools work, and only those of the sets that were asked for are there',
  async (era) => {
    const mode = era === '2025-11-25' ? 'legacy' : {pin: era};
    const client = new Client({name: 'test', version: '1'}, {versionNegotiation: {mode}});
    await client.connect(started(caller.key));
    const names = (await client.listTools()).tools.map(({name}) => name);
    expect(names).toContain('trajectory_create');
    expect(names).not.toContain('lock_acquire');
    const made = within(await did(client, 'trajectory_create', {name: 'by stdio'}), 'trajectory');
    const uri = `cellstate://trajectory/${String(made['trajectory_id'])}`;
    expect((await client.readResource({uri})).contents).toHaveLength(1);
    await client.close();
  },
);

test('a refusal of the credential is told as an error of the protocol', async () => {
  const client = new Client({name: 'test', version: '1'});
  await expect(client.connect(started('cst_nothing'))).rejects.toMatchObject({code: -32_603});
});
