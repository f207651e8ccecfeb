/** What a tool takes and gives as JSON Schema, read off its contract. */
import {z} from 'zod';
import {placeOf, type Contract} from '../../../shared/wire/contract.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Shape = Readonly<Record<string, z.ZodType>>;

export type ObjectSchema = Json & {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
};

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): ObjectSchema => {
  const {$schema: _, ...rest} = z.toJSONSchema(schema, {io, unrepresentable: 'any'});
  return plain(rest) as ObjectSchema;
};

/** What a tool takes: the contract's members, those of the tool's own in their place or besides. */
export function inputSchema(contract: Contract, own: Shape): ObjectSchema {
  const theirs = schemaOf(contract.input, 'input');
  const ours = schemaOf(z.object(own), 'input');
  const required = [
    ...(theirs.required ?? []).filter((name) => !(name in own)),
    ...(ours.required ?? []),
  ];
  const members = Object.entries(theirs.properties).map(([name, schema]) => {
    if (placeOf(contract, name) === 'query') return [name, meant(schema)];
    // In a change null clears a member; elsewhere it is what leaving the member out is.
    return [name, contract.method === 'PATCH' ? schema : withoutNull(schema)];
  });
  return {
    ...theirs,
    type: 'object',
    properties: {...(Object.fromEntries(members) as Record<string, Json>), ...ours.properties},
    ...(required.length === 0 ? {} : {required}),
  };
}

/**
 * What a tool gives. It is published open: a schema that forbids unknown members would make the
 * next one that we add break every client that checks.
 */
export const outputSchema = (shape: Shape): ObjectSchema =>
  walk(schemaOf(z.looseObject(shape), 'output'), (node) => {
    const {additionalProperties, ...rest} = node;
    return additionalProperties === false ? rest : node;
  }) as ObjectSchema;

/** What a strict object of a tool's own takes. */
export const ownSchema = (schema: z.ZodObject): ObjectSchema => schemaOf(schema, 'input');

/** A query's text, as what it stands for: a flag, or several of what may be one. */
function meant(schema: Json): Json {
  const {enum: values, anyOf} = schema;
  if (Array.isArray(values) && values.join() === 'true,false') return {type: 'boolean'};
  return (Array.isArray(anyOf) && (anyOf as Json[]).find(({type}) => type === 'array')) || schema;
}

function withoutNull(schema: Json): Json {
  const {anyOf, type, ...rest} = schema;
  if (Array.isArray(type)) {
    const types = type.filter((one) => one !== 'null');
    return {...rest, type: types.length === 1 ? types[0] : types};
  }
  const others = Array.isArray(anyOf)
    ? (anyOf as Json[]).filter((one) => one['type'] !== 'null')
    : [];
  return others.length === 1 ? {...rest, ...others[0]} : schema;
}

/** Without what tells a reader nothing: a list of tools stands in every conversation of a model. */
const plain = (schema: unknown): unknown =>
  walk(schema, (node) => {
    const members = Object.entries(node).filter(
      ([name, value]) =>
        !['style', 'deprecated', 'propertyNames'].includes(name) &&
        Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER &&
        !(name === 'additionalProperties' && JSON.stringify(value) === '{}'),
    );
    return Object.fromEntries(members);
  });

/** Passes every schema of a schema through `change`, from the inside out. */
function walk(value: unknown, change: (node: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((one) => walk(one, change));
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.entries(value).map(([name, one]) => [
    name,
    // Members of `properties` are named by the wire, whose names are no keywords.
    name === 'properties' ? walkMembers(one as Json, change) : walk(one, change),
  ]);
  return change(Object.fromEntries(inner) as Json);
}

const walkMembers = (members: Json, change: (node: Json) => Json): Json =>
  Object.fromEntries(Object.entries(members).map(([name, one]) => [name, walk(one, change)]));
