/**
 * Batches: each item a mutation of its own, or with `atomic` all of them one event group.
 *
 * One idempotency key covers a batch: item i stands under (key, i), so a retry after a cut runs only
 * the items that did not. Inside an atomic batch nothing is deduplicated: one existing item would
 * end the whole group.
 */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import {
  batchArtifacts,
  batchNotes,
  batchTrajectories,
  batchTurns,
  type BatchItem,
} from '../../shared/wire/batch.ts';
import {artifact} from '../../shared/wire/artifacts.ts';
import {note, type NoteDraft} from '../../shared/wire/notes.ts';
import type {Fields, Resource} from '../../shared/wire/resource.ts';
import {trajectory, type TrajectoryDraft} from '../../shared/wire/trajectories.ts';
import {turn, type TurnDraft} from '../../shared/wire/turns.ts';
import type {Actor} from '../domain/actor.ts';
import type {Command, Row} from '../domain/aggregate.ts';
import {artifactCommand, artifactSet, type ArtifactSent} from './artifacts.ts';
import {writerOf} from './items.ts';
import {mutate} from './mutate.ts';
import {noteCommand, noteSet} from './notes.ts';
import {seenBy} from './seen.ts';
import {serve, type Answer, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';
import {trajectoryCommand} from './trajectories.ts';
import {turnCommand} from './turns.ts';

type Kind = {
  readonly entity: string;
  readonly resource: Resource<Fields>;
  create(actor: Actor, sent: object): Promise<Command>;
  update(actor: Actor, id: Id, set: object): Command;
  remove(id: Id): Command;
  resolve(actor: Actor, reference: string): Promise<Id>;
  print(actor: Actor): (row: Row<unknown>) => Promise<Record<string, unknown>>;
};

type Input = {readonly items: BatchItem[]; readonly stopOnError: boolean; readonly atomic: boolean};
type Result =
  | {status: 'success'; data: unknown}
  | {status: 'error'; code: string; message: string; details: unknown};

/** The members of a command whose identity must not end a group. */
function withoutIdentity(command: Command): Command {
  const {draft} = command as {draft?: object};
  if (draft === undefined || !('identityKey' in draft)) return command;
  return {...command, draft: {...draft, identityKey: null}} as Command;
}

/** Makes the function that serves the batch of one kind. */
function batchOf(services: Services, kind: Kind) {
  type Asked = Pick<Request<unknown>, 'actor' | 'call'>;

  async function commandOf(actor: Actor, item: BatchItem): Promise<Command> {
    if (item.operation === 'create') return kind.create(actor, item.create ?? {});
    const id = await kind.resolve(actor, item.id ?? '');
    return item.operation === 'update'
      ? kind.update(actor, id, item.update ?? {})
      : kind.remove(id);
  }

  const expects = (item: BatchItem, command: Command) =>
    item.expectedVersion === null ? [] : [[kind.entity, command.id, item.expectedVersion] as const];

  async function runOne({actor, call}: Asked, item: BatchItem, index: number): Promise<Answer> {
    const command = await commandOf(actor, item);
    const status = item.operation === 'delete' ? 204 : 200;
    const shown = {resource: kind.resource, entity: kind.entity, id: command.id, status} as const;
    const options = {index, expects: expects(item, command)};
    return mutate(
      services,
      {actor, call},
      [command],
      {...shown, print: kind.print(actor)},
      options,
    );
  }

  const dataOf = (answer: Answer): unknown =>
    answer.body === null || !answer.event
      ? answer.body
      : {...(answer.body as object), receipt_hash: answer.event.hash};

  async function settle(run: Promise<Answer>): Promise<Result> {
    try {
      return {status: 'success', data: dataOf(await run)};
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const {code, message, details} = error;
      return {status: 'error', code, message, details};
    }
  }

  async function runEach(asked: Asked, {items, stopOnError}: Input): Promise<Result[]> {
    // Creates that name nothing of one another may queue together; their order is the lane's.
    if (kind.entity === 'turn' && !stopOnError) {
      return Promise.all(items.map((item, index) => settle(runOne(asked, item, index))));
    }
    const results: Result[] = [];
    for (const [index, item] of items.entries()) {
      const result = await settle(runOne(asked, item, index));
      results.push(result);
      if (result.status === 'error' && stopOnError) break;
    }
    return results;
  }

  async function runGroup({actor, call}: Asked, {items}: Input): Promise<Answer> {
    const commands = await Promise.all(items.map((item) => commandOf(actor, item)));
    const all = items.flatMap((item, index) => expects(item, commands[index] as Command));
    const ran = await services.pipeline.run(actor, call, commands.map(withoutIdentity), {
      expects: all,
    });
    const print = kind.print(actor);
    const results = await Promise.all(
      commands.map(async ({id}, index): Promise<Result> => {
        const row = await services.reads.row(actor.tenantNo, kind.entity, id);
        const isGone = items[index]?.operation === 'delete' || row === null;
        return {status: 'success', data: isGone ? null : await print(row)};
      }),
    );
    const body = {results, succeeded: results.length, failed: 0};
    if (ran.is === 'same') return {body, position: ran.position, isReplayed: true};
    const event = ran.event === null ? null : {id: ran.event.id, hash: toHex(ran.event.eventHash)};
    return {body, position: ran.position, warnings: ran.warnings, event};
  }

  return async ({actor, call, input}: Request<Input>): Promise<Answer> => {
    if (input.atomic) return runGroup({actor, call}, input);
    const results = await runEach({actor, call}, input);
    const succeeded = results.filter(({status}) => status === 'success').length;
    const body = {results, succeeded, failed: results.length - succeeded};
    return {body, position: await services.reads.position(actor.tenantNo)};
  };
}

export const batchUseCases = (services: Services): Serving[] => {
  const {reads} = services;
  const asId = async (_: Actor, id: string): Promise<Id> => id;
  const trajectories: Kind = {
    entity: 'trajectory',
    resource: trajectory,
    create: (actor, sent) => trajectoryCommand(services, actor, sent as TrajectoryDraft),
    update: (_, id, set) => ({type: 'trajectory.update', id, set: stated(set)}) as Command,
    remove: (id) => ({type: 'trajectory.delete', id}),
    resolve: (actor, reference) => reads.resolve(actor.tenantNo, 'trajectory', reference),
    print: (actor) => async (row) => trajectory.print(row as Row<object>, actor.tenantId),
  };
  const artifacts: Kind = {
    entity: 'artifact',
    resource: artifact,
    create: (actor, sent) => artifactCommand(services, actor, sent as ArtifactSent),
    update: (actor, id, set) =>
      ({
        type: 'artifact.update',
        id,
        set: artifactSet(services, set),
        writer: writerOf(actor),
      }) as Command,
    remove: (id) => ({type: 'artifact.delete', id}),
    resolve: asId,
    print: (actor) => seenBy(services, actor).artifact,
  };
  const notes: Kind = {
    entity: 'note',
    resource: note,
    create: (actor, sent) => noteCommand(services, actor, sent as NoteDraft),
    update: (actor, id, set) =>
      ({type: 'note.update', id, set: noteSet(services, set), writer: writerOf(actor)}) as Command,
    remove: (id) => ({type: 'note.delete', id}),
    resolve: asId,
    print: (actor) => seenBy(services, actor).note,
  };
  const turns: Kind = {
    entity: 'turn',
    resource: turn,
    create: async (actor, sent) => {
      const {scopeId, ...draft} = sent as TurnDraft;
      const scope = await reads.resolve(actor.tenantNo, 'scope', scopeId, 'scope_id');
      return turnCommand(services, actor, scope, draft);
    },
    update: () => unreachable(),
    remove: () => unreachable(),
    resolve: asId,
    print: (actor) => seenBy(services, actor).turn,
  };
  return [
    serve(batchTrajectories, batchOf(services, trajectories)),
    serve(batchArtifacts, batchOf(services, artifacts)),
    serve(batchNotes, batchOf(services, notes)),
    serve(batchTurns, batchOf(services, turns)),
  ];
};

function unreachable(): never {
  throw new Error('a batch of turns takes creates alone; its contract refuses everything else');
}
