/** Use cases of intents. In a path an intent is named by its name. */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {isKindName, kindEntity} from '../../shared/ledger/kinds.ts';
import {
  intent,
  intentsCreate,
  intentsDelete,
  intentsEvaluate,
  intentsGet,
  intentsList,
  intentsUpdate,
  type IntentChange,
} from '../../shared/wire/intents.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import {
  judgeIntent,
  readingsOf,
  type Act,
  type Intent,
  type IntentCommand,
} from '../domain/intent.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import {among, listAnswer, notDeleted, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {notFound} from './reads.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

type Spelled = {
  autonomy?: Intent['autonomy'] | null | undefined;
  boundaries?: Intent['boundaries'] | null | undefined;
  signals?: Intent['signals'] | null | undefined;
  autonomyLevel?: Intent['autonomy'] | null | undefined;
  delegationBoundaries?: Intent['boundaries'] | null | undefined;
  alignmentSignals?: Intent['signals'] | null | undefined;
};

const {autonomy, boundaries, signals} = intent.fields;

/** The three members that have two spellings; null, and in a create absence too, is the default. */
function joined(input: Spelled, isNew: boolean) {
  const one = <T>(value: T | null | undefined, fallback: T | null): T | null | undefined =>
    value === null || (isNew && value === undefined) ? fallback : value;
  const {autonomyLevel, delegationBoundaries, alignmentSignals} = input;
  return {
    autonomy: one(input.autonomy ?? autonomyLevel ?? input.autonomy, autonomy.fallback),
    boundaries: one(
      input.boundaries ?? delegationBoundaries ?? input.boundaries,
      boundaries.fallback,
    ),
    signals: one(input.signals ?? alignmentSignals ?? input.signals, signals.fallback as never),
  };
}

/** The other members of an input. */
function rest<T extends Spelled>(input: T): Omit<T, keyof Spelled> {
  const {
    autonomy: _a,
    boundaries: _b,
    signals: _c,
    autonomyLevel: _d,
    delegationBoundaries: _e,
    alignmentSignals: _f,
    ...others
  } = input;
  return others;
}

export const intentUseCases = (services: Services): Serving[] => {
  const change = (
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: IntentCommand,
    status: 200 | 201 | 204 = 200,
  ) => {
    const shown = {resource: intent, entity: 'intent', id: command.id, status};
    return mutate(services, {actor, call}, [command], shown);
  };

  /**
   * The intent that has a name now; else the last one that had it, which is retired. A change of
   * that one is refused by the pipeline, unless it is the same request again.
   */
  async function lastNamed({tenantNo}: Actor, name: string): Promise<Row<Intent>> {
    const ref = {entity: 'intent', column: 'name', values: [name]};
    const {rows} = await services.store.assemble(tenantNo, [ref], [], []);
    const found = rows.map(({row}) => row as Row<Intent>).toSorted((a, b) => b.leaf - a.leaf);
    const [last] = [...found.filter(({state}) => state.liveName !== null), ...found];
    if (last === undefined) throw notFound('intent');
    return last;
  }

  /** The intent that has a name now. Memory may know a newer version than the question found. */
  const named = async (actor: Actor, name: string): Promise<Row<Intent>> =>
    services.reads.live<Intent>(actor.tenantNo, 'intent', (await lastNamed(actor, name)).id);

  return [
    serve(intentsCreate, async ({actor, input, call}) => {
      const draft = {...rest(input), ...joined(input as Spelled, true)} as IntentDraftOf;
      const id = services.newId<'intent'>();
      const answer = await change({actor, call}, {type: 'intent.create', id, draft}, 201);
      return {...answer, location: `/api/v1/intents/${encodeURIComponent(draft.name)}`};
    }),
    serve(intentsList, ({actor, input}) =>
      listAnswer(services, actor, input, {
        route: 'intents_list',
        resource: intent,
        filters: [among('agentId', input.agentId), notDeleted],
      }),
    ),
    serve(intentsGet, async ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'intent',
        id: (await named(actor, input.intentName)).id,
        print: (row) => intent.print(row as Row<Intent>, actor.tenantId),
      }),
    ),
    serve(intentsUpdate, async ({actor, input, call}) => {
      const {intentName, ...sent} = input;
      const {id} = await lastNamed(actor, intentName);
      const set = stated({...rest(sent), ...joined(sent as Spelled, false)}) as IntentChange;
      return change({actor, call}, {type: 'intent.update', id, set});
    }),
    serve(intentsDelete, async ({actor, input, call}) => {
      const {id} = await lastNamed(actor, input.intentName);
      return change({actor, call}, {type: 'intent.retire', id}, 204);
    }),
    serve(intentsEvaluate, async ({actor, input}) => {
      const {state} = await named(actor, input.intentName);
      const act = await actOf(services, actor, state, input);
      const judged = judgeIntent(state, act);
      const shown = readingsOf(state, act).map(({signal, value, isAligned}) => ({
        name: signal.name,
        value,
        target: signal.target,
        aligned: isAligned,
      }));
      const reason = judged.is === 'pass' ? null : judged.reason;
      const body = {
        aligned: judged.is === 'pass',
        signals: shown,
        gate_verdict: {verdict: judged.is, reason},
      };
      return {body, position: await services.reads.position(actor.tenantNo)};
    }),
  ];
};

type IntentDraftOf = Extract<IntentCommand, {type: 'intent.create'}>['draft'];

/** The event that is asked about, on the entity as it is now. */
async function actOf(
  {reads}: Services,
  actor: Actor,
  of: Intent,
  input: {event: string; entity: {entity_type: string; id: Id} | null},
): Promise<Act> {
  const {event, entity} = input;
  if (!isKindName(event)) throw new CellError('INVALID_INPUT', 'event is no name of an event');
  const type = entity?.entity_type ?? null;
  if (type !== null && aggregateNamed(type) === undefined) throw notFound(type, 'entity');
  const row =
    entity === null
      ? null
      : await reads.live<object>(actor.tenantNo, entity.entity_type, entity.id, 'entity');
  const state = (row?.state ?? null) as {noteType?: string; trajectoryId?: Id | null} | null;
  const inside = type === 'trajectory' ? (entity?.id ?? null) : (state?.trajectoryId ?? null);
  const trajectory =
    inside === null ? null : await reads.row<Trajectory>(actor.tenantNo, 'trajectory', inside);
  return {
    agentId: (of.agentId as Id | null) ?? actor.agentId,
    kind: event,
    noteType: state?.noteType ?? null,
    trajectoryAgentId: (trajectory?.state.agentId as Id | undefined) ?? null,
    entity: type ?? kindEntity(event),
    state,
  };
}
