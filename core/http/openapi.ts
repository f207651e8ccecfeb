/**
 * The OpenAPI 3.1 document, made from the contracts and from nothing else.
 *
 * `shared/openapi.json` is this document as committed; a test fails when the two differ, and
 * `npm run openapi` writes it anew.
 */
import {z} from 'zod';
import {errorTable} from '../../shared/errors.ts';
import {productVersion} from '../../shared/version.ts';
import {placeOf, type Contract} from '../../shared/wire/contract.ts';
import {camel} from '../../shared/wire/resource.ts';
import {openapiGet} from '../../shared/wire/openapi.ts';
import {headersLimitBytes, pathLimitBytes, queryLimitBytes} from '../../shared/wire/request.ts';
import {serve, type Serving} from '../api/services.ts';
import {isMutating} from './headers.ts';
import {
  answerHeaders,
  errorKinds,
  errorResponse,
  problemSchema,
  requestHeaders,
  type ErrorKind,
} from './openapi-parts.ts';

type Json = Record<string, unknown>;
type Schema = Json & {
  readonly type?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly deprecated?: boolean;
};

/** Schemas that several operations name, by the name they have in the document. */
type Components = Map<string, unknown>;

const typeOfPack = 'application/msgpack';

/** The document of a list of contracts. */
export function openApiOf(contracts: readonly Contract[]): Json {
  const components: Components = new Map([['Problem', problemSchema]]);
  const paths: Record<string, Json> = {};
  for (const contract of contracts.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const path = contract.path.startsWith('//')
      ? contract.path.slice(1)
      : `/api/v1${contract.path}`;
    paths[path] ??= {};
    paths[path][contract.method.toLowerCase()] = operationOf(contract, components);
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'CellState',
      version: productVersion,
      description: `Memory for AI agents, with a receipt for every change. Limits: path ${pathLimitBytes} bytes, query ${queryLimitBytes}, all headers ${headersLimitBytes}; bodies as each operation says.`,
      license: {name: 'Apache-2.0', identifier: 'Apache-2.0'},
    },
    servers: [{url: '/'}],
    paths,
    components: {
      schemas: Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      parameters: requestHeaders,
      headers: answerHeaders,
      responses: Object.fromEntries(
        errorKinds.map(({name, codes}) => [name, errorResponse(codes)]),
      ),
      securitySchemes: {
        bearer: {type: 'http', scheme: 'bearer', description: 'An API key, `cst_…`'},
        apiKey: {type: 'apiKey', in: 'header', name: 'X-API-Key'},
      },
    },
  };
}

function operationOf(contract: Contract, components: Components): Json {
  const input = schemaOf(contract.input, 'input', components) as Schema & {
    properties?: Record<string, Schema>;
    required?: readonly string[];
  };
  const {properties = {}, required = []} = input;
  const placed = Object.entries(properties).map(([name, schema]) => ({
    name,
    schema,
    in: placeOf(contract, name),
    required: required.includes(name),
  }));
  const body = placed.filter((member) => member.in === 'body');
  return {
    operationId: contract.id,
    summary: contract.summary,
    tags: [contract.path.replace(/^\/+/, '').split('/')[0]],
    ...securityOf(contract),
    parameters: [
      ...placed.filter((member) => member.in !== 'body').map(parameterOf),
      ...headersOf(contract).map((name) => ({$ref: `#/components/parameters/${name}`})),
    ],
    ...(contract.method === 'GET' ? {} : requestBodyOf(contract, input, body, components)),
    responses: {...successOf(contract, components), ...errorsOf(contract)},
  };
}

/** `x-required-scope` says in one word what the roles of the requirement say in OpenAPI's. */
function securityOf({may}: Contract): Json {
  if (may === 'pub') return {security: []};
  const roles = may === 'any' ? [] : [may];
  return {security: [{bearer: roles}, {apiKey: roles}], 'x-required-scope': may};
}

type Member = {name: string; schema: Schema; in: string; required: boolean};

function parameterOf({name, schema, in: place, required}: Member): Json {
  // A repeatable parameter is read as one text or several; OpenAPI knows it as a list.
  const list = schema.anyOf?.find(({type}) => type === 'array');
  const {deprecated, style: _, ...rest} = (list ?? schema) as Schema;
  return {
    name,
    in: place,
    required: place === 'path' || required,
    ...(deprecated === true ? {deprecated} : {}),
    schema: rest,
    ...(list === undefined ? {} : {style: 'form', explode: true}),
  };
}

