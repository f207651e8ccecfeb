/**
 * Event ids: UUIDv7 (RFC 9562 §5.7) that carry the event's time to the quarter microsecond.
 *
 * `unix_ts_ms` and `rand_a` are a function of `at`, so ids, times and leaves have one order and
 * "the last leaf at or before t" is one index probe. 62 random bits remain. An id whose time
 * fields differ from its `at` is invalid (G-1).
 */
import {fromHex} from './bytes.ts';
import {FormatRefusal} from './refusal.ts';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The nil UUID: trajectory of the tenant's own chain in columns, refused on input. */
export const nilUuid = '00000000-0000-0000-0000-000000000000';

/** Whether a text is a UUID in its one spelling: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** The 16 bytes of a UUID. */
export function uuidBytes(text: string): Uint8Array {
  if (!isUuid(text)) throw new FormatRefusal('id', 'not a lower-case UUID with dashes');
  return fromHex(text.replaceAll('-', ''));
}

/** Id of the event at `at` (µs since 1970), with 8 random bytes of which 62 bits are used. */
export function eventId(at: number, random: Uint8Array): string {
  if (random.length !== 8) throw new RangeError(`8 random bytes are needed, not ${random.length}`);
  const high = (((random[0] ?? 0) & 0x3f) | 0x80).toString(16);
  let rest = '';
  for (let i = 1; i < 8; i += 1) rest += (random[i] ?? 0).toString(16).padStart(2, '0');
  return `${timePrefix(at)}-${high}${rest.slice(0, 2)}-${rest.slice(2)}`;
}

/** Whether the time fields of an event id are those of `at`. */
export function idMatchesTime(id: string, at: number): boolean {
  return id.startsWith(timePrefix(at));
}

/** The 18 characters that `at` fixes: `unix_ts_ms`, the version and `rand_a`. */
function timePrefix(at: number): string {
  const micros = at % 1000;
  // Subtracting first keeps the division exact up to 2^53, where at / 1000 could round up.
  const ms = ((at - micros) / 1000).toString(16).padStart(12, '0');
  const fraction = Math.floor((micros * 4096) / 1000)
    .toString(16)
    .padStart(3, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${fraction}`;
}

/** The least `at` (µs) that an event id can belong to; ids of one millisecond differ by `rand_a`. */
export function idTimeMicros(id: string): number {
  if (!isUuid(id) || id[14] !== '7') throw new FormatRefusal('id', 'not a UUIDv7');
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return ms * 1000 + Math.ceil((Number.parseInt(id.slice(15, 18), 16) * 1000) / 4096);
}
