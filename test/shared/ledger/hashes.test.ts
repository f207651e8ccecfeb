import {generateKeyPairSync, sign} from 'node:crypto';
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {encodeUtf8, fromHex, toHex} from '../../../shared/ledger/bytes.ts';
import {dk, dkText, useKey, uses} from '../../../shared/ledger/contexts.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import vectors from '../../../shared/ledger/vectors/blake3.json';

const native = await createNativeHashes();
const noble = createNobleHashes();
const libraries = [
  ['native', native],
  ['noble', noble],
] as const;

/** Frozen for ever: a changed key makes every log unreadable. */
const goldenKeys: Record<string, string> = {
  'event header': 'd53b520ff476b98620a9e09053c8880ef70215882666212f54547f37ebbead83',
  'event data': '328c0e1b3f9d9a3868f68cb3c1277ee6fa01a223bb1577ac164f4f6b95a4b6cb',
  'event content': '8d4f776ba305b19c8877d721b0c034d10c1d38431d9cc7cd6e62c9d989ff1ce4',
  'gate facts': 'f8884675fa2eabe43750b37e45f263c4fe452c429686c4f9064b416e7a6528ed',
  policy: '81378c79ef4266a7c0355ccad07f3907c076885534e5cd8acf4e119e3626705b',
  'idempotency key': '745a4baa3f216b23c341128c43affc7fa7be15cb54a77cf2a4d3fbbc320f8c6c',
  request: '0f0d11e91bc2591ecd54b66ffad2fbc80032f82cbc60797edf74a5035448525f',
  identity: 'd41c99ac9078e02c14e79812cbb02dd990ea76955a9584ff2ce948ce0a58c5e1',
  'subject ref': 'b3d212bafe76f9fff1d4d251435166e88ca8fb3be2300544f259ea7103230e00',
  prompt: 'effb534df8f280e7dfb2ea3417c9f70ab472029cf8c58914642433e753e78d3e',
  'log key': '9fa0f3c1484d9c91e8964123158305b8893a8a642e3c49e1ab06c640c63cb820',
  'token key': '416b27219d26d2e7ee9427c9a742ccdc48b8352e46a1d062e7b080266fbd0fbb',
  'api key': '6161d70a2dea68644c4c5791f8acdaa298e89988ab7a15dbe546ef36e7a72d66',
  'seal key': 'e3bc909102ef47b35d25556054bf1f9eba7889f2c9fc6f4a9c8da9c16090b48f',
};

function officialInput(length: number): Uint8Array {
  return Uint8Array.from({length}, (_, i) => i % 251);
}

describe.each(libraries)('%s', (_, hashes) => {
  test.each(vectors.cases)(
    'BLAKE3 of $length bytes is the official one, plain and keyed',
    (row) => {
      const input = officialInput(row.length);
      expect(toHex(hashes.blake3(input))).toBe(row.hash);
      expect(toHex(hashes.blake3Keyed(encodeUtf8(vectors.key), input))).toBe(row.keyed);
    },
  );

  test('SHA-256 is that of FIPS 180-4', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(toHex(hashes.sha256(new Uint8Array(0)))).toBe(empty);
    expect(toHex(hashes.sha256(encodeUtf8('abc')))).toBe(abc);
  });

  test('Ed25519 verifies the second vector of RFC 8032 §7.1 and nothing near it', () => {
    const key = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const signature = fromHex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    const message = Uint8Array.of(0x72);
    expect(hashes.ed25519Verify(key, message, signature)).toBe(true);
    expect(hashes.ed25519Verify(key, Uint8Array.of(0x73), signature)).toBe(false);
    expect(hashes.ed25519Verify(key, message, signature.slice(1))).toBe(false);
    expect(hashes.ed25519Verify(key.slice(1), message, signature)).toBe(false);
    expect(hashes.ed25519Verify(new Uint8Array(32).fill(0xff), message, signature)).toBe(false);
  });

  test('every use has the key it always had', () => {
    const keys = uses.map((use) => [use, toHex(useKey(hashes, use))]);
    expect(Object.fromEntries(keys)).toEqual(goldenKeys);
  });

  test('a hash of text is the hash of its bytes, also beyond the scratch buffer', () => {
    for (const text of ['', 'Ünïcödé — 𝄞', 'x'.repeat(30_000), '€'.repeat(30_000)]) {
      const salt = officialInput(32);
      const whole = dk(hashes, 'event data', salt, encodeUtf8(text));
      expect(toHex(dkText(hashes, 'event data', salt, text))).toBe(toHex(whole));
      const bare = dk(hashes, 'event header', encodeUtf8(text));
      expect(toHex(dkText(hashes, 'event header', null, text))).toBe(toHex(bare));
    }
  });

  test('nothing is kept of what was passed in', () => {
    const input = officialInput(65);
    const key = encodeUtf8(vectors.key);
    const [plain, keyed, sha] = [
      hashes.blake3(input),
      hashes.blake3Keyed(key, input),
      hashes.sha256(input),
    ];
    const before = [plain, keyed, sha].map(toHex);
    input.fill(9);
    key.fill(9);
    hashes.blake3(input);
    hashes.blake3Keyed(key, input);
    hashes.sha256(input);
    expect([plain, keyed, sha].map(toHex)).toEqual(before);
  });
});

test('both libraries agree about signatures of node:crypto, whole and damaged', () => {
  const {publicKey, privateKey} = generateKeyPairSync('ed25519');
  const key = publicKey.export({format: 'der', type: 'spki'}).subarray(12);
  const message = officialInput(100);
  const signature = sign(null, message, privateKey);
  for (let bit = -1; bit < 64 * 8; bit += 13) {
    const changed = new Uint8Array(signature);
    if (bit >= 0) changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const answers = libraries.map(([, hashes]) => hashes.ed25519Verify(key, message, changed));
    expect(answers).toEqual([bit < 0, bit < 0]);
  }
});
