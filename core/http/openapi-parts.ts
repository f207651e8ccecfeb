/** The parts of the OpenAPI document that are the same for all operations. */
import {errorTable, type ErrorCode} from '../../shared/errors.ts';

type Part = Readonly<Record<string, unknown>>;

const header = (name: string, description: string, schema: Part = {type: 'string'}): Part => ({
  name,
  in: 'header',
  description,
  schema,
});

const id = {type: 'string', format: 'uuid'};

/** Headers of requests, by the name of their component. */
export const requestHeaders: Readonly<Record<string, Part>> = {
  RequestId: header('X-Request-Id', 'Echoed; replaced by a new one where it has another form', {
    type: 'string',
    pattern: '^[A-Za-z0-9._-]{1,128}$',
  }),
  TenantId: header('X-Tenant-ID', 'Must be the tenant of the credential, or `default`'),
  AgentId: header('X-Agent-ID', 'The acting agent, for keys that are bound to none', id),
  OnBehalfOf: header('X-On-Behalf-Of', 'Kept in the event; grants nothing', {
    type: 'string',
    maxLength: 200,
  }),
  MinPosition: header('X-Min-Position', 'The answer reflects at least this position', {
    type: 'integer',
    minimum: 0,
  }),
  IfNoneMatch: header('If-None-Match', '304 where the version is the current one'),
  IfMatch: header('If-Match', 'Versions in quotes, or `*`; 412 where none is the current one'),
  IdempotencyKey: header('Idempotency-Key', 'The same key and request are one change, for ever', {
    type: 'string',
    minLength: 1,
    maxLength: 256,
  }),
  FencingToken: header('X-Fencing-Token', '`<lock_id>:<token>` of the lock on what is written'),
  PreferReceipt: header('Prefer', '`receipt` puts the receipt into the body as `_receipt`'),
};

const answer = (name: string, description: string, type: string = 'string'): Part => ({
  'x-name': name,
  description,
  schema: {type},
});

/** Headers of answers, by the name of their component. */
export const answerHeaders: Readonly<Record<string, Part>> = {
  RequestId: answer('X-Request-Id', 'Names this request in the log'),
  Version: answer('CellState-Version', 'Version of the wire contract'),
  Position: answer(
    'CellState-Position',
    'Position of the ledger that the answer reflects',
    'integer',
  ),
  Receipt: answer('CellState-Receipt', 'Event of the change; `GET /receipts/{event_id}` proves it'),
  Replay: answer('X-Idempotency-Replay', '`true`: the answer of the first request with this key'),
  Warnings: answer('CellState-Warnings', 'Number of `_warnings` in the body', 'integer'),
  Location: answer('Location', 'Path of what was made'),
  RateLimit: answer('X-RateLimit-Limit', 'Requests a minute', 'integer'),
  RateRemaining: answer('X-RateLimit-Remaining', 'Requests left', 'integer'),
  RateReset: answer('X-RateLimit-Reset', 'Seconds until all are left again', 'integer'),
};

const codes = Object.keys(errorTable);

/** Every refusal (RFC 9457). */
export const problemSchema: Part = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'message', 'retryable', 'details', 'issues'],
  properties: {
    type: {type: 'string', pattern: '^urn:cellstate:error:'},
    title: {type: 'string'},
    status: {type: 'integer'},
    code: {enum: codes},
    message: {type: 'string', description: 'For people'},
    retryable: {type: 'boolean', description: 'The same request may succeed later, unchanged'},
    details: {type: ['object', 'null']},
    issues: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'code', 'message'],
        properties: {
          path: {type: 'string', description: 'JSON pointer'},
          code: {enum: codes},
          message: {type: 'string'},
          expected: {type: 'string'},
        },
      },
    },
  },
};

/** Refusals that a whole kind of operation has in common. */
export type ErrorKind = {
  readonly name: string;
  readonly status: number;
  readonly of: 'all' | 'credential' | 'body';
  readonly codes: readonly ErrorCode[];
};

const kind = (
  name: string,
  of: ErrorKind['of'],
  ...codes: readonly [ErrorCode, ...ErrorCode[]]
) => ({
  name,
  of,
  codes,
  status: errorTable[codes[0]].status,
});

export const errorKinds: readonly ErrorKind[] = [
  kind(
    'Input',
    'all',
    'VALIDATION_FAILED',
    'INVALID_INPUT',
    'MISSING_FIELD',
    'INVALID_RANGE',
    'INVALID_FORMAT',
  ),
  kind('Credential', 'credential', 'UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED'),
  kind('Forbidden', 'credential', 'FORBIDDEN'),
  kind('TooLarge', 'body', 'PAYLOAD_TOO_LARGE'),
  kind('MediaType', 'body', 'UNSUPPORTED_MEDIA_TYPE'),
  kind('Conflict', 'body', 'IDEMPOTENCY_CONFLICT', 'CONCURRENT_MODIFICATION'),
  kind('TooMany', 'all', 'TOO_MANY_REQUESTS'),
  kind('Fault', 'all', 'INTERNAL_ERROR', 'DATABASE_ERROR'),
  kind('Unavailable', 'all', 'SERVICE_UNAVAILABLE', 'CONNECTION_POOL_EXHAUSTED', 'LEDGER_HALTED'),
  kind('Late', 'all', 'TIMEOUT'),
];

/** The response of some codes of one status. */
export function errorResponse(of: readonly ErrorCode[]): Part {
  const some = [...new Set(of)].toSorted();
  const schema = {$ref: '#/components/schemas/Problem', properties: {code: {enum: some}}};
  const description = some.map((code) => `${code}: ${errorTable[code].title}`).join('. ');
  return {description, content: {'application/problem+json': {schema}}};
}
