/**
 * tau-bench: real runs of an agent with tools, in OpenAI's form of messages (`benchmarks` §7).
 *
 * A run is a trajectory with one scope, a message a turn. What a tool answered is an artifact that
 * knows its turn, and the state of a reservation a note whose claim a later state replaces. An empty
 * answer has nothing to keep: its turn says that the tool was called.
 */
import {z} from 'zod';
import {artifactsCreate} from '../../../shared/wire/artifacts.ts';
import {notesCreate} from '../../../shared/wire/notes.ts';
import {scopesCreate} from '../../../shared/wire/scopes.ts';
import {trajectoriesCreate, trajectoriesOutcome} from '../../../shared/wire/trajectories.ts';
import {turnsCreate} from '../../../shared/wire/turns.ts';
import {digestOf, readJson, usage} from './read-file.ts';
import {idOf, type Part, type Planned, type Writer} from './writer.ts';

const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  tool_calls: z.array(z.looseObject({id: z.string()})).nullish(),
  tool_call_id: z.string().optional(),
  name: z.string().optional(),
});
const runSchema = z.object({
  task_id: z.union([z.int(), z.string()]),
  trial: z.int(),
  reward: z.number(),
  traj: z.array(messageSchema).min(1),
  info: z.object({task: z.object({instruction: z.string().optional()}).optional()}).optional(),
});
type Message = z.infer<typeof messageSchema>;
type Run = z.infer<typeof runSchema>;

/** As much as the model of the runs reads; what is over the budget is warned of, not refused. */
const tokenBudget = 128_000;

const counted = [
  'runs',
  'rewarded_runs',
  'messages',
  'tool_calls',
  'null_contents',
  'tool_errors',
  'artifacts',
  'empty_results',
  'notes',
  'outcomes',
];

/** A state of a reservation that differs from the one before it in the run. */
type Result = {
  readonly text: string;
  readonly name: string;
  readonly callId: string;
  readonly reservation: string | null;
};

type Step = {readonly message: Message; readonly result: Result | null};

/** Understands a file. `isEnded` ends each run with its outcome, which releases what its turns say. */
export function planTauBench(file: string, isEnded: boolean): Planned {
  const runs = readJson(file, 'tau-bench', z.array(runSchema));
  return {counted, parts: runs.map((run) => partOf(file, run, isEnded))};
}

function partOf(file: string, run: Run, isEnded: boolean): Part {
  const steps = stepsOf(`${file}: task ${run.task_id}, trial ${run.trial}`, run.traj);
  const results = steps.filter(({result}) => result !== null && result.text !== '');
  const states = results.filter(({result}) => result?.reservation !== null);
  const writeCount = 2 + steps.length + results.length + states.length + (isEnded ? 1 : 0);
  return {writeCount, write: (writer) => writeRun(writer, run, steps, isEnded)};
}

function stepsOf(place: string, messages: readonly Message[]): Step[] {
  const called = new Set<string>();
  const states = new Map<string, string>();
  return messages.map((message, index) => {
    for (const {id} of message.tool_calls ?? []) called.add(id);
    if (message.role !== 'tool') return {message, result: null};
    const callId = message.tool_call_id ?? '';
    if (!called.has(callId)) {
      throw usage(
        `${place}: message ${index} answers the tool call "${callId}", which nobody made`,
      );
    }
    const text = message.content ?? '';
    const id = reservationOf(text);
    const isNews = id !== null && states.get(id) !== text;
    if (id !== null) states.set(id, text);
    return {
      message,
      result: {text, callId, name: message.name ?? 'tool', reservation: isNews ? id : null},
    };
  });
}

function reservationOf(text: string): string | null {
  if (!text.startsWith('{')) return null;
  try {
    const {reservation_id: id} = JSON.parse(text) as {reservation_id?: unknown};
    return typeof id === 'string' ? id : null;
  } catch {
    // Tools answer in prose as well, and prose states no reservation.
    return null;
  }
}

const isError = ({text}: Result): boolean => text.startsWith('Error');