function headersOf(contract: Contract): readonly string[] {
  const {method, may} = contract;
  if (may === 'pub') return ['RequestId'];
  const always = ['RequestId', 'TenantId'];
  if (method === 'GET') return [...always, 'MinPosition', 'IfNoneMatch'];
  const acting = [...always, 'AgentId', 'OnBehalfOf'];
  if (!isMutating(contract)) return acting;
  const versioned = method === 'POST' && !contract.path.includes('{') ? [] : ['IfMatch'];
  return [...acting, 'IdempotencyKey', 'FencingToken', 'PreferReceipt', ...versioned];
}

function requestBodyOf(
  contract: Contract,
  input: Schema,
  body: readonly Member[],
  components: Components,
): Json {
  if (body.length === 0) return {};
  const whole = body.find(({name}) => name === contract.bodyMember)?.schema;
  const required = body.filter((member) => member.required).map(({name}) => name);
  const {properties: _, required: __, ...rest} = input;
  const schema = whole ?? {
    ...rest,
    properties: Object.fromEntries(body.map((member) => [member.name, member.schema])),
    ...(required.length === 0 ? {} : {required}),
  };
  return {
    requestBody: {
      required: required.length > 0,
      'x-limit-bytes': contract.limitBytes,
      content: inBothTypes(nameOf(components, `${contract.id}_request`, schema)),
    },
  };
}

function successOf(contract: Contract, components: Components): Json {
  const {id, may, status, produces} = contract;
  const named = [
    ...(may === 'pub' ? [] : ['Position']),
    ...(isMutating(contract) ? ['Receipt', 'Replay', 'Warnings'] : []),
    ...(status === 201 ? ['Location'] : []),
  ];
  const headers = Object.fromEntries(
    named.map((name) => [answerHeaders[name]?.['x-name'], {$ref: `#/components/headers/${name}`}]),
  );
  if (status === 204) return {204: {description: 'Done', headers}};
  const schema = schemaOf(contract.output, 'output', components);
  const content =
    produces === null
      ? inBothTypes(nameOf(components, `${id}_answer`, schema))
      : {[produces]: {schema}};
  return {[status]: {description: 'Done', headers, content}};
}

const inBothTypes = (schema: Json): Json => ({
  'application/json': {schema},
  [typeOfPack]: {schema},
});

/** Gives a schema a name of its own, unless it is the name of another. */
function nameOf(components: Components, id: string, schema: Json): Json {
  if ('$ref' in schema) return schema;
  const name = camel(`_${id}`);
  components.set(name, schema);
  return {$ref: `#/components/schemas/${name}`};
}

/** The codes of a contract by status; what every operation of its kind may answer is one component. */
function errorsOf(contract: Contract): Json {
  const kinds = errorKindsOf(contract);
  const responses: Json = {};
  for (const kind of kinds) {
    responses[String(kind.status)] = {$ref: `#/components/responses/${kind.name}`};
  }
  const own = Map.groupBy(contract.errors, (code) => errorTable[code].status);
  for (const [status, codes] of own) {
    const common = kinds.find((kind) => kind.status === status)?.codes ?? [];
    const isCommon = codes.every((code) => common.includes(code));
    if (!isCommon) responses[String(status)] = errorResponse([...codes, ...common]);
  }
  return responses;
}

const errorKindsOf = ({may, method}: Contract): readonly ErrorKind[] =>
  errorKinds.filter(({of}) => {
    if (of === 'credential') return may !== 'pub';
    return of === 'all' || method !== 'GET';
  });

/** A schema's JSON form; what has a name of its own goes to the components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Components): Schema {
  const made = z.toJSONSchema(schema, {io, target: 'draft-2020-12', unrepresentable: 'any'});
  const moved = JSON.parse(
    JSON.stringify(made, (key, value: unknown) => {
      // Answers get new members in minor releases: a reader that refuses them is wrong.
      if (io === 'output' && key === 'additionalProperties' && value === false) return undefined;
      return key === '$ref' ? String(value).replace('#/$defs/', '#/components/schemas/') : value;
    }),
  ) as Schema & {$defs?: Record<string, Json>; $schema?: string};
  const {$defs = {}, $schema: _, ...rest} = moved;
  for (const [name, {id: __, ...definition}] of Object.entries($defs)) {
    components.set(name, definition);
  }
  const {id: ___, ...bare} = rest;
  return bare as Schema;
}

/** Serves the document of the contracts, and of itself. */
export function openApiServing(contracts: readonly Contract[]): Serving {
  let text: string | null = null;
  return serve(openapiGet, async () => {
    text ??= JSON.stringify(openApiOf([...contracts, openapiGet]));
    return {body: text};
  });
}
