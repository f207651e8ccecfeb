/** One real run of an agent, written through MCP alone by the SDK's own client, and proven. */
import {existsSync, readFileSync} from 'node:fs';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {
  connect,
  did,
  listen,
  within,
  type Listening,
  type Members,
} from '../../support/mcp-client.ts';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

const file = new URL('../../../../shared/data/tau-bench-airline-dev.json', import.meta.url);
const hasData = existsSync(file);
if (!hasData)
  console.warn(`NOT RUN: the import of a tau-bench run, because ${file.pathname} is absent`);

type Message = {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | null;
  readonly tool_calls?: readonly object[] | null;
  readonly tool_call_id?: string;
  readonly name?: string;
};
type Run = {
  readonly task_id: number;
  readonly trial: number;
  readonly reward: number;
  readonly traj: readonly Message[];
};

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

test.runIf(hasData)(
  'a tau-bench run is written through MCP, and every receipt verifies',
  async () => {
    const [run] = JSON.parse(readFileSync(file, 'utf8')) as Run[];
    if (run === undefined) throw new Error('the file holds no run');
    const client = await connect({url: server.url, key: caller.key});
    const receipts: string[] = [];
    const write = async (tool: string, stated: Members, as: string): Promise<Members> => {
      const done = await did(client, tool, stated);
      receipts.push(String(done['receipt_id']));
      return within(done, as);
    };

    const external_id = `tau-bench-airline/${run.task_id}/${run.trial}`;
    const {trajectory_id} = await write(
      'trajectory_create',
      {name: `task ${run.task_id}`, external_id},
      'trajectory',
    );
    const {scope_id} = await write(
      'scope_create',
      {trajectory_id, name: 'conversation', token_budget: 100_000},
      'scope',
    );
    for (const {role, content, tool_calls, tool_call_id, name} of run.traj) {
      const calls = tool_calls ? {tool_calls} : {};
      const results = role === 'tool' ? {tool_results: [{tool_call_id, name}]} : {};
      await write(
        'turn_append',
        {scope_id, role, content: content ?? '', ...calls, ...results},
        'turn',
      );
    }
    const found = run.traj.findIndex(({role}) => role === 'tool');
    const artifact = {
      trajectory_id,
      scope_id,
      artifact_type: 'ToolResult',
      name: 'user details',
      content: run.traj[found]?.content,
    };
    await write(
      'artifact_create',
      {...artifact, source_turn: found + 1, extraction_method: 'ToolExtraction'},
      'artifact',
    );
    const outcome = run.reward === 1 ? 'solved' : 'not solved';
    const note = {note_type: 'Insight', title: 'Outcome', content: `The task was ${outcome}.`};
    await write('note_create', {...note, source_trajectory_ids: [trajectory_id]}, 'note');
    const turns = await client.readResource({uri: `cellstate://scope/${String(scope_id)}/turns`});
    const {turns: kept} = JSON.parse((turns.contents[0] as {text: string}).text) as {
      turns: Members[];
    };
    expect(kept.map((turn) => turn['content'])).toEqual(run.traj.map(({content}) => content ?? ''));
    const status = run.reward === 1 ? 'Success' : 'Failure';
    await write('trajectory_end', {trajectory_id, status}, 'trajectory');

    expect(receipts).toHaveLength(run.traj.length + 5);
    for (const event_id of receipts) {
      expect(await did(client, 'receipt_verify', {event_id})).toMatchObject({
        valid: true,
        level: 'L1',
      });
    }
    await client.close();
  },
);
