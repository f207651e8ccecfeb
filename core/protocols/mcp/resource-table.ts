/** The resources: collections, and templates of single things, each with the contract that reads it. */
import {agentsGet, agentsList} from '../../../shared/wire/agents.ts';
import {artifactsGet, artifactsList} from '../../../shared/wire/artifacts.ts';
import {contextAssemble} from '../../../shared/wire/context.ts';
import type {Contract} from '../../../shared/wire/contract.ts';
import {eventsGet} from '../../../shared/wire/events.ts';
import {receiptsGet} from '../../../shared/wire/ledger.ts';
import {notesGet, notesList} from '../../../shared/wire/notes.ts';
import {scopesGet} from '../../../shared/wire/scopes.ts';
import {trajectoriesGet, trajectoriesList} from '../../../shared/wire/trajectories.ts';
import {scopesListTurns} from '../../../shared/wire/turns.ts';
import type {Stated} from './ask.ts';

/** As many items as a collection shows; its list goes on. */
export const collectionLimit = 100;

type Row = {
  readonly contract: Contract;
  readonly title: string;
  readonly description: string;
};

/** `cellstate://<name>`. */
export type Collection = Row & {readonly name: string};

/** `cellstate://<name>/{id}`, and what stands behind the id. */
export type Template = Row & {
  readonly name: string;
  readonly tail?: 'content' | 'turns' | 'context';
  /** A member that may stand in the URI's query. */
  readonly query?: string;
  readonly member: string;
  readonly more?: Stated;
  /** What completes the id: a list, the member that is the id, and the one that is a name. */
  readonly from?: {readonly list: Contract; readonly plural: string; readonly named: string};
};

const of = <I, O>(contract: Contract<I, O>): Contract => contract as Contract;

export const collections: readonly Collection[] = [
  {
    name: 'trajectories',
    contract: of(trajectoriesList),
    title: 'Trajectories',
    description: 'The newest 100 tasks',
  },
  {name: 'notes', contract: of(notesList), title: 'Notes', description: 'The newest 100 notes'},
  {
    name: 'artifacts',
    contract: of(artifactsList),
    title: 'Artifacts',
    description: 'The newest 100 artifacts',
  },
  {name: 'agents', contract: of(agentsList), title: 'Agents', description: 'The newest 100 agents'},
];

const trajectories = {list: of(trajectoriesList), plural: 'trajectories', named: 'name'};
const artifacts = {list: of(artifactsList), plural: 'artifacts', named: 'name'};

export const templates: readonly Template[] = [
  {
    name: 'trajectory',
    member: 'trajectory_id',
    contract: of(trajectoriesGet),
    title: 'A trajectory',
    description: 'A task by its id or external id',
    from: trajectories,
  },
  {
    name: 'scope',
    member: 'scope_id',
    contract: of(scopesGet),
    title: 'A scope',
    description: 'A context window',
  },
  {
    name: 'trajectory',
    tail: 'context',
    query: 'token_budget',
    member: 'trajectory_id',
    contract: of(contextAssemble),
    title: 'The context of a trajectory',
    description: 'What memory holds that matters for it, inside a budget of tokens',
    from: trajectories,
  },
  {
    name: 'scope',
    tail: 'turns',
    member: 'scope_id',
    more: {limit: collectionLimit, order: 'recent'},
    contract: of(scopesListTurns),
    title: 'The turns of a scope',
    description: 'Its newest 100 messages, oldest of them first',
  },
  {
    name: 'note',
    member: 'note_id',
    contract: of(notesGet),
    title: 'A note',
    description: 'A piece of knowledge',
    from: {list: of(notesList), plural: 'notes', named: 'title'},
  },
  {
    name: 'artifact',
    member: 'artifact_id',
    contract: of(artifactsGet),
    title: 'An artifact',
    description: 'An extracted output with what is known about it',
    from: artifacts,
  },
  {
    name: 'artifact',
    tail: 'content',
    member: 'artifact_id',
    contract: of(artifactsGet),
    title: 'The content of an artifact',
    description: 'The content alone, in its own media type',
    from: artifacts,
  },
  {
    name: 'agent',
    member: 'agent_id',
    contract: of(agentsGet),
    title: 'An agent',
    description: 'An agent of this tenant',
    from: {list: of(agentsList), plural: 'agents', named: 'name'},
  },
  {
    name: 'event',
    member: 'event_id',
    contract: of(eventsGet),
    title: 'An event',
    description: 'An event of the ledger with its payload',
  },
  {
    name: 'receipt',
    member: 'event_id',
    contract: of(receiptsGet),
    title: 'A receipt',
    description: 'The proof of an event, to verify offline',
  },
];

export const uriOfCollection = ({name}: Pick<Collection, 'name'>): string => `cellstate://${name}`;

export function uriOfTemplate({
  name,
  tail,
  query,
}: Pick<Template, 'name' | 'tail' | 'query'>): string {
  const path = tail === undefined ? '' : `/${tail}`;
  return `cellstate://${name}/{id}${path}${query === undefined ? '' : `{?${query}}`}`;
}

/** The resource of one thing. */
export const uriOf = (name: string, id: string): string => `cellstate://${name}/${id}`;
