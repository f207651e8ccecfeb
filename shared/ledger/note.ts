/**
 * Signed notes: c2sp.org/signed-note, with Ed25519 alone (signature type 0x01).
 *
 * The format is not ours, so that published tools check what we sign. Reading is stricter than the
 * specification asks: at most 64 signature lines, and no two by one key.
 */
import {concat, encodeUtf8, fromBase64, fromHex, toBase64, toHex} from './bytes.ts';
import type {Hashes} from './hashes.ts';
import {excerpt, FormatRefusal} from './refusal.ts';

/** A key that verifies notes. */
export type VerifierKey = {
  readonly name: string;
  /** 8 hex digits. */
  readonly keyId: string;
  readonly publicKey: Uint8Array;
};

/** Signs for a key; made by whoever holds the seed. */
export type Signer = {
  readonly name: string;
  readonly keyId: string;
  readonly sign: (message: Uint8Array) => Uint8Array;
};

/** One line below a note. */
export type SignatureLine = {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Uint8Array;
};

/** A note as it was read, not yet verified. */
export type Note = {
  readonly text: string;
  readonly signatures: readonly SignatureLine[];
  /** All of it, verbatim: two of these that exclude each other are evidence. */
  readonly source: string;
};

/** Signature type of plain Ed25519. A cosignature (0x04) signs other bytes and is none of these. */
const ed25519Type = 0x01;
/** Most signature lines a note may have. */
export const signatureLimitCount = 64;

// A key name has no space of Unicode, no plus, no control character and ends no line.
const namePattern = /^[^\s\p{White_Space}\p{Cc}+]+$/u;
const controls = /[\u0000-\u0009\u000b-\u001f]/;

/** Key id: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), in hex. */
export function keyIdOf(hashes: Hashes, name: string, publicKey: Uint8Array): string {
  const input = concat(encodeUtf8(`${name}\n`), Uint8Array.of(ed25519Type), publicKey);
  return toHex(hashes.sha256(input).subarray(0, 4));
}

/** A verifier key from its name and its public key. */
export function verifierKey(hashes: Hashes, name: string, publicKey: Uint8Array): VerifierKey {
  if (!namePattern.test(name)) throw new FormatRefusal('vkey', 'not a key name');
  if (publicKey.length !== 32) throw new FormatRefusal('vkey', 'not a key of 32 bytes');
  return {name, keyId: keyIdOf(hashes, name, publicKey), publicKey};
}

/** A verifier key as text, `name+id+base64`. */
export function renderVkey({name, keyId, publicKey}: VerifierKey): string {
  return `${name}+${keyId}+${toBase64(concat(Uint8Array.of(ed25519Type), publicKey))}`;
}

/** Reads a verifier key; refuses one whose id is not that of its name and key. */
export function parseVkey(hashes: Hashes, text: string): VerifierKey {
  // Base64 may hold a plus: only the first two divide.
  const [name = '', keyId = ''] = text.split('+', 2);
  const encoded = text.slice(name.length + keyId.length + 2);
  const material = fromBase64(encoded);
  if (material[0] !== ed25519Type) throw new FormatRefusal('vkey', 'not of type 0x01, Ed25519');
  const key = verifierKey(hashes, name, material.slice(1));
  if (renderVkey(key) !== text) throw new FormatRefusal('vkey', 'its id is not that of its key');
  return key;
}

/** A note over a text that ends in a newline, with one signature. */
export function signNote(text: string, signer: Signer): string {
  if (!text.endsWith('\n') || controls.test(text)) {
    throw new FormatRefusal('note', 'its text does not end in a newline, or holds control bytes');
  }
  const signed = concat(fromHex(signer.keyId), signer.sign(encodeUtf8(text)));
  return `${text}\n— ${signer.name} ${toBase64(signed)}\n`;
}

/** Reads a note; what it says counts for nothing until a signature of a known key is verified. */
export function parseNote(source: string): Note {
  if (!source.isWellFormed() || controls.test(source)) {
    throw new FormatRefusal('note', 'holds control bytes or lone surrogates');
  }
  const end = source.lastIndexOf('\n\n');
  if (end === -1) throw new FormatRefusal('note', 'has no empty line before its signatures');
  const text = source.slice(0, end + 1);
  const lines = source.slice(end + 2).split('\n');
  if (lines.pop() !== '') throw new FormatRefusal('note', 'does not end in a newline');
  if (lines.length === 0) throw new FormatRefusal('note', 'is not signed');
  if (lines.length > signatureLimitCount) {
    throw new FormatRefusal('note', `${lines.length} signatures, limit ${signatureLimitCount}`);
  }
  const signatures = lines.map(parseLine);
  const keys = new Set(signatures.map(({name, keyId}) => `${name}+${keyId}`));
  if (keys.size < signatures.length) throw new FormatRefusal('note', 'is signed twice by one key');
  return {text, signatures, source};
}

function parseLine(line: string): SignatureLine {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ');
  if (dash !== '—' || rest.length > 0 || !namePattern.test(name)) {
    throw new FormatRefusal('note', `not a signature line: ${excerpt(line)}`);
  }
  const bytes = fromBase64(encoded);
  if (bytes.length < 5) throw new FormatRefusal('note', 'a signature is too short');
  return {name, keyId: toHex(bytes.subarray(0, 4)), signature: bytes.slice(4)};
}

/** What the signatures of a note say about one key: `absent` when it did not sign. */
export function checkNote(hashes: Hashes, note: Note, key: VerifierKey): 'absent' | 'bad' | 'good' {
  const line = note.signatures.find(({name, keyId}) => name === key.name && keyId === key.keyId);
  if (line === undefined) return 'absent';
  const message = encodeUtf8(note.text);
  return hashes.ed25519Verify(key.publicKey, message, line.signature) ? 'good' : 'bad';
}
