/** Use cases of turns. */
import {
  scopesListTurns,
  scopesRewind,
  trajectoriesListTurns,
  turn,
  turnsCreate,
  turnsGet,
  type TurnDraft,
} from '../../shared/wire/turns.ts';
import type {Id} from '../../shared/ids.ts';
import {camel, renameKeys} from '../../shared/wire/resource.ts';
import type {Actor} from '../domain/actor.ts';
import type {Scope} from '../domain/scope.ts';
import type {TurnCommand} from '../domain/turn.ts';
import {selectEvents, selectPayload} from '../store/events.ts';
import type {Filter} from '../store/list.ts';
import type {Query} from '../store/store.ts';
import {countTokens} from '../text/tokens.ts';
import type {Indexed} from '../pipeline/index-entry.ts';
import {indexedOf, measure, writerOf} from './items.ts';
import {among, leafOf, listAnswer, oneAnswer} from './list.ts';
import {mutate, ranAnswer} from './mutate.ts';
import {seenBy} from './seen.ts';
import {serve, type Services, type Serving} from './services.ts';

/** Whether the scope `c` has taken the turn `x` back. */
const isTakenBack = `exists (select 1 from jsonb_array_elements(c.doc -> 'rewound') r
      where x.sequence between (r ->> 0)::bigint and (r ->> 1)::bigint)`;

/** Turns that a rewind took back leave the lists; of the past those that it had taken back by then. */
const notRewound: Filter = {unless: {entity: 'scope', on: 'scope_id', condition: isTakenBack}};

/** Scopes keep count of their turns, so that a list need not walk a long thread for its total. */
const countedBy = (column: 'id' | 'trajectory_id', actor: Actor, id: Id) => async (q: Query) => {
  const statement = {
    name: `scope_sum_turns_by_${column}`,
    text: `select coalesce(sum((s.doc ->> 'turn_count')::bigint - (s.doc ->> 'rewound_count')::bigint), 0)::bigint as total
      from mem.scope s where s.tenant_no = $1 and s.${column} = $2`,
  };
  const [found] = await q.rows<{total: number}>(statement, [actor.tenantNo, id]);
  return found?.total ?? 0;
};

const toolsText = (value: unknown): string => (value === null ? '' : JSON.stringify(value));

/** The command of a new turn. `scopeId` is the resolved scope. */
export function turnCommand(
  services: Services,
  actor: Actor,
  scopeId: Id,
  draft: Omit<TurnDraft, 'scopeId'>,
): TurnCommand & Indexed {
  const {content, toolCalls, toolResults} = draft;
  const {tokenCount, ...measured} = measure(services, content);
  const counted = tokenCount + countTokens(toolsText(toolCalls) + toolsText(toolResults));
  return {
    type: 'turn.create',
    id: services.newId<'turn'>(),
    draft: {...draft, ...measured, scopeId, tokenCount: draft.tokenCount ?? counted},
    writer: writerOf(actor),
    indexed: indexedOf(services, actor, 'turn', draft),
  };
}

const keptTurns = {
  name: 'turn_select_kept',
  text: `select count(*)::int as turns, coalesce(sum(x.token_count), 0)::bigint as tokens
    from mem.turn x where x.tenant_no = $1 and x.scope_id = $2 and x.sequence < $3
      and not exists (select 1 from mem.scope c where c.tenant_no = x.tenant_no and c.id = x.scope_id and ${isTakenBack})`,
};

