/** Use cases of artifacts. */
import type {Id, Micros} from '../../shared/ids.ts';
import {
  artifact,
  artifactsCreate,
  artifactsDelete,
  artifactsGet,
  artifactsList,
  artifactsSupersede,
  artifactsUpdate,
  scopesListArtifacts,
  trajectoriesListArtifacts,
  type ArtifactDraft,
} from '../../shared/wire/artifacts.ts';
import {provenanceOf, type Provenance} from '../../shared/wire/memory-item.ts';
import type {Actor} from '../domain/actor.ts';
import type {ArtifactCommand, ArtifactSet} from '../domain/artifact.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Filter} from '../store/list.ts';
import {claimKey} from '../text/claim.ts';
import {currentItems, includesOf} from './current.ts';
import type {Indexed} from '../pipeline/index-entry.ts';
import {identityOf, indexedOf, measure, resolveEach, withClaimKey, writerOf} from './items.ts';
import {among, leafOf, listAnswer, momentOf, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {seenBy} from './seen.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

const turnOfSequence = {
  name: 'turn_select_of_sequence',
  text: 'select x.id from mem.turn x where x.tenant_no = $1 and x.scope_id = $2 and x.sequence = $3',
};

type Caller = Pick<Request<unknown>, 'actor' | 'call'>;

/** A create as it was sent: its provenance in one of two spellings. */
export type ArtifactSent = Omit<ArtifactDraft, 'provenance'> & {
  provenance?: Provenance | undefined;
  sourceTurn?: unknown;
  extractionMethod?: unknown;
  confidence?: unknown;
};

/** The command of a new artifact: references resolved, provenance looked up, content measured. */
export async function artifactCommand(
  services: Services,
  actor: Actor,
  sent: ArtifactSent,
): Promise<Extract<ArtifactCommand, {type: 'artifact.create'}> & Indexed> {
  const {reads, store} = services;
  const {tenantNo} = actor;
  const {provenance: _p, sourceTurn: _t, extractionMethod: _m, confidence: _c, ...members} = sent;
  const rest = withClaimKey(members);
  const scopeId = await reads.resolve(tenantNo, 'scope', rest.scopeId, 'scope_id');
  const provenance = provenanceOf(sent);
  const [found] =
    provenance.source_turn > 0 && provenance.source_turn_id === null
      ? await store.read(tenantNo, (q) =>
          q.rows<{id: Id}>(turnOfSequence, [tenantNo, scopeId, provenance.source_turn]),
        )
      : [];
  const draft = {
    ...rest,
    ...measure(services, rest.content),
    scopeId,
    trajectoryId: await reads.resolve(tenantNo, 'trajectory', rest.trajectoryId, 'trajectory_id'),
    provenance: {...provenance, source_turn_id: provenance.source_turn_id ?? found?.id ?? null},
  };
  const identityKey = await identityOf(services, actor, 'artifact', draft);
  return {
    type: 'artifact.create',
    id: services.newId<'artifact'>(),
    draft: {...draft, identityKey},
    writer: writerOf(actor),
    indexed: indexedOf(services, actor, 'artifact', draft),
  };
}

/** A change with what follows from a new content. */
export function artifactSet(services: Services, set: ArtifactSet): ArtifactSet {
  const sent = withClaimKey(stated(set) as ArtifactSet);
  return typeof sent.content === 'string' ? {...sent, ...measure(services, sent.content)} : sent;
}

export const artifactUseCases = (services: Services): Serving[] => {
  const {reads} = services;
  const print =
    (actor: Actor) =>
    (row: Row<unknown>, leaf: number | null = null) =>
      seenBy(services, actor, leaf).artifact(row);

  const change = (
    caller: Caller,
    commands: readonly ArtifactCommand[],
    id: Id,
    status: 200 | 201 | 204,
  ) =>
    mutate(services, caller, commands, {
      resource: artifact,
      entity: 'artifact',
      id,
      status,
      print: print(caller.actor),
    });

  type ListInput = Parameters<typeof listAnswer>[2] & {
    include?: string | undefined;
    validAt?: Micros | undefined;
  };
  const list = async (
    actor: Actor,
    input: ListInput,
    route: string,
    filters: (Filter | null)[],
    limit?: number,
  ) => {
    const now = await momentOf(services, actor.tenantNo, input);
    const moment = {now, validAt: input.validAt ?? now};
    return listAnswer(services, actor, input, {
      route,
      resource: artifact,
      print: print(actor),
      filters: [...filters, ...currentItems('artifact', includesOf(input.include), moment)],
      ...(limit === undefined ? {} : {limit}),
    });
  };

  return [
    serve(artifactsCreate, async ({actor, input, call}) => {
      const command = await artifactCommand(services, actor, input as ArtifactSent);
      return change({actor, call}, [command], command.id, 201);
    }),
    serve(artifactsList, async ({actor, input}) => {
      const {trajectoryId, scopeId} = input;
      const scopeIds =
        scopeId && (await resolveEach(services, actor, 'scope', scopeId, 'scope_id'));
      const within =
        trajectoryId &&
        (await resolveEach(services, actor, 'trajectory', trajectoryId, 'trajectory_id'));
      const filters = [
        among('scopeId', scopeIds),
        among('trajectoryId', within),
        among('artifactType', input.artifactType),
        among('claimKey', input.claimKey?.map(claimKey)),
        among('name', input.name),
        among('externalId', input.externalId),
      ];
      // One answer is taken for the whole of a scope: as many as a scope may hold.
      return list(
        actor,
        input,
        'artifacts_list',
        filters,
        scopeIds === undefined ? undefined : 1_000,
      );
    }),
    serve(trajectoriesListArtifacts, async ({actor, input}) => {
      const {tenantNo} = actor;
      const leaf = await leafOf(services, tenantNo, input);
      const id = await reads.resolveLive(
        tenantNo,
        'trajectory',
        input.trajectoryId,
        undefined,
        leaf,
      );
      return list(actor, input, `trajectories_list_artifacts/${id}`, [among('trajectoryId', [id])]);
    }),
    serve(scopesListArtifacts, async ({actor, input}) => {
      const id = await reads.resolve(actor.tenantNo, 'scope', input.scopeId);
      return list(actor, input, `scopes_list_artifacts/${id}`, [among('scopeId', [id])]);
    }),
    serve(artifactsGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'artifact',
        id: input.artifactId,
        print: print(actor),
      }),
    ),
    serve(artifactsUpdate, ({actor, input, call}) => {
      const {artifactId, ...set} = input;
      const command = {
        type: 'artifact.update',
        id: artifactId,
        set: artifactSet(services, set as ArtifactSet),
        writer: writerOf(actor),
        indexed: indexedOf(services, actor, 'artifact', stated(set), artifactId),
      } as const;
      return change({actor, call}, [command], artifactId, 200);
    }),
    serve(artifactsDelete, ({actor, input, call}) =>
      change(
        {actor, call},
        [{type: 'artifact.delete', id: input.artifactId}],
        input.artifactId,
        204,
      ),
    ),
    serve(artifactsSupersede, async ({actor, input, call}) => {
      const {artifactId, byId, reason, ...sent} = input;
      const made =
        byId === undefined ? await artifactCommand(services, actor, sent as ArtifactSent) : null;
      const by = made?.id ?? byId ?? artifactId;
      const supersede = {type: 'artifact.supersede', id: artifactId, byId: by, reason} as const;
      const commands = made === null ? [supersede] : [made, supersede];
      return change({actor, call}, commands, by, made === null ? 200 : 201);
    }),
  ];
};
