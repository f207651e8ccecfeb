/** Use cases of notes. */
import type {Id, Micros} from '../../shared/ids.ts';
import {
  note,
  notesCreate,
  notesDelete,
  notesGet,
  notesList,
  notesSupersede,
  notesUpdate,
  trajectoriesListNotes,
  type NoteDraft,
} from '../../shared/wire/notes.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import type {NoteCommand, NoteSet} from '../domain/note.ts';
import type {Filter} from '../store/list.ts';
import {claimKey} from '../text/claim.ts';
import {currentItems, includesOf} from './current.ts';
import type {Indexed} from '../pipeline/index-entry.ts';
import {
  identityOf,
  indexedOf,
  measure,
  resolveEach,
  resolveOptional,
  withClaimKey,
  writerOf,
} from './items.ts';
import {among, leafOf, listAnswer, momentOf, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {seenBy} from './seen.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';
import {owningAgent} from './trajectories.ts';

type Caller = Pick<Request<unknown>, 'actor' | 'call'>;

/** The command of a new note: references resolved, owner chosen, content measured. */
export async function noteCommand(
  services: Services,
  actor: Actor,
  sent: NoteDraft,
): Promise<Extract<NoteCommand, {type: 'note.create'}> & Indexed> {
  const {scopeId, sourceTrajectoryIds, agentId, ...members} = sent;
  const rest = withClaimKey(members);
  const draft = {
    ...rest,
    ...measure(services, rest.content),
    agentId: await owningAgent(services, actor, agentId),
    scopeId: await resolveOptional(services, actor, 'scope', scopeId, 'scope_id'),
    sourceTrajectoryIds: await resolveEach(
      services,
      actor,
      'trajectory',
      sourceTrajectoryIds,
      'source_trajectory_ids',
    ),
  };
  const identityKey = await identityOf(services, actor, 'note', draft);
  return {
    type: 'note.create',
    id: services.newId<'note'>(),
    draft: {...draft, identityKey},
    writer: writerOf(actor),
    indexed: indexedOf(services, actor, 'note', draft),
  };
}

/** A change with what follows from a new content. */
export function noteSet(services: Services, set: NoteSet): NoteSet {
  const sent = withClaimKey(stated(set) as NoteSet);
  return typeof sent.content === 'string' ? {...sent, ...measure(services, sent.content)} : sent;
}

/** Notes drawn from a trajectory, also where it is not the first of several. */
const drawnFrom = (ids: readonly Id[]): Filter => ({
  sql: 'x.source_trajectory_ids && $p::uuid[]',
  value: [...ids],
});

export const noteUseCases = (services: Services): Serving[] => {
  const print =
    (actor: Actor) =>
    (row: Row<unknown>, leaf: number | null = null) =>
      seenBy(services, actor, leaf).note(row);

  const change = (
    caller: Caller,
    commands: readonly NoteCommand[],
    id: Id,
    status: 200 | 201 | 204,
  ) =>
    mutate(services, caller, commands, {
      resource: note,
      entity: 'note',
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
  ) => {
    const now = await momentOf(services, actor.tenantNo, input);
    const moment = {now, validAt: input.validAt ?? now};
    return listAnswer(services, actor, input, {
      route,
      resource: note,
      print: print(actor),
      filters: [...filters, ...currentItems('note', includesOf(input.include), moment)],
    });
  };

  return [
    serve(notesCreate, async ({actor, input, call}) => {
      const command = await noteCommand(services, actor, input);
      return change({actor, call}, [command], command.id, 201);
    }),
    serve(notesList, async ({actor, input}) => {
      const {sourceTrajectoryId} = input;
      const from =
        sourceTrajectoryId &&
        (await resolveEach(
          services,
          actor,
          'trajectory',
          sourceTrajectoryId,
          'source_trajectory_id',
        ));
      return list(actor, input, 'notes_list', [
        among('noteType', input.noteType),
        among('agentId', input.agentId),
        among('abstractionLevel', input.abstractionLevel),
        among('regionId', input.regionId),
        among('claimKey', input.claimKey?.map(claimKey)),
        among('externalId', input.externalId),
        from === undefined ? null : drawnFrom(from),
      ]);
    }),
    serve(trajectoriesListNotes, async ({actor, input}) => {
      const {tenantNo} = actor;
      const leaf = await leafOf(services, tenantNo, input);
      const id = await services.reads.resolveLive(
        tenantNo,
        'trajectory',
        input.trajectoryId,
        undefined,
        leaf,
      );
      return list(actor, input, `trajectories_list_notes/${id}`, [drawnFrom([id])]);
    }),
    serve(notesGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {entity: 'note', id: input.noteId, print: print(actor)}),
    ),
    serve(notesUpdate, ({actor, input, call}) => {
      const {noteId, ...set} = input;
      const command = {
        type: 'note.update',
        id: noteId,
        set: noteSet(services, set as NoteSet),
        writer: writerOf(actor),
        indexed: indexedOf(services, actor, 'note', stated(set), noteId),
      } as const;
      return change({actor, call}, [command], noteId, 200);
    }),
    serve(notesDelete, ({actor, input, call}) =>
      change({actor, call}, [{type: 'note.delete', id: input.noteId}], input.noteId, 204),
    ),
    serve(notesSupersede, async ({actor, input, call}) => {
      const {noteId, byId, reason, ...sent} = input;
      const made =
        byId === undefined ? await noteCommand(services, actor, sent as NoteDraft) : null;
      const by = made?.id ?? byId ?? noteId;
      const supersede = {type: 'note.supersede', id: noteId, byId: by, reason} as const;
      const commands = made === null ? [supersede] : [made, supersede];
      return change({actor, call}, commands, by, made === null ? 200 : 201);
    }),
  ];
};
