/** What a contract's JSON schema says about each member, for tests that are made from contracts. */
import {z} from 'zod';
import {placeOf, type Contract} from '../../shared/wire/contract.ts';

export type Schema = {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};

export type Member = {
  readonly name: string;
  readonly place: 'path' | 'query' | 'body';
  readonly isRequired: boolean;
  readonly schema: Schema;
  /** The variants of the schema without unions, null among them. */
  readonly variants: readonly Schema[];
};

const variantsOf = (schema: Schema): readonly Schema[] =>
  [schema.anyOf, schema.oneOf].find((union) => union !== undefined)?.flatMap(variantsOf) ?? [
    schema,
  ];

/** The members of a contract's input. */
export function membersOf(contract: Contract): readonly Member[] {
  const schema = z.toJSONSchema(contract.input, {io: 'input', unrepresentable: 'any'}) as Schema;
  return Object.entries(schema.properties ?? {}).map(([name, of]) => ({
    name,
    place: placeOf(contract, name),
    isRequired: schema.required?.includes(name) === true,
    schema: of,
    variants: variantsOf(of),
  }));
}

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
};

function admits(schema: Schema, type: string): boolean {
  if (schema.enum !== undefined) return schema.enum.some((value) => typeOf(value) === type);
  if (schema.const !== undefined) return typeOf(schema.const) === type;
  const types = schema.type === undefined ? null : [schema.type].flat();
  return types === null || types.includes(type) || (type === 'integer' && types.includes('number'));
}

const ofEachType: readonly unknown[] = [true, 7, 1.5, 'text', [1], {no: 1}, null];

/** A value of each JSON type that the member must not have. */
export const wrongValues = ({variants}: Member): readonly unknown[] =>
  ofEachType.filter((value) => !variants.some((schema) => admits(schema, typeOf(value))));

/** Whether every text that the member takes is a UUID. */
export const isIdMember = ({variants}: Member): boolean =>
  variants.length > 0 &&
  variants.every(({type, format, items}) => {
    if (type === 'null') return true;
    return format === 'uuid' || (type === 'array' && items?.format === 'uuid');
  });
