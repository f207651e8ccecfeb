/**
 * The text of an API key: `cst_`, 43 base62 characters of 256 random bits, 6 of a CRC-32 over what
 * precedes. The checksum lets the edge refuse a mistyped or invented key without asking anybody.
 */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretCharacters = 43;
const checkCharacters = 6;
const form = /^cst_[0-9A-Za-z]{49}$/;

function base62(value: bigint, characters: number): string {
  let rest = value;
  let out = '';
  for (let index = 0; index < characters; index += 1) {
    out = (alphabet[Number(rest % 62n)] ?? '0') + out;
    rest /= 62n;
  }
  return out;
}

/** CRC-32 of ISO 3309, as in zip and PNG: polynomial 0xEDB88320, reflected. */
function crc32(text: string): number {
  let crc = 0xff_ff_ff_ff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

const checkOf = (text: string): string => base62(BigInt(crc32(text)), checkCharacters);

/** Makes a key's text from 32 random bytes. */
export function makeKeyText(random: Uint8Array): string {
  const number = random.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const text = `cst_${base62(number, secretCharacters)}`;
  return text + checkOf(text);
}

/** Tells whether a text has the form and the checksum of a key. */
export function isKeyText(text: string): boolean {
  return form.test(text) && text.endsWith(checkOf(text.slice(0, -checkCharacters)));
}

/** What of a key may be shown: `cst_` and the next eight characters. */
export const keyPrefix = (text: string): string => text.slice(0, 12);
