/**
 * The scalars of the wire: how each value is read, how it is shown, and how one becomes the other.
 *
 * `read` turns what a caller sent into the product's own form and refuses everything else; `shown`
 * is the form an answer has (OpenAPI and the response tests read it); `print` goes from the one to
 * the other and is left out where they are the same. Times are µs inside, RFC 3339 on the wire.
 */
import {z} from 'zod';
import {isId, type Hex, type Id, type Micros} from '../ids.ts';
import {refuse} from './issues.ts';

export type Scalar<T> = {
  readonly read: z.ZodType<T>;
  readonly shown: z.ZodType;
  /** Marks what a caller wrote at length: the change feed shows it as null. */
  readonly isBody?: true;
  // A method, so that a field of any value is a `Field<unknown>`.
  print?(value: T): unknown;
};

const wellFormed = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

const textRule = (value: string, context: z.RefinementCtx): void => {
  if (!wellFormed(value))
    refuse(context, 'INVALID_FORMAT', 'is not well-formed Unicode without U+0000');
};

/** Characters are code points, so an emoji counts once whatever its length in UTF-16. */
const characterCount = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const sizeRule = (limit: number) => (value: string, context: z.RefinementCtx) => {
  textRule(value, context);
  if (value.length > limit && characterCount(value) > limit) {
    refuse(context, 'INVALID_RANGE', `is ${characterCount(value)} characters, limit ${limit}`);
  }
};

/** A text of at most `limit` characters, kept as sent. */
export const text = (limit: number): Scalar<string> => ({
  read: z.string().superRefine(sizeRule(limit)).meta({maxLength: limit}),
  shown: z.string(),
});

/** A name: trimmed, and not empty afterwards. */
export const name = (limit: number): Scalar<string> => ({
  read: z
    .string()
    .trim()
    .superRefine(sizeRule(limit))
    .superRefine((value, context) => {
      if (value === '') refuse(context, 'INVALID_RANGE', 'is empty');
    })
    .meta({minLength: 1, maxLength: limit}),
  shown: z.string(),
});

/** A text that is one of a pattern's, at most `limit` characters. */
export const pattern = (limit: number, form: RegExp, expected: string): Scalar<string> => ({
  read: z
    .string()
    .superRefine(sizeRule(limit))
    .superRefine((value, context) => {
      if (!form.test(value)) refuse(context, 'INVALID_FORMAT', `is not ${expected}`);
    })
    .meta({pattern: form.source, maxLength: limit}),
  shown: z.string(),
});

const encoder = new TextEncoder();

/** A body: at most `limit` bytes of UTF-8, kept byte for byte. */
export const body = (limit: number): Scalar<string> => ({
  read: z.string().superRefine((value, context) => {
    textRule(value, context);
    // A UTF-16 unit is at most three bytes of UTF-8, so short texts need no encoding to be judged.
    if (value.length * 3 <= limit) return;
    const bytes = encoder.encode(value).length;
    if (bytes > limit) refuse(context, 'INVALID_RANGE', `is ${bytes} bytes, limit ${limit}`);
  }),
  shown: z.string(),
  isBody: true,
});

const nil = '00000000-0000-0000-0000-000000000000';

/** A UUIDv7 made by a server of this product. */
export const id: Scalar<Id> = {
  read: z
    .string()
    .superRefine((value, context) => {
      if (value === nil) refuse(context, 'INVALID_FORMAT', 'is the nil UUID');
      else if (!isId(value)) refuse(context, 'INVALID_FORMAT', 'is not a UUIDv7 in lower case');
    })
    .meta({format: 'uuid'}) as unknown as z.ZodType<Id>,
  shown: z.string().meta({format: 'uuid'}),
};

/** What names a trajectory or a scope: its id, or the external id its tenant gave it. */
export const reference: Scalar<string> = name(200);

/** A whole number in a closed range. */
export const int = (least = 0, most: number = Number.MAX_SAFE_INTEGER): Scalar<number> => ({
  read: z.int().superRefine((value, context) => {
    if (value < least || value > most) {
      refuse(context, 'INVALID_RANGE', `is ${value}, allowed ${least} to ${most}`);
    }
  }),
  shown: z.int(),
});

/** A whole number in a query string. */
export const intText = (least = 0, most: number = Number.MAX_SAFE_INTEGER): Scalar<number> => ({
  read: z
    .string()
    .transform((value, context) => {
      const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (!Number.isSafeInteger(number)) {
        refuse(context, 'INVALID_FORMAT', 'is not a whole number');
        return z.NEVER;
      }
      if (number < least || number > most) {
        refuse(context, 'INVALID_RANGE', `is ${number}, allowed ${least} to ${most}`);
        return z.NEVER;
      }
      return number;
    })
    .meta({type: 'integer', minimum: least, maximum: most}),
  shown: z.int(),
});

/** A number from 0 to 1. */
export const unit: Scalar<number> = {
  read: z.number().superRefine((value, context) => {
    if (!(value >= 0 && value <= 1))
      refuse(context, 'INVALID_RANGE', `is ${value}, allowed 0 to 1`);
  }),
  shown: z.number(),
};

export const bool: Scalar<boolean> = {read: z.boolean(), shown: z.boolean()};

/** `true` or `false` in a query string. */
export const boolText: Scalar<boolean> = {
  read: z.enum(['true', 'false']).transform((value) => value === 'true'),
  shown: z.boolean(),
};

/** 64 hexadecimal digits. */
export const hash: Scalar<Hex> = {
  read: z.string().regex(/^[0-9a-f]{64}$/),
  shown: z.string(),
};

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Reads RFC 3339 with any offset and 0 to 6 fraction digits, years 1970 to 9999.
 * Answers µs, or null for anything else: days that no calendar has and leap seconds among it.
 */
