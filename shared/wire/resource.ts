/**
 * An entity as callers see it, from one table of fields.
 *
 * Each line of a table says how a field is read and shown, whether a create must, may or must not
 * state it, and whether a PATCH may change it. The input schemas of create and patch, the schema of
 * the answer, the printer and the TypeScript types are all read off that table.
 *
 * On the wire members are snake_case, inside camelCase. Only the names of members are mapped, here
 * and in the row codec; values inside a member keep their spelling.
 */
import {z} from 'zod';
import type {Id, Micros} from '../ids.ts';
import {refuse} from './issues.ts';
import {id, int, jsonObject, time, type Scalar} from './scalar.ts';

type Presence = 'required' | 'optional' | 'server';
type Edit = 'patch' | 'transition' | 'never';

export type Field<T = unknown, P extends Presence = Presence, E extends Edit = Edit> = Scalar<T> & {
  readonly presence: P;
  readonly edit: E;
  readonly fallback: T | null;
};

export type Fields = Readonly<Record<string, Field>>;

/** A field that a create must state. */
export const required = <T, E extends Edit = 'never'>(
  scalar: Scalar<T>,
  edit: E = 'never' as E,
): Field<T, 'required', E> => ({...scalar, presence: 'required', edit, fallback: null});

/** A field that a create may state; absent, and cleared by a PATCH with null, it is null. */
export const optional = <T, E extends Edit = 'never'>(
  scalar: Scalar<T>,
  edit: E = 'never' as E,
): Field<T | null, 'optional', E> => ({
  ...(scalar as Scalar<T | null>),
  presence: 'optional',
  edit,
  fallback: null,
});

/** A field that a create may state; absent, and cleared by a PATCH with null, it has its default. */
export const defaulted = <T, E extends Edit = 'never'>(
  scalar: Scalar<T>,
  fallback: T,
  edit: E = 'never' as E,
): Field<T, 'optional', E> => ({...scalar, presence: 'optional', edit, fallback});

/** A field that only the server sets. */
export const server = <T>(scalar: Scalar<T>): Field<T, 'server', 'transition'> => ({
  ...scalar,
  presence: 'server',
  edit: 'transition',
  fallback: null,
});

/** A field that only the server sets and that may be null. */
export const serverOptional = <T>(scalar: Scalar<T>): Field<T | null, 'server', 'transition'> =>
  server(scalar as Scalar<T | null>);

export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;
type Value<F> = F extends Field<infer T> ? T : never;
type KeysOf<F, M> = {[K in keyof F]: F[K] extends M ? K : never}[keyof F] & string;
type Simple<T> = {[K in keyof T]: T[K]};

/** The stated members after reading: camelCase, defaults filled in. */
export type Draft<F> = Simple<{
  [K in KeysOf<F, {presence: 'required' | 'optional'}> as Camel<K>]: Value<F[K]>;
}>;

/** The changed members after reading a PATCH: camelCase, only those that were sent. */
export type Change<F> = Simple<{[K in KeysOf<F, {edit: 'patch'}> as Camel<K>]?: Value<F[K]>}>;

/** Every member of the entity as the product keeps it. */
export type State<F> = Simple<{readonly [K in keyof F & string as Camel<K>]: Value<F[K]>}>;

export type Principal = {
  readonly kind: 'api_key' | 'user' | 'system';
  readonly id: string;
  readonly agent_id: Id | null;
  readonly on_behalf_of: string | null;
};

/** Group L: what every ledgered entity has besides its own fields. */
export type Ledgered = {
  readonly id: Id;
  readonly version: number;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
  readonly createdBy: Principal;
};

export const metadata = defaulted(jsonObject(16_384), {}, 'patch');

const camelCache = new Map<string, string>();

/** `note_type` → `noteType`. */
export function camel(snake: string): string {
  const known = camelCache.get(snake);
  if (known !== undefined) return known;
  const made = snake.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  camelCache.set(snake, made);
  return made;
}

const snakeCache = new Map<string, string>();

/** `noteType` → `note_type`. */
export function snake(camelText: string): string {
  const known = snakeCache.get(camelText);
  if (known !== undefined) return known;
  const made = camelText.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snakeCache.set(camelText, made);
  return made;
}

/** `scope_checkpoint` → `ScopeCheckpoint`: the name of a resource's schema in OpenAPI. */
const pascal = (snakeText: string): string => camel(`_${snakeText}`);

