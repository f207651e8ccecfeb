/**
 * Branded identifiers and the one place that makes them.
 *
 * Every id is a UUIDv7 (RFC 9562 §5.7) in lower case with dashes. Event ids carry their event's
 * microseconds (`shared/ledger/ids.ts`); entity ids carry the wall clock of the request that made them.
 */
declare const brand: unique symbol;

export type Id<Kind extends string = string> = string & {readonly [brand]?: Kind};
export type EventId = Id<'event'>;
export type TenantId = Id<'tenant'>;

/** A tenant's number inside one database: small, never on the wire. */
export type TenantNo = number;

/** Microseconds since 1970-01-01T00:00:00Z: the one unit of time inside the product. */
export type Micros = number;

/** 64 lower-case hexadecimal digits: 32 bytes. */
export type Hex = string;

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Tells whether a text is a UUIDv7 in the one spelling the product uses. */
export function isId(text: string): text is Id {
  return uuidV7.test(text);
}

/**
 * Makes an entity id from a time and ten random bytes (RFC 9562 §5.7: 48 bits of milliseconds,
 * 74 random bits).
 */
export function newId<Kind extends string>(at: Micros, random: Uint8Array): Id<Kind> {
  const time = Math.floor(at / 1000)
    .toString(16)
    .padStart(12, '0');
  const r = Array.from(random.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  const variant = ((Number.parseInt(r.slice(4, 5), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${r.slice(1, 4)}-${variant}${r.slice(5, 8)}-${r.slice(8, 20)}`;
}
