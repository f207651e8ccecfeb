/**
 * Every failure a caller can see, and what each one means on the wire.
 *
 * The table is the contract: a new row is a minor release, a changed status a major one.
 * `test/contract/errors.test.ts` pins it so that neither happens by accident.
 */
export const errorTable = {
  UNAUTHORIZED: {status: 401, retryable: false, title: 'A credential is needed'},
  INVALID_TOKEN: {status: 401, retryable: false, title: 'The credential is not valid'},
  TOKEN_EXPIRED: {status: 401, retryable: false, title: 'The credential has expired'},
  FORBIDDEN: {status: 403, retryable: false, title: 'This caller may not do this'},
  VALIDATION_FAILED: {status: 400, retryable: false, title: 'The input has several faults'},
  INVALID_INPUT: {status: 400, retryable: false, title: 'The input is not allowed here'},
  MISSING_FIELD: {status: 400, retryable: false, title: 'A required member is absent'},
  INVALID_RANGE: {status: 400, retryable: false, title: 'A value is out of range'},
  INVALID_FORMAT: {status: 400, retryable: false, title: 'The syntax is wrong'},
  ROUTE_NOT_FOUND: {status: 404, retryable: false, title: 'No such path'},
  METHOD_NOT_ALLOWED: {status: 405, retryable: false, title: 'The path has no such method'},
  ENTITY_NOT_FOUND: {status: 404, retryable: false, title: 'No such entity'},
  TENANT_NOT_FOUND: {status: 404, retryable: false, title: 'No such tenant'},
  TRAJECTORY_NOT_FOUND: {status: 404, retryable: false, title: 'No such trajectory'},
  SCOPE_NOT_FOUND: {status: 404, retryable: false, title: 'No such scope'},
  ARTIFACT_NOT_FOUND: {status: 404, retryable: false, title: 'No such artifact'},
  NOTE_NOT_FOUND: {status: 404, retryable: false, title: 'No such note'},
  AGENT_NOT_FOUND: {status: 404, retryable: false, title: 'No such agent'},
  LOCK_NOT_FOUND: {status: 404, retryable: false, title: 'No such lock'},
  MESSAGE_NOT_FOUND: {status: 404, retryable: false, title: 'No such message'},
  API_KEY_NOT_FOUND: {status: 404, retryable: false, title: 'No such API key'},
  WEBHOOK_NOT_FOUND: {status: 404, retryable: false, title: 'No such webhook'},
  ENTITY_ALREADY_EXISTS: {status: 409, retryable: false, title: 'The name or key is taken'},
  CONCURRENT_MODIFICATION: {status: 409, retryable: false, title: 'Somebody else was first'},
  LOCK_CONFLICT: {status: 409, retryable: true, title: 'The resource is locked'},
  LOCK_EXPIRED: {status: 409, retryable: false, title: 'The lease is over'},
  STATE_CONFLICT: {status: 409, retryable: false, title: 'The state does not allow this'},
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    title: 'The key stands for another request',
  },
  CONTRADICTION: {status: 409, retryable: false, title: 'The claim holds another value'},
  PRECONDITION_FAILED: {status: 412, retryable: false, title: 'The version is not the current one'},
  PRECONDITION_REQUIRED: {status: 428, retryable: false, title: 'If-Match is needed here'},
  PAYLOAD_TOO_LARGE: {status: 413, retryable: false, title: 'The body is too large'},
  UNSUPPORTED_MEDIA_TYPE: {status: 415, retryable: false, title: 'The media type is not supported'},
  LIMIT_EXCEEDED: {status: 422, retryable: false, title: 'A limit is reached'},
  GATE_REFUSED: {status: 422, retryable: false, title: 'A gate refused the change'},
  TOOL_REFUSED: {status: 422, retryable: false, title: 'The tool may not run'},
  TOO_MANY_REQUESTS: {status: 429, retryable: true, title: 'Too many requests'},
  CONTENT_GONE: {status: 410, retryable: false, title: 'The content no longer exists'},
  INTERNAL_ERROR: {status: 500, retryable: false, title: 'The server has a fault'},
  DATABASE_ERROR: {status: 500, retryable: true, title: 'The database did not do its part'},
  PROVIDER_FAILED: {status: 502, retryable: true, title: 'A provider did not do its part'},
  SERVICE_UNAVAILABLE: {status: 503, retryable: true, title: 'The service is not available now'},
  CONNECTION_POOL_EXHAUSTED: {
    status: 503,
    retryable: true,
    title: 'No database connection is free',
  },
  LEDGER_HALTED: {status: 503, retryable: false, title: 'The ledger has halted'},
  TIMEOUT: {status: 504, retryable: true, title: 'The time limit passed'},
} as const satisfies Record<string, {status: number; retryable: boolean; title: string}>;

export type ErrorCode = keyof typeof errorTable;

/** One fault of an input: where (JSON pointer), which code, and what was expected. */
export type Issue = {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly expected?: string;
};

export type ErrorDetails = Readonly<Record<string, unknown>>;

type CellErrorOptions = {
  details?: ErrorDetails | undefined;
  issues?: readonly Issue[] | undefined;
  /** The recorded refusal's event, where a gate made one. */
  eventId?: string | undefined;
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
  /** Whether message and details of a 5xx are meant for callers in production too. */
  isShown?: boolean | undefined;
  /** For the log only: it never leaves the server. */
  context?: ErrorDetails | undefined;
};

/** An expected failure. `message` is for the caller; `context` and `cause` are for the log. */
export class CellError extends Error {
  override readonly name = 'CellError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | null;
  readonly issues: readonly Issue[];
  readonly eventId: string | null;
  readonly retryAfterSeconds: number | null;
  readonly isShown: boolean;
  readonly context: ErrorDetails | null;

  constructor(code: ErrorCode, message: string, options: CellErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : {cause: options.cause});
    this.code = code;
    this.details = options.details ?? null;
    this.issues = options.issues ?? [];
    this.eventId = options.eventId ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.isShown = options.isShown ?? false;
    this.context = options.context ?? null;
  }

  get status(): number {
    return errorTable[this.code].status;
  }
}

/** Claims something that only a bug could make false; never called on what a caller sent. */
export function invariant(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${claim}`);
}