export function parseTime(value: string): Micros | null {
  const match = rfc3339.exec(value);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? '0');
  const days = new Date(Date.UTC(part(1), part(2) - 1, part(3)));
  const isRealDay = days.getUTCMonth() === part(2) - 1 && days.getUTCDate() === part(3);
  if (!isRealDay || part(4) > 23 || part(5) > 59 || part(6) > 59) return null;
  if (part(9) > 23 || part(10) > 59) return null;
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10));
  const seconds =
    days.getTime() / 1000 + part(4) * 3600 + part(5) * 60 + part(6) - offsetMinutes * 60;
  const micros = seconds * 1_000_000 + Number((match[7] ?? '').padEnd(6, '0'));
  return micros >= 0 && micros < 253_402_300_800_000_000 && part(1) >= 1970 ? micros : null;
}

/** Prints µs as RFC 3339 in UTC with six fraction digits. */
export function isoTime(micros: Micros): string {
  const second = new Date(Math.floor(micros / 1_000_000) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}

export const time: Scalar<Micros> = {
  read: z
    .string()
    .transform((value, context) => {
      const micros = parseTime(value);
      if (micros !== null) return micros;
      refuse(context, 'INVALID_FORMAT', 'is not an RFC 3339 time of the years 1970 to 9999');
      return z.NEVER;
    })
    .meta({format: 'date-time'}),
  shown: z.string().meta({format: 'date-time'}),
  print: isoTime,
};

export type JsonValue = string | number | boolean | null | JsonValue[] | {[key: string]: JsonValue};

const depthOf = (value: unknown, most: number): number => {
  if (typeof value !== 'object' || value === null || most < 0) return 0;
  let depth = 0;
  for (const inner of Object.values(value)) depth = Math.max(depth, depthOf(inner, most - 1));
  return depth + 1;
};

const jsonDepth = 32;

const jsonRule = (limit: number) => (value: unknown, context: z.RefinementCtx) => {
  if (depthOf(value, jsonDepth) > jsonDepth)
    refuse(context, 'INVALID_RANGE', `is deeper than ${jsonDepth}`);
  // What canonical JSON takes is what `JSON.stringify` takes: only the order of keys differs.
  const printed = JSON.stringify(value);
  if (printed.length > limit / 3 && encoder.encode(printed).length > limit) {
    refuse(context, 'INVALID_RANGE', `is more than ${limit} bytes of JSON`);
  }
  // The only way to print U+0000 or half a surrogate pair is the escape, behind an even number of `\`.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89ab]|d[cdef])/i.test(printed)) {
    refuse(
      context,
      'INVALID_FORMAT',
      'holds a text that is not well-formed Unicode without U+0000',
    );
  }
};

/** Any JSON value of at most `limit` bytes. */
export const json = (limit: number): Scalar<JsonValue> => ({
  read: z.unknown().superRefine(jsonRule(limit)) as unknown as z.ZodType<JsonValue>,
  shown: z.unknown(),
  isBody: true,
});

/** A JSON object of at most `limit` bytes and `keys` members. */
export const jsonObject = (limit: number, keys = 64): Scalar<{[key: string]: JsonValue}> => ({
  read: z
    .record(z.string(), z.unknown())
    .superRefine(jsonRule(limit))
    .superRefine((value, context) => {
      const count = Object.keys(value).length;
      if (count > keys) refuse(context, 'INVALID_RANGE', `has ${count} members, limit ${keys}`);
    }) as unknown as z.ZodType<{[key: string]: JsonValue}>,
  shown: z.record(z.string(), z.unknown()),
  isBody: true,
});

/** A list of at most `most` values. */
export function list<T>(of: Scalar<T>, most: number, least = 0): Scalar<T[]> {
  const {print} = of;
  return {
    read: z
      .array(of.read)
      .superRefine((value, context) => {
        if (value.length > most || value.length < least) {
          refuse(
            context,
            'INVALID_RANGE',
            `has ${value.length} items, allowed ${least} to ${most}`,
          );
        }
      })
      .meta({maxItems: most}),
    shown: z.array(of.shown),
    ...(print === undefined ? {} : {print: (values: T[]) => values.map(print)}),
  };
}

/** Base64 (RFC 4648 §4) out; base64 or an array of bytes in. Kept as base64 inside. */
export const bytes = (limit: number): Scalar<string> => ({
  read: z.union([z.string(), z.array(z.int())]).transform((value, context) => {
    const decoded = typeof value === 'string' ? fromBase64(value) : fromArray(value);
    if (decoded === null) {
      refuse(context, 'INVALID_FORMAT', 'is neither base64 nor an array of bytes');
      return z.NEVER;
    }
    if (decoded.length > limit) {
      refuse(context, 'INVALID_RANGE', `is ${decoded.length} bytes, limit ${limit}`);
      return z.NEVER;
    }
    return toBase64(decoded);
  }),
  shown: z.string().meta({contentEncoding: 'base64'}),
  isBody: true,
});

const fromArray = (value: number[]): Uint8Array | null =>
  value.every((byte) => byte >= 0 && byte <= 255) ? Uint8Array.from(value) : null;

function fromBase64(value: string): Uint8Array | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) return null;
  const decoded = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  return toBase64(decoded) === value ? decoded : null;
}

function toBase64(value: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < value.length; at += 32_768) {
    binary += String.fromCharCode(...value.subarray(at, at + 32_768));
  }
  return btoa(binary);
}
