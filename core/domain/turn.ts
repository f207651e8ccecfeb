/**
 * A turn: one message in a scope.
 *
 * It needs its scope and nothing else, which the lane has in memory, so an ordinary turn is decided
 * without a question to the database. It has one event in its life: what ends its content or takes
 * it back happens to the scope.
 */
import type {Hex, Id, Micros} from '../../shared/ids.ts';
import type {TurnDraft, TurnState} from '../../shared/wire/turns.ts';
import type {SourceClass} from './actor.ts';
import {byId, type Aggregate, type Decision, type View, type Warning} from './aggregate.ts';
import {
  itemsOf,
  refsOf,
  trustOf,
  type ContentState,
  type Seen,
  type Writer,
} from './memory-item.ts';
import type {Scope} from './scope.ts';

export type Turn = Omit<
  TurnState,
  keyof Seen | 'superseded' | 'scopeId' | 'content' | 'sequence' | 'tokenCount' | 'validFrom'
> & {
  readonly scopeId: Id;
  /** The scope's: the chain its event stands on. */
  readonly trajectoryId: Id;
  readonly sequence: number;
  readonly tokenCount: number;
  readonly validFrom: Micros;
  /** Null once it has been destroyed; `turnContentState` tells when it is no longer shown. */
  readonly content: string | null;
};

/** What a create brings: the use case has resolved the scope, hashed, measured and counted. */
export type TurnMade = Omit<TurnDraft, 'scopeId' | 'tokenCount'> & {
  readonly scopeId: Id;
  /** The caller's count, else the tokenizer's of content and tools. */
  readonly tokenCount: number;
  /** SHA-256 of the content's bytes. */
  readonly contentHash: Hex;
  readonly sizeBytes: number;
};

export type TurnCommand = {type: 'turn.create'; id: Id; draft: TurnMade; writer: Writer};

type Placed = Omit<TurnMade, 'sequence' | 'sourceClass'> & {
  readonly trajectoryId: Id;
  readonly sequence: number;
  readonly sourceClass: SourceClass;
  readonly trust: SourceClass;
};

export type TurnEvent = {kind: 'turn.created'; data: Placed};

/** What a role is worth by itself; a tool that is registered as internal is worth more. */
const classOfRole: Readonly<Record<Turn['role'], SourceClass>> = {
  user: 'user',
  assistant: 'inference',
  system: 'tool_internal',
  tool: 'tool_external',
};

type OverBudget = {readonly setting: string; readonly limit: number; readonly value: number};

/** How a scope's budget would be passed by so many tokens more; null while it is not. */
export function overBudget(
  scope: Pick<Scope, 'tokensUsed' | 'tokenBudget'>,
  tokens: number,
): OverBudget | null {
  const value = scope.tokensUsed + tokens;
  return value <= scope.tokenBudget
    ? null
    : {setting: 'token_budget', limit: scope.tokenBudget, value};
}

const budgetWarning = (why: OverBudget): Warning => ({
  code: 'budget_exceeded',
  why,
  message: `the scope holds ${why.value} tokens, its budget is ${why.limit}`,
});

function decideCreate({draft, writer}: TurnCommand, v: View): Decision<TurnEvent> {
  const row = v.row<Scope>('scope', draft.scopeId);
  if (row === null) return {refuse: 'SCOPE_NOT_FOUND'};
  const scope = row.state;
  if (!scope.isActive) return {refuse: 'STATE_CONFLICT', why: {reason: 'scope_closed'}};
  const sequence = draft.sequence ?? scope.lastSequence + 1;
  if (sequence <= scope.lastSequence) {
    const why = {field: 'sequence', want: sequence, found: scope.lastSequence};
    return {refuse: 'CONCURRENT_MODIFICATION', why: {...why, current_version: row.version}};
  }
  const limit = Number.MAX_SAFE_INTEGER;
  if (sequence > limit) return {refuse: 'LIMIT_EXCEEDED', why: {setting: 'sequence', limit}};
  const lineage = itemsOf(v, [...draft.derivedFrom, ...draft.recalledFrom]);
  const trusted = trustOf(draft, writer, classOfRole[draft.role], lineage);
  if ('refuse' in trusted) return trusted;
  const why = overBudget(scope, draft.tokenCount);
  if (why !== null && v.settings['scope_budget_mode'] === 'deny') {
    return {refuse: 'LIMIT_EXCEEDED', why};
  }
  const data: Placed = {
    ...draft,
    ...trusted,
    sequence,
    trajectoryId: scope.trajectoryId,
    subject: draft.subject ?? scope.subject,
    recalled: draft.recalled || draft.recalledFrom.length > 0,
  };
  const warn = why === null ? [] : [budgetWarning(why)];
  return {events: [{kind: 'turn.created', data}], warn};
}

export const turn: Aggregate<TurnCommand, TurnEvent, Turn> = {
  name: 'turn',
  columns: [
    'scopeId',
    'trajectoryId',
    'sequence',
    'role',
    'tokenCount',
    'content',
    'toolCalls',
    'toolResults',
  ],
  content: ['content', 'toolCalls', 'toolResults'],
  missing: 'ENTITY_NOT_FOUND',
  within: {scopeId: 'scope'},
  chain: (s) => s.trajectoryId,
  needs: ({draft}) => [
    byId('scope', draft.scopeId),
    ...refsOf([...draft.derivedFrom, ...draft.recalledFrom]),
  ],
  decide: (c, _, v) => decideCreate(c, v),
  evolve: (_, e) => ({...e.data, validFrom: e.data.validFrom ?? e.at, copiedFrom: null}),
};

/** What a reader gets of a turn's content: it ends with its scope, unless the tenant keeps turns. */
export const turnContentState = (scope: Pick<Scope, 'isActive' | 'turnsKept'>): ContentState =>
  scope.isActive || scope.turnsKept ? 'present' : 'released';
