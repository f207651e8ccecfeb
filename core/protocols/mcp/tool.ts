/**
 * A tool: a contract of `shared/wire` under a name that an agent understands.
 *
 * Scope, input and output are the contract's. A tool adds what a list shows, members of its own
 * where the surface needs them, and the name under which the entity stands in the result.
 */
import type {ToolAnnotations} from '@modelcontextprotocol/server';
import {z} from 'zod';
import type {Contract, May} from '../../../shared/wire/contract.ts';
import {inputError} from '../../../shared/wire/issues.ts';
import type {Answer} from '../../api/services.ts';
import type {Ask, Asking, Stated} from './ask.ts';
import {inputSchema, outputSchema, type ObjectSchema, type Shape} from './schemas.ts';

export const toolSets = ['memory', 'coordination', 'mind', 'proof', 'pack'] as const;
export type ToolSet = (typeof toolSets)[number];

/** What a call came to. */
export type Given = {
  readonly structured: Record<string, unknown>;
  readonly answer: Pick<Answer, 'event' | 'position' | 'warnings'>;
};

export type Tool = {
  readonly name: string;
  readonly set: ToolSet;
  readonly title: string;
  /** At most 200 characters. */
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly may: May;
  readonly input: ObjectSchema;
  readonly output: ObjectSchema;
  /** What the text of a result says; the result as JSON where this is left out. */
  readonly text?: ((structured: Record<string, unknown>) => string) | undefined;
  readonly run: (stated: Stated, asking: Asking, ask: Ask) => Promise<Given>;
};

type Shown = Pick<Tool, 'name' | 'set' | 'title' | 'description'>;

/** `reads`; `creates`, with `once` where the same again is the same entity; `changes` and `ends`. */
type Kind = 'reads' | 'creates' | 'creates once' | 'changes' | 'ends';

const annotationsOf: Readonly<Record<Kind, ToolAnnotations>> = {
  reads: {readOnlyHint: true, idempotentHint: true, openWorldHint: false},
  creates: {readOnlyHint: false, destructiveHint: false, openWorldHint: false},
  'creates once': {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  changes: {readOnlyHint: false, destructiveHint: false, openWorldHint: false},
  ends: {readOnlyHint: false, destructiveHint: true, openWorldHint: false},
};

const receiptShape = {receipt_id: z.string().nullable(), position: z.int()};
/** Where `If-Match` cannot go. */
const versionShape = {expected_version: z.int().min(1).optional()};

type Options = Shown & {
  readonly contract: Contract;
  readonly kind: Kind;
  /** Members of the tool's own, which replace the contract's or come besides. */
  readonly own?: Shape;
  /** What the text says, where it is not the result as JSON. */
  readonly text?: Tool['text'];
} & (
    | {
        /** The entity's name in the result. */
        readonly as: string;
        readonly members?: undefined;
      }
    | {
        readonly as?: undefined;
        /** Members of the answer that are the result, such as a list and its cursor. */
        readonly members: readonly string[];
      }
  );

/** Makes a tool of a contract. */
export function toolOf(options: Options): Tool {
  const {contract, kind, as, members, own = {}, ...shown} = options;
  const isChange = kind === 'changes' || kind === 'ends';
  const mine: Shape = {...own, ...(isChange ? versionShape : {})};
  const read = z.object(mine);
  const isOnce = kind === 'creates once';
  const shape = as === undefined ? shapeOf(contract, members) : {[as]: contract.output};
  return {
    ...shown,
    annotations: annotationsOf[kind],
    may: contract.may,
    input: inputSchema(contract, mine),
    output: outputSchema({
      ...shape,
      ...(kind === 'reads' ? {} : receiptShape),
      ...(isOnce ? {deduplicated: z.boolean()} : {}),
    }),
    async run(stated, {actor, call}, ask) {
      const {expected_version: version, ...sent} = readOwn(contract.id, read, mine, stated);
      const expectedVersion = version as number | undefined;
      const answer = await ask(contract, sent, {actor, call: {...call, expectedVersion}});
      const structured = as === undefined ? picked(answer, members) : {[as]: bodyOf(answer)};
      if (kind === 'reads') return {structured, answer};
      const receipt = {receipt_id: answer.event?.id ?? null, position: answer.position};
      const deduplicated = isOnce ? {deduplicated: answer.isDeduplicated === true} : {};
      return {structured: {...structured, ...receipt, ...deduplicated}, answer};
    },
  };
}

/** Reads the tool's own members, its defaults filled in; the contract reads the rest. */
export function readOwn(
  name: string,
  read: z.ZodObject,
  own: Shape,
  stated: Stated,
): Record<string, unknown> {
  const mine = Object.fromEntries(
    Object.entries(stated).filter(([key]) => Object.hasOwn(own, key)),
  );
  const result = read.safeParse(mine, {reportInput: true});
  if (!result.success) throw inputError(name, result.error.issues);
  return {...stated, ...result.data};
}

function shapeOf(contract: Contract, members: readonly string[]): Shape {
  const {shape} = contract.output as z.ZodObject;
  return Object.fromEntries(members.map((name) => [name, shape[name] as z.ZodType]));
}

const picked = ({body}: Answer, members: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(members.map((name) => [name, (body as Record<string, unknown>)[name]]));

/** The body of a REST answer, which also names the event's hash and what the gates warned of. */
function bodyOf({body, event, warnings = []}: Answer): Record<string, unknown> {
  return {
    ...(body as object),
    ...(event ? {receipt_hash: event.hash} : {}),
    ...(warnings.length > 0 ? {_warnings: warnings} : {}),
  };
}
