/**
 * From an HTTP request to a contract's input, the same bytes of refusal on both tiers.
 */
import {CellError, type Issue} from '../errors.ts';
import {parseStrict} from '../ledger/parse-strict.ts';
import {SyntaxRefusal} from '../ledger/syntax.ts';
import {decodeUtf8, toBase64} from '../ledger/bytes.ts';
import {placeOf, readInput, type Contract} from './contract.ts';

export type Sent = {
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly contentType: string;
  /** Empty where there is none. */
  readonly body: Uint8Array;
};

export type Unpack = (body: Uint8Array) => unknown;

/** Limits of what stands before the body, in bytes as sent. */
export const pathLimitBytes = 2 * 1024;
export const queryLimitBytes = 8 * 1024;
export const headersLimitBytes = 16 * 1024;

const jsonType = /^application\/json\s*(?:;|$)/i;
const packType = /^application\/msgpack\s*(?:;|$)/i;

/** Whether a body of this media type can be read; an empty body has none to judge. */
export const isReadableType = (contentType: string): boolean =>
  jsonType.test(contentType) || packType.test(contentType);

/** Refuses a media type or an encoding before a byte of the body is read. */
export function checkMediaType(
  contentType: string | null,
  encoding: string | null,
  hasBody: boolean,
): void {
  if (encoding !== null) {
    throw new CellError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Encoding ${encoding} is not supported, send the body as it is`,
    );
  }
  if (!hasBody || (contentType !== null && isReadableType(contentType))) return;
  throw new CellError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Content-Type is neither application/json nor application/msgpack',
  );
}

/** Refuses a stated length over the contract's limit. */
export function checkLength(of: Contract, bytes: number): void {
  if (bytes <= of.limitBytes) return;
  throw new CellError('PAYLOAD_TOO_LARGE', `${of.id}: the body is over ${of.limitBytes} bytes`, {
    details: {limit_bytes: of.limitBytes},
  });
}

/** Refuses a path, a query or headers over their limits, and escapes that are not UTF-8. */
export function checkTarget(url: URL, headers: Headers): void {
  let headersBytes = 0;
  // Each header line has a colon, a space and its end besides name and value.
  for (const [name, value] of headers) headersBytes += name.length + value.length + 4;
  const sizes = [
    ['the path', url.pathname.length, pathLimitBytes],
    ['the query', Math.max(0, url.search.length - 1), queryLimitBytes],
    ['all headers', headersBytes, headersLimitBytes],
  ] as const;
  for (const [what, bytes, limit] of sizes) {
    if (bytes > limit)
      throw new CellError('INVALID_RANGE', `${what}: ${bytes} bytes, limit ${limit}`);
  }
  for (const [what, text] of [
    ['path', url.pathname],
    ['query', url.search],
  ] as const) {
    if (!isDecodable(text))
      throw new CellError('INVALID_FORMAT', `the ${what} is not percent-encoded UTF-8`);
  }
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== null;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** Reads a body: `{}` where there is none. Throws `INVALID_FORMAT` for syntax. */
export function parseBody(sent: Pick<Sent, 'contentType' | 'body'>, unpack: Unpack): unknown {
  if (sent.body.length === 0) return {};
  if (packType.test(sent.contentType)) return unpackStrictly(sent.body, unpack);
  try {
    const text = decodeUtf8(sent.body);
    const value = parseStrict(text);
    return text.includes('__proto__') || text.includes('\\u00') ? withoutPrototype(value) : value;
  } catch (error) {
    if (error instanceof CellError) throw error;
    if (!(error instanceof SyntaxRefusal))
      throw new CellError('INVALID_FORMAT', 'the body is not UTF-8', {cause: error});
    throw new CellError('INVALID_FORMAT', `the body is not strict JSON: ${error.message}`, {
      cause: error,
    });
  }
}

function unpackStrictly(body: Uint8Array, unpack: Unpack): unknown {
  try {
    // Through JSON and back, so that MessagePack holds nothing that JSON could not say.
    return parseStrict(JSON.stringify(unpack(body), jsonOnly));
  } catch (error) {
    throw new CellError('INVALID_FORMAT', 'the body is not MessagePack of JSON values', {
      cause: error,
    });
  }
}

/**
 * What MessagePack says and JSON cannot: `JSON.stringify` would make null of NaN and an object of
 * bytes. Bytes become base64, as their members are read in JSON; the rest is refused.
 */
function jsonOnly(this: unknown, key: string, printed: unknown): unknown {
  const value = (this as Readonly<Record<string, unknown>>)[key];
  if (value instanceof Uint8Array) return toBase64(value);
  const isPlain =
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value.constructor === Object;
  if (isPlain && value !== undefined && (typeof value !== 'number' || Number.isFinite(value)))
    return printed;
  throw new TypeError(`${key} holds what JSON cannot say`);
}

/** An own member named `__proto__` gets lost wherever an object is copied: it is refused instead. */
function withoutPrototype(value: unknown): unknown {
  const visit = (inner: unknown, path: string): Issue[] => {
    if (typeof inner !== 'object' || inner === null) return [];
    return Object.entries(inner).flatMap(([key, member]) => {
      const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (key !== '__proto__') return visit(member, at);
      return [{path: at, code: 'INVALID_INPUT', message: 'is not a name that a member may have'}];
    });
  };
  const [issue] = visit(value, '');
  if (issue === undefined) return value;
  throw new CellError(issue.code, `the body: ${issue.path} ${issue.message}`, {issues: [issue]});
}

/** Gathers path, query and body into the one object that the contract's schema reads. */
export function gather(of: Contract, sent: Sent, body: unknown): Record<string, unknown> {
  // Without a prototype, so that no name that a caller invents means something already.
  const members: Record<string, unknown> = Object.create(null);
  if (of.method !== 'GET') {
    if (of.bodyMember !== null) members[of.bodyMember] = body;
    else if (typeof body === 'object' && body !== null && !Array.isArray(body))
      Object.assign(members, body);
    else throw new CellError('INVALID_FORMAT', `${of.id}: the body is not an object`);
  }
  for (const key of Object.keys(members)) {
    if (placeOf(of, key) === 'path')
      throw new CellError('INVALID_INPUT', `${of.id}: ${key} stands in the path, not in the body`);
  }
  for (const key of new Set(sent.query.keys())) {
    if (placeOf(of, key) !== 'query') throw unknownParameter(of, key);
    const values = sent.query.getAll(key);
    members[key] = values.length === 1 ? values[0] : values;
  }
  return Object.assign(members, sent.path);
}

const unknownParameter = (of: Contract, key: string): CellError =>
  new CellError('INVALID_INPUT', `${of.id}: ${key} is not a query parameter of this request`, {
    issues: [
      {path: `/${key}`, code: 'INVALID_INPUT', message: 'is not a query parameter of this request'},
    ],
  });

/** Everything a caller sent, as the use case gets it. */
export const readRequest = <I>(of: Contract<I>, sent: Sent, unpack: Unpack): I =>
  readInput(of, gather(of as Contract, sent, parseBody(sent, unpack)));
