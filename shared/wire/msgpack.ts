/**
 * MessagePack of the wire: plain maps and arrays, nothing of the library's own extensions.
 *
 * Records are off, so that any MessagePack library reads an answer, and so that no code is made at
 * run time, which workerd refuses.
 */
import {Packr} from 'msgpackr';

// As in JSON, a member without a value is not there.
const packing = {useRecords: false, structuredClone: false, skipValues: [undefined]};
const packr = new Packr(packing);

/** Encodes a value of JSON. */
export const pack = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(packr.pack(value));

/** Decodes a body; throws for bytes that are no MessagePack. */
export const unpack = (body: Uint8Array): unknown => packr.unpack(body);