export const turnUseCases = (services: Services): Serving[] => {
  const {reads, store} = services;
  return [
    serve(turnsCreate, async ({actor, input, call}) => {
      const {scopeId: reference, ...draft} = input;
      const scopeId = await reads.resolve(actor.tenantNo, 'scope', reference, 'scope_id');
      const command = turnCommand(services, actor, scopeId, draft);
      const shown = {resource: turn, entity: 'turn', id: command.id, status: 201} as const;
      const print = seenBy(services, actor).turn;
      return mutate(services, {actor, call}, [command], {...shown, print});
    }),
    serve(turnsGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'turn',
        id: input.turnId,
        print: (row, leaf) => seenBy(services, actor, leaf).turn(row),
      }),
    ),
    serve(scopesListTurns, async ({actor, input}) => {
      const scopeId = await reads.resolve(actor.tenantNo, 'scope', input.scopeId);
      return listAnswer(services, actor, input, {
        route: `scopes_list_turns/${scopeId}`,
        resource: turn,
        filters: [among('scopeId', [scopeId]), notRewound],
        orderBy: 'sequence',
        order: 'recent',
        count: countedBy('id', actor, scopeId),
        print: (row, leaf) => seenBy(services, actor, leaf).turn(row),
      });
    }),
    serve(trajectoriesListTurns, async ({actor, input}) => {
      const {tenantNo} = actor;
      const leaf = await leafOf(services, tenantNo, input);
      const id = await reads.resolveLive(
        tenantNo,
        'trajectory',
        input.trajectoryId,
        undefined,
        leaf,
      );
      return listAnswer(services, actor, input, {
        route: `trajectories_list_turns/${id}`,
        resource: turn,
        filters: [among('trajectoryId', [id]), notRewound],
        order: 'asc',
        count: countedBy('trajectory_id', actor, id),
        print: (row, leaf) => seenBy(services, actor, leaf).turn(row),
      });
    }),
    serve(scopesRewind, async ({actor, input, call}) => {
      const {tenantNo} = actor;
      const scopeId = await reads.resolve(tenantNo, 'scope', input.scopeId);
      const row = await reads.live<Scope>(tenantNo, 'scope', scopeId);
      const values = [tenantNo, scopeId, input.fromSequence];
      const [kept = {turns: 0, tokens: 0}] = await store.read(tenantNo, (q) =>
        q.rows<{turns: number; tokens: number}>(keptTurns, values),
      );
      const seen = {version: row.version, lastSequence: row.state.lastSequence};
      const {fromSequence} = input;
      const rewind = {type: 'scope.rewind', id: scopeId, fromSequence, kept, seen} as const;
      const appended = input.append.map((one) =>
        turnCommand(services, actor, scopeId, draftOf(one)),
      );
      const ran = await services.pipeline.run(actor, call, [rewind, ...appended]);
      const event = await rewoundBy(
        services,
        actor,
        ran.is === 'same' ? ran.leaf : (ran.event?.leaf ?? -1),
      );
      const print = seenBy(services, actor).turn;
      const made = await Promise.all(
        event.turnIds.map((id) => reads.live<unknown>(tenantNo, 'turn', id)),
      );
      const body = {superseded: event.superseded, turns: await Promise.all(made.map(print))};
      if (ran.is === 'same')
        return {body, position: ran.position, isReplayed: true, event: event.of};
      return {body, ...ranAnswer(services, actor, ran)};
    }),
  ];
};

/** An appended turn as a draft: its names are those of the wire, and its scope is the path's. */
function draftOf(appended: object): Omit<TurnDraft, 'scopeId'> {
  const {scopeId: _, ...draft} = renameKeys(appended, camel) as TurnDraft;
  return draft;
}

/** What a rewind's group did, read off the ledger, so that a replay answers the same. */
async function rewoundBy({store}: Services, {tenantNo}: Actor, leaf: number) {
  return store.read(tenantNo, async (q) => {
    const [first] = await selectEvents(q, tenantNo, {after: leaf - 1, before: leaf + 1, limit: 1});
    const parts = await selectPayload(q, tenantNo, leaf);
    const count = first?.header.grp[1] ?? 1;
    const rest = await selectEvents(q, tenantNo, {after: leaf, before: leaf + count, limit: count});
    const {data} = JSON.parse(parts?.data ?? '{"data":{}}') as {data: {superseded?: number}};
    const turnIds = rest.flatMap(({header}) => (header.ent === null ? [] : [header.ent.id]));
    const of = first === undefined ? null : {id: first.id, hash: first.hash};
    return {superseded: data.superseded ?? 0, turnIds, of};
  });
}
