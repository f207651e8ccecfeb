/** Use cases of search. */
import type {Id, Micros} from '../../shared/ids.ts';
import {sourceClass, abstractionLevel} from '../../shared/wire/enums.ts';
import {time} from '../../shared/wire/scalar.ts';
import {artifactsSearch, notesSearch, searchAll} from '../../shared/wire/search.ts';
import type {Actor} from '../domain/actor.ts';
import {allKinds, search, type Hit, type Question} from '../recall/search.ts';
import {nameOf, snippetOf} from '../recall/snippet.ts';
import type {SearchKind} from '../text/index-row.ts';
import {leafOf} from './list.ts';
import type {AsOf} from './reads.ts';
import {seenBy, type Seen} from './seen.ts';
import {serve, type Answer, type Services, type Serving} from './services.ts';

type Input = AsOf & {
  readonly query: string;
  readonly mode: string;
  readonly limit: number;
  readonly minScore?: number | null | undefined;
  readonly trajectoryId?: string | null | undefined;
  readonly scopeId?: string | null | undefined;
  readonly agentId?: Id | null | undefined;
  readonly include: readonly ('superseded' | 'invalid')[];
  readonly validAt?: Micros | undefined;
};

type Moment = {readonly leaf: number | null; readonly now: Micros; readonly validAt: Micros};

/** The moments that a question is about: the ledger's, that of lifetimes, that of validity. */
export async function momentOf(
  services: Services,
  {tenantNo}: Actor,
  input: AsOf & {readonly validAt?: Micros | undefined},
): Promise<Moment> {
  const leaf = await leafOf(services, tenantNo, input);
  // Events are never older than those before them: what was just written may bear a time that this
  // machine's clock has yet to reach, and is found all the same.
  const {lastAt = 0} = services.laneOf(tenantNo).memory.tenants.get(tenantNo)?.head ?? {};
  const now = input.asOf ?? Math.max(services.now(), lastAt);
  return {leaf, now, validAt: input.validAt ?? now};
}

/** A reference that a question may leave out, as the id it names. */
export const liveId = async (
  {reads}: Services,
  {tenantNo}: Actor,
  entity: 'trajectory' | 'scope',
  reference: string | null | undefined,
): Promise<Id | null> =>
  reference ? reads.resolveLive(tenantNo, entity, reference, `${entity}_id`) : null;

async function questionOf(
  services: Services,
  actor: Actor,
  input: Input,
  kinds: readonly SearchKind[],
): Promise<Question> {
  const {agentId = null} = input;
  if (agentId !== null) await services.reads.live(actor.tenantNo, 'agent', agentId, 'agent_id');
  return {
    tenant: actor.tenantNo,
    query: input.query,
    kinds,
    trajectoryId: await liveId(services, actor, 'trajectory', input.trajectoryId),
    scopeId: await liveId(services, actor, 'scope', input.scopeId),
    agentId,
    limit: input.limit,
    minScore: input.minScore ?? null,
    includes: new Set(input.include),
    ...(await momentOf(services, actor, input)),
  };
}

type Shown = Record<string, unknown>;

function shownHit(hit: Hit, terms: ReadonlySet<number>): Shown {
  const {kind, row, score, state, speaker, trajectoryId, scopeId} = hit;
  const {trust, sourceClass: source, content, validFrom, validTo} = row.state;
  return {
    entity_type: kind,
    id: row.id,
    name: nameOf(kind, row.state),
    snippet: typeof content === 'string' ? snippetOf(content, terms) : '',
    score,
    trust: sourceClass.print?.(trust as 'user'),
    state,
    valid_from: time.print?.(validFrom as Micros),
    valid_to: validTo === null || validTo === undefined ? null : time.print?.(validTo as Micros),
    source: sourceClass.print?.(source as 'user'),
    speaker,
    version: row.version,
    trajectory_id: trajectoryId,
    scope_id: scopeId,
  };
}

/** Meanings are searched once there is a model; until then words are, and the answer says so. */
const remarksOf = (mode: string): object[] =>
  mode === 'vector' || mode === 'hybrid'
    ? [{code: 'no_embedding_model', message: `mode ${mode} needs a model; words were searched`}]
    : [];

type More = (hit: Hit, seen: Seen) => Promise<Shown>;

export const searchUseCases = (services: Services): Serving[] => {
  async function answer(
    actor: Actor,
    input: Input,
    kinds: readonly SearchKind[],
    more: More,
  ): Promise<Answer> {
    const question = await questionOf(services, actor, input, kinds);
    const position = question.leaf ?? (await services.reads.position(actor.tenantNo));
    const found = await services.store.read(actor.tenantNo, (q) => search(q, question));
    const seen = seenBy(services, actor, question.leaf);
    const results = await Promise.all(
      found.hits.map(async (hit) => ({...shownHit(hit, found.terms), ...(await more(hit, seen))})),
    );
    const body = {
      results,
      total: found.total,
      total_is_capped: found.totalIsCapped,
      mode: 'lexical',
      warnings: remarksOf(input.mode),
    };
    return {body, position};
  }

  const levelOf = ({row}: Hit) =>
    abstractionLevel.print?.((row.state['abstractionLevel'] ?? 'raw') as 'raw');

  const whole =
    (kind: 'artifact' | 'note'): More =>
    async (hit, seen) => ({
      [kind]: await seen[kind](hit.row),
      [`${kind}_id`]: hit.row.id,
      abstraction_level: levelOf(hit),
      created_at: time.print?.(hit.row.createdAt),
    });

  return [
    serve(searchAll, ({actor, input}) =>
      answer(actor, input, input.entityTypes ?? allKinds, () => Promise.resolve({})),
    ),
    serve(notesSearch, ({actor, input}) => answer(actor, input, ['note'], whole('note'))),
    serve(artifactsSearch, ({actor, input}) =>
      answer(actor, input, ['artifact'], whole('artifact')),
    ),
  ];
};
