/** What a call throws: the server's own code and words, in the class that a caller would catch. */
import type {Issue} from '../errors.ts';

/** The members of a problem document that the client reads. */
type Problem = {
  readonly code?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>> | null;
  readonly issues?: readonly Issue[];
};

/** A request that was refused, or that got no answer (`UNREACHABLE`, status 0). */
export class CellstateError extends Error {
  override readonly name: string = 'CellstateError';
  readonly code: string;
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly requestId: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly issues: readonly Issue[];
  /** How long the server asks to wait; null where it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, problem: Problem, headers: Headers | null, cause?: unknown) {
    super(problem.message ?? `the server answered ${status}`, cause === undefined ? {} : {cause});
    const retryAfter = headers?.get('retry-after') ?? null;
    this.code = problem.code ?? `HTTP_${status}`;
    this.status = status;
    this.retryable = problem.retryable ?? gateways.includes(status);
    this.requestId = headers?.get('x-request-id') ?? null;
    this.details = problem.details ?? null;
    this.issues = problem.issues ?? [];
    this.retryAfterSeconds =
      retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  }
}

/** What a proxy answers without knowing our problem documents. */
const gateways: readonly number[] = [429, 502, 503, 504];

export class NotFoundError extends CellstateError {
  override readonly name = 'NotFoundError';
}
export class AuthenticationError extends CellstateError {
  override readonly name = 'AuthenticationError';
}
export class AuthorizationError extends CellstateError {
  override readonly name = 'AuthorizationError';
}
export class ValidationError extends CellstateError {
  override readonly name = 'ValidationError';
}
export class ConflictError extends CellstateError {
  override readonly name = 'ConflictError';
}
export class RateLimitError extends CellstateError {
  override readonly name = 'RateLimitError';
}

const classes: Readonly<Record<number, typeof CellstateError>> = {
  400: ValidationError,
  401: AuthenticationError,
  403: AuthorizationError,
  404: NotFoundError,
  409: ConflictError,
  429: RateLimitError,
};

/** The error that an answer amounts to. */
export function refusalOf(status: number, text: string, headers: Headers): CellstateError {
  return new (classes[status] ?? CellstateError)(status, problemOf(text), headers);
}

function problemOf(text: string): Problem {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // A proxy's page, not the product's problem document: the status says what there is to say.
    return {};
  }
}
