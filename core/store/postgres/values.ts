/**
 * Values between TypeScript and PostgreSQL's text format, the same for every driver.
 *
 * Both drivers speak text: what `encode` prints and `decode` reads here is all there is, so a
 * statement means the same on a server and in the embedded database. The tables belong to our own
 * connections; the process-wide ones of `pg` are left alone.
 */
import {invariant} from '../../../shared/errors.ts';

/** A parameter as PostgreSQL's text. An array is a PostgreSQL array: print JSON arrays yourself. */
export function encode(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value);
  }
  if (value instanceof Uint8Array) return hexOf(value);
  if (Array.isArray(value)) return `{${value.map(encodeElement).join(',')}}`;
  return JSON.stringify(value);
}

function encodeElement(value: unknown): string {
  const text = encode(value);
  return text === null ? 'NULL' : `"${text.replaceAll(/["\\]/g, (letter) => `\\${letter}`)}"`;
}

/** Bytes as PostgreSQL prints and reads them: `\x` and hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

type Parser = (text: string) => unknown;

const asText: Parser = (text) => text;
const asNumber: Parser = Number;

/** Leaves, sizes and µs stay below 2⁵³ for the next 250 years; one that does not is a bug. */
const asSafeInteger: Parser = (text) => {
  const number = Number(text);
  invariant(Number.isSafeInteger(number), `bigint ${text} is a safe integer`);
  return number;
};
const asBytes: Parser = (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'));
const asBoolean: Parser = (text) => text === 't';
const asArrayOf =
  (parse: Parser): Parser =>
  (text) =>
    splitArray(text).map((element) => (element === null ? null : parse(element)));

// OIDs of pg_type; they are fixed for ever. A column of a domain arrives with the OID of its base.
const parsers: Readonly<Record<number, Parser>> = {
  16: asBoolean,
  17: asBytes,
  20: asSafeInteger, // int8
  21: asNumber, // int2
  23: asNumber, // int4
  26: asNumber, // oid
  114: JSON.parse, // json
  700: asNumber, // float4
  701: asNumber, // float8
  1000: asArrayOf(asBoolean),
  1001: asArrayOf(asBytes),
  1005: asArrayOf(asNumber), // int2[]
  1007: asArrayOf(asNumber), // int4[]
  1009: asArrayOf(asText), // text[]
  1015: asArrayOf(asText), // varchar[]
  1016: asArrayOf(asSafeInteger), // int8[]
  1021: asArrayOf(asNumber), // float4[]
  1022: asArrayOf(asNumber), // float8[]
  1700: asNumber, // numeric: sum() of bigint
  2951: asArrayOf(asText), // uuid[]
  3802: JSON.parse, // jsonb
  3807: asArrayOf(JSON.parse), // jsonb[]
};

/** How the text of one type becomes a value; a type that is not listed stays text. */
export function decoderOf(oid: number): Parser {
  return parsers[oid] ?? asText;
}

/** Elements of a one-dimensional array literal. */
function splitArray(literal: string): (string | null)[] {
  const elements: (string | null)[] = [];
  let at = 1;
  while (at < literal.length - 1) {
    if (literal[at] === '"') {
      const end = closingQuote(literal, at + 1);
      elements.push(literal.slice(at + 1, end).replaceAll(/\\(.)/gs, '$1'));
      at = end + 2;
    } else {
      const comma = literal.indexOf(',', at);
      const end = comma === -1 ? literal.length - 1 : comma;
      const text = literal.slice(at, end);
      elements.push(text === 'NULL' ? null : text);
      at = end + 1;
    }
  }
  return elements;
}

function closingQuote(literal: string, from: number): number {
  let at = from;
  while (literal[at] !== '"') at += literal[at] === '\\' ? 2 : 1;
  return at;
}