async function writeRun(
  writer: Writer,
  run: Run,
  steps: readonly Step[],
  isEnded: boolean,
): Promise<void> {
  const digest = digestOf(run);
  const key = (what: string): string => `import/tau-bench@1/${digest}/${what}`;
  const name = `task ${run.task_id}, trial ${run.trial}`;
  const external_id = `tau-bench:${run.task_id}:${run.trial}:${digest}`;
  const outcome = run.reward === 1 ? 'Success' : 'Failure';
  const described = {
    source: 'tau-bench',
    task_id: run.task_id,
    trial: run.trial,
    reward: run.reward,
    outcome,
  };
  const trajectory = {
    name,
    external_id,
    description: run.info?.task?.instruction,
    metadata: described,
  };
  const counts = ['runs', ...(run.reward === 1 ? ['rewarded_runs'] : [])];
  const trajectory_id = idOf(
    await writer.write(trajectoriesCreate, trajectory, {key: key('trajectory'), counts}),
    'trajectory_id',
  );
  const scope = {trajectory_id, name, external_id, token_budget: tokenBudget};
  const scope_id = idOf(
    await writer.write(scopesCreate, scope, {key: key('scope'), counts: []}),
    'scope_id',
  );
  for (const [index, step] of steps.entries()) {
    const turn = turnOf(step, scope_id, index + 1);
    const turn_id = idOf(
      await writer.write(turnsCreate, turn, {key: key(`turn/${index}`), counts: countsOf(step)}),
      'turn_id',
    );
    if (step.result === null || step.result.text === '') continue;
    await writeResult(
      writer,
      step.result,
      {trajectory_id, scope_id, turn_id, sequence: index + 1},
      (what) => key(`${what}/${index}`),
    );
  }
  if (!isEnded) return;
  const ending = {trajectory_id, status: outcome, summary: `reward ${run.reward}`};
  await writer.write(trajectoriesOutcome, ending, {key: key('outcome'), counts: ['outcomes']});
}

function turnOf({message, result}: Step, scope_id: string, sequence: number) {
  const {role, content, tool_calls} = message;
  return {
    scope_id,
    sequence,
    role,
    content: content ?? '',
    // A message that says nothing and calls nothing is kept as one with no calls.
    tool_calls: tool_calls ?? ((content ?? '') === '' && result === null ? [] : undefined),
    tool_results:
      result === null
        ? undefined
        : [{tool_call_id: result.callId, name: result.name, is_error: isError(result)}],
  };
}

function countsOf({message, result}: Step): string[] {
  return [
    'messages',
    ...(message.tool_calls ?? []).map(() => 'tool_calls'),
    ...(message.role === 'assistant' && (message.content ?? null) === null
      ? ['null_contents']
      : []),
    ...(result !== null && isError(result) ? ['tool_errors'] : []),
    ...(result?.text === '' ? ['empty_results'] : []),
  ];
}

type Place = {
  readonly trajectory_id: string;
  readonly scope_id: string;
  readonly turn_id: string;
  readonly sequence: number;
};

async function writeResult(
  writer: Writer,
  result: Result,
  at: Place,
  key: (what: string) => string,
): Promise<void> {
  const {trajectory_id, scope_id, turn_id, sequence} = at;
  const metadata = {tool_call_id: result.callId, name: result.name};
  const artifact = {
    trajectory_id,
    scope_id,
    artifact_type: 'ToolResult',
    name: result.name,
    content: result.text,
    provenance: {
      source_turn: sequence,
      source_turn_id: turn_id,
      extraction_method: 'ToolExtraction',
    },
    metadata,
  };
  const artifact_id = idOf(
    await writer.write(artifactsCreate, artifact, {key: key('artifact'), counts: ['artifacts']}),
    'artifact_id',
  );
  if (result.reservation === null) return;
  const note = {
    note_type: 'Fact',
    title: `reservation ${result.reservation}`,
    content: result.text,
    claim_key: `reservation:${result.reservation}/state`,
    source_trajectory_ids: [trajectory_id],
    source_artifact_ids: [artifact_id],
    source_turn_ids: [turn_id],
    metadata,
  };
  await writer.write(notesCreate, note, {key: key('note'), counts: ['notes']});
}
