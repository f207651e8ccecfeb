/** The set `memory`: what agents write down and find again. */
import {z} from 'zod';
import {agentsCreate, agentsList} from '../../../../shared/wire/agents.ts';
import {contextAssemble} from '../../../../shared/wire/context.ts';
import {artifactsCreate, artifactsGet} from '../../../../shared/wire/artifacts.ts';
import type {Contract} from '../../../../shared/wire/contract.ts';
import {notesCreate, notesSupersede, notesUpdate} from '../../../../shared/wire/notes.ts';
import {scopesCheckpoint, scopesClose, scopesCreate} from '../../../../shared/wire/scopes.ts';
import {artifactsSearch, notesSearch, searchAll} from '../../../../shared/wire/search.ts';
import {
  trajectoriesCreate,
  trajectoriesGet,
  trajectoriesList,
  trajectoriesOutcome,
} from '../../../../shared/wire/trajectories.ts';
import {turnsCreate} from '../../../../shared/wire/turns.ts';
import {toolOf, type Tool} from '../tool.ts';

const set = 'memory';
/** As many items as a model reads with profit. */
const limit = z.int().min(1).max(100).default(20);
const fewer = z.int().min(1).max(50).default(10);
const found = ['results', 'mode', 'warnings'];
/** What a scope holds where its maker says nothing, as agents have known it. */
const token_budget = z.int().min(1).max(10_000_000).default(4_096);

const of = <I, O>(contract: Contract<I, O>): Contract => contract as Contract;

export const memoryTools: readonly Tool[] = [
  toolOf({
    set,
    name: 'trajectory_create',
    title: 'Begin a trajectory',
    description:
      'Begin a task or goal. Everything you record belongs to one. Give parent_trajectory_id for a subtask.',
    contract: of(trajectoriesCreate),
    kind: 'creates',
    as: 'trajectory',
  }),
  toolOf({
    set,
    name: 'trajectory_get',
    title: 'Read a trajectory',
    description: 'Read a task by its id or external id, now or as of a moment.',
    contract: of(trajectoriesGet),
    kind: 'reads',
    as: 'trajectory',
  }),
  toolOf({
    set,
    name: 'trajectory_list',
    title: 'List trajectories',
    description: 'List tasks, newest first, by status, agent or parent.',
    contract: of(trajectoriesList),
    kind: 'reads',
    members: ['trajectories', 'next_cursor'],
    own: {limit},
  }),
  toolOf({
    set,
    name: 'trajectory_end',
    title: 'End a trajectory',
    description: 'End a task with its outcome: Success, Partial or Failure, and what came of it.',
    contract: of(trajectoriesOutcome),
    kind: 'changes',
    as: 'trajectory',
  }),
  toolOf({
    set,
    name: 'scope_create',
    title: 'Open a scope',
    description:
      'Open a context window inside a task. Turns and artifacts go into a scope; its token budget bounds them.',
    contract: of(scopesCreate),
    kind: 'creates',
    as: 'scope',
    own: {token_budget},
  }),
  toolOf({
    set,
    name: 'scope_close',
    title: 'Close a scope',
    description:
      'Close a context window: the content of its turns ends. Keep what matters as artifacts or notes first.',
    contract: of(scopesClose),
    kind: 'ends',
    as: 'scope',
  }),
  toolOf({
    set,
    name: 'scope_checkpoint',
    title: 'Save a state of a scope',
    description: 'Save a state of yours with a scope, in base64, to go on from later.',
    contract: of(scopesCheckpoint),
    kind: 'changes',
    as: 'scope',
  }),
  toolOf({
    set,
    name: 'turn_append',
    title: 'Append a turn',
    description:
      'Append one message to a scope: role User, Assistant, System or Tool, content, tool calls and results.',
    contract: of(turnsCreate),
    kind: 'creates',
    as: 'turn',
  }),
  toolOf({
    set,
    name: 'note_create',
    title: 'Keep a note',
    description:
      'Keep knowledge that outlives the task: a fact, a rule, an insight. The same note twice is one note.',
    contract: of(notesCreate),
    kind: 'creates once',
    as: 'note',
  }),
  toolOf({
    set,
    name: 'note_update',
    title: 'Change a note',
    description: 'Change members of a note. For knowledge that became wrong use note_supersede.',
    contract: of(notesUpdate),
    kind: 'changes',
    as: 'note',
  }),
  toolOf({
    set,
    name: 'note_supersede',
    title: 'Supersede a note',
    description:
      'Replace a note that became wrong by a new one, or by one that is there (by_id). The old one stays provable.',
    contract: of(notesSupersede),
    kind: 'changes',
    as: 'note',
  }),
  toolOf({
    set,
    name: 'note_search',
    title: 'Search notes',
    description: 'Find notes by the words they hold, best first.',
    contract: of(notesSearch),
    kind: 'reads',
    members: found,
    own: {limit: fewer},
  }),
  toolOf({
    set,
    name: 'artifact_search',
    title: 'Search artifacts',
    description: 'Find artifacts by the words they hold, best first.',
    contract: of(artifactsSearch),
    kind: 'reads',
    members: found,
    own: {limit: fewer},
  }),
  toolOf({
    set,
    name: 'search',
    title: 'Search memory',
    description: 'Find turns, artifacts and notes by the words they hold, best first.',
    contract: of(searchAll),
    kind: 'reads',
    members: found,
    own: {limit: fewer},
  }),
  toolOf({
    set,
    name: 'artifact_create',
    title: 'Keep an artifact',
    description:
      'Keep an output extracted in a scope, with where it was found. The same artifact twice is one.',
    contract: of(artifactsCreate),
    kind: 'creates once',
    as: 'artifact',
  }),
  toolOf({
    set,
    name: 'artifact_get',
    title: 'Read an artifact',
    description: 'Read an artifact by its id, now or as of a moment.',
    contract: of(artifactsGet),
    kind: 'reads',
    as: 'artifact',
  }),
  toolOf({
    set,
    name: 'context_assemble',
    title: 'Assemble a context',
    description:
      'Before you answer: what memory holds that matters for a task and an input, inside a budget of tokens, as text with numbered sources.',
    contract: of(contextAssemble),
    kind: 'reads',
    members: Object.keys((contextAssemble.output as unknown as z.ZodObject).shape),
    text: ({context}) => String(context),
  }),
  toolOf({
    set,
    name: 'agent_register',
    title: 'Register an agent',
    description:
      'Register an agent of this tenant: its type, capabilities, and what of memory it may read and write.',
    contract: of(agentsCreate),
    kind: 'creates',
    as: 'agent',
  }),
  toolOf({
    set,
    name: 'agent_list',
    title: 'List agents',
    description: 'List the agents of this tenant by type, status or team.',
    contract: of(agentsList),
    kind: 'reads',
    members: ['agents', 'next_cursor'],
    own: {limit},
  }),
];