/** Renames the members of one object, not of what is inside them. */
export function renameKeys(
  object: object,
  rename: (key: string) => string,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) out[rename(key)] = value;
  return out;
}

export type Resource<F extends Fields> = {
  readonly name: string;
  readonly plural: string;
  readonly idKey: string;
  readonly fields: F;
  /** Input shape of a create: required and optional members. */
  readonly create: {[K in KeysOf<F, {presence: 'required' | 'optional'}>]: z.ZodType<Value<F[K]>>};
  /** Input shape of a PATCH: its members, all optional, null to clear. */
  readonly patch: {[K in KeysOf<F, {edit: 'patch'}>]: z.ZodType<Value<F[K]> | undefined>};
  /** The answer. */
  readonly shown: z.ZodObject;
  /** Members that hold what a caller wrote at length. */
  readonly bodies: readonly string[];
  /** From a row whose state has every member of the table to the answer's members. `tenantId` is the caller's. */
  print(row: Ledgered & {readonly state: object}, tenantId: Id): Record<string, unknown>;
};

const principal = z.object({
  kind: z.enum(['api_key', 'user', 'system']),
  id: z.string(),
  agent_id: z.string().nullable(),
  on_behalf_of: z.string().nullable(),
});

const links = z.record(
  z.string(),
  z.object({href: z.string(), method: z.string(), title: z.string().optional()}),
);

/** Makes an entity's schemas and printer from its table of fields. */
export function resource<const F extends Fields>(
  name: string,
  plural: string,
  fields: F,
  idKey = `${name}_id`,
): Resource<F> {
  const entries = Object.entries(fields);
  const create = entries.flatMap(([key, field]) =>
    field.presence === 'server' ? [] : [[key, readCreate(field)] as const],
  );
  const patch = entries.flatMap(([key, field]) =>
    field.edit === 'patch' ? [[key, readPatch(field)] as const] : [],
  );
  const shown = entries.map(([key, field]) => [key, field.shown.nullable()] as const);
  const printers = entries.map(
    ([key, field]) =>
      [key, camel(key), field.print as ((value: unknown) => unknown) | undefined] as const,
  );
  return {
    name,
    plural,
    idKey,
    fields,
    create: Object.fromEntries(create) as Resource<F>['create'],
    patch: Object.fromEntries(patch) as Resource<F>['patch'],
    bodies: entries.filter(([, field]) => field.isBody === true).map(([key]) => key),
    shown: z
      .object({
        [idKey]: id.shown,
        tenant_id: id.shown,
        ...Object.fromEntries(shown),
        version: int().shown,
        created_at: time.shown,
        updated_at: time.shown,
        created_by: principal,
        _links: links.optional(),
        receipt_hash: z.string().optional(),
        _receipt: z.unknown().optional(),
        _warnings: z
          .array(z.object({gate: z.string(), code: z.string(), message: z.string()}))
          .optional(),
      })
      .meta({id: pascal(name)}),
    print(row, tenantId) {
      const out: Record<string, unknown> = {[idKey]: row.id, tenant_id: tenantId};
      const state = row.state as Readonly<Record<string, unknown>>;
      for (const [key, inner, print] of printers) {
        const value = state[inner] ?? null;
        out[key] = value === null || print === undefined ? value : print(value);
      }
      out['version'] = row.version;
      out['created_at'] = time.print?.(row.createdAt);
      out['updated_at'] = time.print?.(row.updatedAt);
      out['created_by'] = row.createdBy;
      return out;
    },
  };
}

function readCreate(field: Field): z.ZodType {
  if (field.presence === 'required') return field.read;
  return field.read.nullish().transform((value) => value ?? field.fallback);
}

function readPatch(field: Field): z.ZodType {
  if (field.presence === 'required') return field.read.optional();
  return field.read.nullish().transform((value) => (value === null ? field.fallback : value));
}

/** Demands that a PATCH changes something. `fields` are the members that count. */
export const changesSomething =
  (fields: readonly string[]) => (value: object, context: z.RefinementCtx) => {
    const sent = value as Readonly<Record<string, unknown>>;
    if (fields.some((field) => sent[field] !== undefined)) return;
    refuse(context, 'MISSING_FIELD', `states none of ${fields.join(', ')}`);
  };
