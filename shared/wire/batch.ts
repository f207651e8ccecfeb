/**
 * Batches: up to a hundred creates, changes and deletions of one kind in one request.
 *
 * Each item is a mutation of its own, or with `atomic` a part of one event group. An item is read by
 * the schemas of the single routes, so a batch takes nothing that they would refuse.
 */
import {z} from 'zod';
import {artifact, artifactInput, checkArtifact} from './artifacts.ts';
import {batchLimitBytes, contract} from './contract.ts';
import {refuse} from './issues.ts';
import {checkValidity} from './memory-item.ts';
import {note} from './notes.ts';
import {camel, changesSomething, renameKeys} from './resource.ts';
import {id, int, reference} from './scalar.ts';
import {trajectory} from './trajectories.ts';
import {checkTurn, turn} from './turns.ts';

const itemsMost = 100;

type Shape = Readonly<Record<string, z.ZodType>>;
type Check = (value: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => void;

type Of = {
  readonly idKey: string;
  readonly idRead: z.ZodType<string>;
  readonly create: Shape;
  readonly check?: Check;
  /** Absent where the kind can be created only. */
  readonly patch?: Shape;
};

/** An item as the use case gets it; the members of `create` and `update` are those of the routes. */
export type BatchItem = {
  readonly operation: 'create' | 'update' | 'delete';
  readonly id: string | null;
  readonly create: Readonly<Record<string, unknown>> | null;
  readonly update: Readonly<Record<string, unknown>> | null;
  readonly expectedVersion: number | null;
};

const wanted = {create: 'create', update: 'update', delete: null} as const;

/** Demands exactly the members that an operation takes. */
function checkItem(
  idKey: string,
  item: Readonly<Record<string, unknown>>,
  context: z.RefinementCtx,
): void {
  const operation = item['operation'] as BatchItem['operation'];
  for (const member of ['create', 'update'] as const) {
    if (wanted[operation] === member && item[member] === undefined) {
      refuse(context, 'MISSING_FIELD', `is required by ${operation}`, [member]);
    }
    if (wanted[operation] !== member && item[member] !== undefined) {
      refuse(context, 'INVALID_INPUT', `is not allowed with ${operation}`, [member]);
    }
  }
  const hasId = item[idKey] !== undefined;
  if (operation === 'create' && hasId)
    refuse(context, 'INVALID_INPUT', 'is set by the server', [idKey]);
  if (operation !== 'create' && !hasId)
    refuse(context, 'MISSING_FIELD', `is required by ${operation}`, [idKey]);
}

const inside = (shape: Shape, check: Check = () => undefined) =>
  z
    .strictObject(shape)
    .superRefine(check)
    .transform((value) => renameKeys(value, camel));

/** The items of one kind of batch. */
function itemsOf({idKey, idRead, create, check, patch}: Of): z.ZodType<BatchItem[]> {
  const made = inside(create, check).optional();
  const item = z
    .strictObject({
      operation: patch === undefined ? z.literal('create') : z.enum(['create', 'update', 'delete']),
      [idKey]: idRead.optional(),
      create: made,
      ...(patch === undefined
        ? {}
        : {
            update: inside(patch, changesSomething(Object.keys(patch))).optional(),
            expected_version: int(1).read.optional(),
          }),
    })
    .superRefine((value, context) => checkItem(idKey, value, context))
    .transform((value: Readonly<Record<string, unknown>>) => ({
      operation: value['operation'],
      id: value[idKey] ?? null,
      create: value['create'] ?? null,
      update: value['update'] ?? null,
      expectedVersion: value['expected_version'] ?? null,
    }));
  const items = z.array(item).superRefine((value, context) => {
    if (value.length < 1 || value.length > itemsMost) {
      refuse(context, 'INVALID_RANGE', `has ${value.length} items, allowed 1 to ${itemsMost}`);
    }
  });
  return items as unknown as z.ZodType<BatchItem[]>;
}

const output = (shown: z.ZodType) =>
  z.object({
    results: z.array(
      z.union([
        z.object({status: z.literal('success'), data: shown}),
        z.object({status: z.literal('error'), code: z.string(), message: z.string()}).loose(),
      ]),
    ),
    succeeded: z.int(),
    failed: z.int(),
  });

const how = {stop_on_error: z.boolean().default(false), atomic: z.boolean().default(false)};

const route = {method: 'POST', may: 'memory:write', limitBytes: batchLimitBytes} as const;

export const batchTrajectories = contract({
  ...route,
  id: 'batch_trajectories',
  path: '/batch/trajectories',
  summary: 'Create, change and delete several trajectories',
  input: {
    ...how,
    items: itemsOf({...trajectory, idRead: reference.read}),
  },
  output: output(trajectory.shown.nullable()),
});

export const batchArtifacts = contract({
  ...route,
  id: 'batch_artifacts',
  path: '/batch/artifacts',
  summary: 'Create, change and delete several artifacts',
  input: {
    ...how,
    items: itemsOf({...artifact, create: artifactInput, idRead: id.read, check: checkArtifact}),
  },
  output: output(artifact.shown.nullable()),
});

export const batchNotes = contract({
  ...route,
  id: 'batch_notes',
  path: '/batch/notes',
  summary: 'Create, change and delete several notes',
  input: {...how, items: itemsOf({...note, idRead: id.read, check: checkValidity})},
  output: output(note.shown.nullable()),
});

export const batchTurns = contract({
  ...route,
  id: 'batch_turns',
  path: '/batch/turns',
  summary: 'Append several turns',
  input: {
    ...how,
    items: itemsOf({idKey: turn.idKey, create: turn.create, idRead: id.read, check: checkTurn}),
  },
  output: output(turn.shown),
});
