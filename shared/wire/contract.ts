/**
 * One operation as callers see it.
 *
 * HTTP routes, the edge, OpenAPI, MCP tools, CLI and SDK are all read off contracts. `input` is one
 * strict schema over everything a caller states; where a member travels follows from its name and
 * the method: those in braces in `path`, the query for GET, HEAD and those listed in `query`, the
 * body for the rest.
 */
import {z} from 'zod';
import {CellError, type ErrorCode} from '../errors.ts';
import {inputError} from './issues.ts';
import {text} from './scalar.ts';
import {camel, renameKeys, type Camel} from './resource.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export const scopes = [
  'memory:read',
  'memory:write',
  'agents:read',
  'agents:write',
  'coordination:read',
  'coordination:write',
  'ledger:read',
  'packs:read',
  'packs:write',
  'tools:execute',
  'tenant:read',
  'tenant:admin',
  'erasure:write',
  'operator',
] as const;
export type Scope = (typeof scopes)[number];

/** Who may: one scope, `any` valid credential, or `pub` without one. */
export type May = Scope | 'pub' | 'any';

export type Contract<I = unknown, O = unknown> = {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly may: May;
  readonly summary: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  /** Success status. */
  readonly status: 200 | 201 | 202 | 204;
  readonly limitBytes: number;
  readonly errors: readonly ErrorCode[];
  /** Members that travel in the query of a method that has a body. */
  readonly query: readonly string[];
  /** The member that is the whole body, where the body is no object of members. */
  readonly bodyMember: string | null;
  /** Another media type than JSON that the answer has, given by the use case as text. */
  readonly produces: string | null;
  /** The body is another protocol's, which reads it and answers for its form (`07-protocols` W-11). */
  readonly isOpaque?: true;
};

export const defaultLimitBytes = 1024 * 1024;
export const contentLimitBytes = 4 * 1024 * 1024;
export const batchLimitBytes = 8 * 1024 * 1024;

/** Why a caller does something: kept in the event's data. */
export const reason = text(1_000)
  .read.nullish()
  .transform((value) => value ?? null);

type Camelized<T> = {[K in keyof T & string as Camel<K>]: T[K]};
type Shape = Readonly<Record<string, z.ZodType>>;
type Read<S extends Shape> = Camelized<{[K in keyof S & string]: z.output<S[K]>}>;

type Options<S extends Shape, O> = Pick<Contract, 'id' | 'method' | 'path' | 'may' | 'summary'> & {
  input?: S;
  check?: (value: Record<string, unknown>, context: z.RefinementCtx) => void;
  output: z.ZodType<O>;
} & Partial<
    Pick<
      Contract,
      'status' | 'limitBytes' | 'errors' | 'query' | 'bodyMember' | 'produces' | 'isOpaque'
    >
  >;

/** Makes a contract. The use case gets the input's members in camelCase. */
export function contract<S extends Shape, O>(options: Options<S, O>): Contract<Read<S>, O> {
  const {input, check, ...rest} = options;
  const strict = z.strictObject({...input});
  const checked = check === undefined ? strict : strict.superRefine(check as never);
  return {
    status: 200,
    limitBytes: defaultLimitBytes,
    errors: [],
    query: [],
    bodyMember: null,
    produces: null,
    ...rest,
    input: checked.transform((value) => renameKeys(value, camel)) as unknown as z.ZodType<Read<S>>,
  };
}

/** The names in braces of a path, in order. */
export const pathMembers = (path: string): string[] =>
  [...path.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? '');

/** Where a member of a contract's input travels. */
export function placeOf(of: Contract, member: string): 'path' | 'query' | 'body' {
  if (of.path.includes(`{${member}}`)) return 'path';
  return of.method === 'GET' || of.query.includes(member) ? 'query' : 'body';
}

/**
 * Reads what a caller sent, the same on both tiers.
 * Throws `CellError` with the code of the one fault, or `VALIDATION_FAILED` with all of them.
 */
export function readInput<I>(of: Contract<I>, sent: Readonly<Record<string, unknown>>): I {
  const result = of.input.safeParse(sent, {reportInput: true});
  if (result.success) return result.data;
  throw inputError(of.id, result.error.issues);
}

/** Tells whether a credential's scopes cover what a contract asks; `:write` includes its `:read`. */
export function covers(held: ReadonlySet<string>, may: May): boolean {
  if (may === 'pub' || may === 'any' || held.has(may)) return true;
  if (may.endsWith(':read') && held.has(`${may.slice(0, -5)}:write`)) return true;
  return may === 'tenant:read' && held.has('tenant:admin');
}

/** The refusal of a caller whose scopes do not cover a contract. */
export const missingScope = (may: May): CellError =>
  new CellError('FORBIDDEN', `the credential lacks the scope ${may}`, {
    details: {required_scope: may},
  });
