import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  compareBytes,
  concat,
  decodeUtf8,
  encodeUtf8,
  fromBase64,
  fromHex,
  toBase64,
  toHex,
  u16be,
  u32be,
} from '../../../shared/ledger/bytes.ts';
import {FormatRefusal} from '../../../shared/ledger/refusal.ts';

const someBytes = fc.uint8Array({maxLength: 200});

describe('hex and base64', () => {
  test('are those of Buffer, and read back', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(['AB', 'a', 'zz', ' ab', 'ab\n', '0x'])('hex %j is refused', (text) => {
    expect(() => fromHex(text)).toThrow(FormatRefusal);
  });

  test.each(['QQ', 'QQ=', 'QR==', 'QQ==\n', ' QQ==', 'QQ=a', 'Q-_=', 'QQ==QQ==', '=', '\u00e9A=='])(
    'base64 %j is refused: it is not what toBase64 prints',
    (text) => {
      expect(() => fromBase64(text)).toThrow(FormatRefusal);
    },
  );
});

describe('UTF-8', () => {
  test('reads back what is well formed', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary'}), (text) => {
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
  });

  test('refuses a lone surrogate, which would become U+FFFD', () => {
    expect(() => encodeUtf8('a\ud800')).toThrow('lone surrogate');
  });

  test.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a byte that never occurs', [0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(FormatRefusal);
  });

  test('keeps a byte order mark, for the parsers to refuse', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b))).toBe('\uFEFF{');
  });
});

test('numbers are big-endian, and refused when they do not fit', () => {
  expect(toHex(concat(u16be(0x1234), u32be(0xfffefdfc), u32be(1)))).toBe('1234fffefdfc00000001');
  expect(() => u16be(0x10000)).toThrow(RangeError);
  expect(() => u32be(-1)).toThrow(RangeError);
  expect(() => u32be(1.5)).toThrow(RangeError);
});

test('bytes are ordered as Buffer orders them', () => {
  fc.assert(
    fc.property(someBytes, someBytes, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
    }),
  );
});
