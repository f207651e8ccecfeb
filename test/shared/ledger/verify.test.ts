import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {concat, fromHex, toBase64} from '../../../shared/ledger/bytes.ts';
import {signCheckpoint} from '../../../shared/ledger/checkpoint.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import {signNote} from '../../../shared/ledger/note.ts';
import {verifyReceipt} from '../../../shared/ledger/verify.ts';
import vector from '../../../shared/ledger/vectors/1.json';
import {createLedgerFixture} from '../../support/ledger-fixture.ts';
import {signerOf} from '../../support/ledger-signer.ts';
import {tellStory} from '../../support/ledger-story.ts';

const hashes = await createNativeHashes();
const {log, turns, erased, secret, denied} = tellStory(hashes, 40);
const {policy} = log;
const turn = turns[0] ?? 0;
const receipt = log.receipt(turn);

function exitOf(
  text: string,
  rules: string | undefined = policy,
  known: readonly string[] = [],
): number {
  return verifyReceipt(hashes, {receipt: text, policy: rules, known}).exit;
}

/** A receipt with parts of its JSON replaced. */
function edited(change: (value: Receipt) => object): string {
  const value: Receipt = JSON.parse(receipt);
  return JSON.stringify({...value, ...change(value)});
}
type Receipt = {
  receipt: string;
  header: string;
  proof: string;
  open: {data: Part; content: Part};
  anchor: null;
};
type Part = {salt: string; body: string};

describe('a valid receipt', () => {
  test('verifies at every size of the log since its event, opened or not, with both libraries', () => {
    for (const size of [turn + 1, turn + 2, 32, 33, 40]) {
      for (const library of [hashes, createNobleHashes()]) {
        const text = log.receipt(turn, size, size % 2 === 0);
        const verdict = verifyReceipt(library, {receipt: text, policy});
        expect(verdict).toMatchObject({level: 'L1', exit: 0, index: turn, size});
        expect(verdict.checks.every(({ok}) => ok)).toBe(true);
      }
    }
  });

  test('of a denial and of an erased event verifies too', () => {
    expect(exitOf(log.receipt(denied))).toBe(0);
    log.clear(erased);
    expect(exitOf(log.receipt(secret))).toBe(0);
  });

  test('shows its form at L0 and cannot decide more without a policy', () => {
    const verdict = verifyReceipt(hashes, {receipt});
    expect(verdict).toMatchObject({level: 'L0', exit: 20});
  });

  test('verifies beside checkpoints that were kept, and with vector 1', () => {
    expect(exitOf(receipt, policy, [log.note(), log.note(3)])).toBe(0);
    const open = {
      data: {salt: toBase64(fromHex(vector.salt)), body: btoa(vector.data)},
      content: {salt: toBase64(fromHex(vector.content_salt)), body: btoa(vector.content)},
    };
    const {header, proof} = vector;
    const text = JSON.stringify({
      receipt: 'cellstate/receipt@1',
      header,
      proof,
      open,
      anchor: null,
    });
    expect(exitOf(text, `log ${vector.vkey}\nquorum none\n`)).toBe(0);
  });
});

describe('policies', () => {
  test('that ask for witnesses cannot be decided: 20', () => {
    expect(exitOf(receipt, `witness W ${log.vkey}\nlog ${log.vkey}\nquorum W\n`)).toBe(20);
  });
  test('without logs cannot be decided, and malformed ones are misuse: 20, 64', () => {
    expect(exitOf(receipt, 'quorum none\n')).toBe(20);
    expect(exitOf(receipt, 'log x\n')).toBe(64);
  });
  test('of a log whose later shard signed cannot be decided without what leads there: 20', () => {
    const {signer} = signerOf(hashes, `${log.shard.key.name}/2`, new Uint8Array(32).fill(3));
    const text = edited(({header, proof}) => ({
      header: header.replace(`"log":"${log.shard.key.name}"`, `"log":"${signer.name}"`),
      proof: `${proof.slice(0, proof.indexOf('\n\n') + 2)}${signCheckpoint({origin: signer.name, size: 40, root: log.root()}, signer)}`,
    }));
    const verdict = verifyReceipt(hashes, {receipt: text, policy});
    expect(verdict.checks.find(({name}) => name === 'key')).toMatchObject({exit: 20});
  });
});

describe('12: proofs that are not of this event', () => {
  const lines = (path: string): string => path;
  const proofOf = (leaf: number, size = 40): string => JSON.parse(log.receipt(leaf, size)).proof;
  test.each([
    ['another event’s proof', () => proofOf(turn + 1)],
    ['a proof too short', (p: string) => p.replace(/(index \d+\n)[^\n]+\n/, '$1')],
    ['a proof too long', (p: string) => p.replace('\n\n', `\n${toBase64(log.root())}\n\n`)],
    ['two hashes swapped', (p: string) => p.replace(/(index \d+\n)([^\n]+\n)([^\n]+\n)/, '$1$3$2')],
    ['an index that is the size', (p: string) => p.replace(/index \d+/, 'index 40')],
    ['an index beyond the size', (p: string) => p.replace(/index \d+/, 'index 4000')],
    [
      'the path of another size',
      (p: string) =>
        p.slice(0, p.indexOf('\n\n')) + proofOf(turn, 33).slice(proofOf(turn, 33).indexOf('\n\n')),
    ],
    ['size 0', (p: string) => withCheckpoint(lines(p), 0)],
    ['a size beyond 2^53', (p: string) => withCheckpoint(lines(p), '9007199254740993')],
    ['an extra line', (p: string) => p.replace('index', 'extra AQID\nindex')],
  ])('%s: 40', (_, change) => {
    expect(exitOf(edited(({proof}) => ({proof: change(proof)})))).toBe(40);
  });
});

/** The proof with a signed checkpoint of another size over the same root. */
function withCheckpoint(proof: string, size: number | string): string {
  const body = `${log.shard.key.name}\n${size}\n${toBase64(log.root())}\n`;
  return proof.slice(0, proof.indexOf('\n\n') + 2) + signNote(body, log.signer);
}

describe('13: signatures that are not the log’s', () => {
  const other = signerOf(hashes, log.shard.key.name, new Uint8Array(32).fill(9));
  const body = `${log.shard.key.name}\n40\n${toBase64(log.root())}\n`;
  const lineOf = (note: string): string => note.slice(note.indexOf('—'));
  const cosignature = (): string => {
    // Type 0x04: another key id, and the same bytes signed.
    const type4 = concat(Uint8Array.of(0x04), log.shard.key.publicKey);
    const id = hashes.sha256(concat(Buffer.from(`${log.shard.key.name}\n`), type4)).subarray(0, 4);
    return signNote(body, {...log.signer, keyId: Buffer.from(id).toString('hex')});
  };
  test.each([
    ['the wrong key under the right name', () => signNote(body, other.signer)],
    [
      'the wrong key under the right name and id',
      () => signNote(body, {...other.signer, keyId: log.signer.keyId}),
    ],
    [
      'the right key for another origin',
      () => signNote(body.replace('/logs/', '/fogs/'), log.signer),
    ],
    ['a cosignature instead of a signature', cosignature],
    ['a line twice', () => log.note() + lineOf(log.note())],
    ['an extension line', () => signNote(`${body}extension\n`, log.signer)],
    ['no line', () => `${body}\n`],
    [
      '65 lines',
      () =>
        log.note() +
        Array.from({length: 64}, (_, n) => `— w/${n} ${toBase64(new Uint8Array(9))}\n`).join(''),
    ],
  ])('%s: 40', (_, note) => {
    const text = edited(({proof}) => ({proof: proof.slice(0, proof.indexOf('\n\n') + 2) + note()}));
    expect(exitOf(text)).toBe(40);
  });

  test('lines of strangers beside the log’s own are ignored', () => {
    const text = edited(({proof}) => ({
      proof: `${proof}${lineOf(signNote(body, {...other.signer, name: 'w.example'}))}`,
    }));
    expect(exitOf(text)).toBe(0);
  });
});

test('14: tenant A’s receipt shown for B: 40', () => {
  const b = createLedgerFixture(hashes, '01a1f000-0000-7000-8000-0000000000cc');
  expect(exitOf(receipt, b.policy)).toBe(40);
  const renamed = edited(({header}) => ({
    header: header.replaceAll(log.shard.key.name, b.shard.key.name),
  }));
  expect(exitOf(renamed, b.policy)).toBe(40);
  expect(exitOf(renamed, `log ${log.vkey}\nlog ${b.vkey}\nquorum none\n`)).toBe(40);
});

describe('6 and 11: what was kept', () => {
  const split = tellStory(hashes, 40).log;
  split.write({kind: 'custom.f001'});
  log.write({kind: 'custom.f002'});
  test('two signed heads that exclude each other are exit 30, with both as evidence', () => {
    const verdict = verifyReceipt(hashes, {
      receipt: log.receipt(turn),
      policy,
      known: [split.note()],
    });
    expect(verdict).toMatchObject({exit: 30, evidence: [split.note(), log.note()]});
  });
  test('a receipt that is not signed is no evidence against anybody', () => {
    const forged = JSON.stringify({
      ...JSON.parse(log.receipt(turn)),
      proof: JSON.parse(log.receipt(turn)).proof.replace(/.{5}=\n$/, 'AAAAA=\n'),
    });
    expect(exitOf(forged, policy, [split.note()])).toBe(40);
  });
  test('a kept note that the policy’s key did not sign is misuse: 64', () => {
    expect(exitOf(receipt, policy, ['nothing'])).toBe(64);
    const {signer} = signerOf(hashes, log.shard.key.name, new Uint8Array(32).fill(9));
    expect(
      exitOf(receipt, policy, [
        signCheckpoint({origin: signer.name, size: 1, root: log.root()}, signer),
      ]),
    ).toBe(64);
  });
});

describe('21: texts that are almost right', () => {
  const json = (text: string): string => JSON.stringify(text).slice(1, -1);
  test.each([
    [
      'CRLF between members',
      receipt.replace('{"receipt"', '{\r\n"receipt"').replace(/}$/, '}\u0000'),
    ],
    ['CRLF in the proof', edited(({proof}) => ({proof: proof.replaceAll('\n', '\r\n')}))],
    [
      'a leading zero in the index',
      edited(({proof}) => ({proof: proof.replace('index ', 'index 0')})),
    ],
    [
      'base64 without padding',
      edited(({open}) => ({
        open: {...open, data: {...open.data, salt: open.data.salt.replace('=', '')}},
      })),
    ],
    [
      'base64 with stray bits',
      edited(({open}) => ({
        open: {...open, data: {...open.data, salt: open.data.salt.replace(/.=$/, '/=')}},
      })),
    ],
    ['a duplicate key', receipt.replace('"anchor":null', '"anchor":null,"anchor":null')],
    [
      'a duplicate key in the header',
      edited(({header}) => ({header: header.replace('"rdx":1', '"rdx":1,"rdx":1')})),
    ],
    ['a lone surrogate', receipt.replace('"anchor":null', '"anchor":"\\ud800"')],
    [
      'minus zero in the header',
      edited(({header}) => ({header: header.replace('"grp":[0', '"grp":[-0')})),
    ],
    ['1e400', receipt.replace('"anchor":null', '"anchor":1e400')],
    ['a BOM', `\uFEFF${receipt}`],
    ['a BOM in the header', edited(({header}) => ({header: `\uFEFF${header}`}))],
    ['a NUL', `${receipt}\u0000`],
    ['a NUL in the note', edited(({proof}) => ({proof: proof.replace('\n\n', '\u0000\n\n')}))],
    ['a look-alike dash', receipt.replace('—', '―')],
    ['a look-alike dash, escaped', receipt.replace('—', '\\u2013')],
    [
      'overlong UTF-8 in a part',
      edited(({open}) => ({
        open: {...open, data: {...open.data, body: toBase64(Uint8Array.of(0xc1, 0xbb))}},
      })),
    ],
    ['a member too many', receipt.replace('"anchor":null', '"anchor":null,"size":40')],
    ['a member too few', receipt.replace(',"anchor":null', '')],
    ['another version', receipt.replace('receipt@1', 'receipt@2')],
    ['an anchor', receipt.replace('"anchor":null', '"anchor":{}')],
    ['the wrong types', receipt.replace(/"header":"(?:[^"\\]|\\.)*"/, '"header":null')],
    ['open parts of the wrong type', edited(() => ({open: []}))],
    [
      'a salt of 31 bytes',
      edited(({open}) => ({
        open: {...open, data: {...open.data, salt: toBase64(new Uint8Array(31))}},
      })),
    ],
    [
      'data and content swapped',
      edited(({open}) => ({open: {data: open.content, content: open.data}})),
    ],
    [
      'equal JSON in other words',
      edited(({open}) => ({
        open: {
          ...open,
          data: {...open.data, body: btoa(atob(open.data.body).replace('{"data"', '{ "data"'))},
        },
      })),
    ],
    [
      'content where none was committed',
      JSON.stringify({
        ...JSON.parse(log.receipt(denied)),
        open: {data: null, content: {salt: toBase64(new Uint8Array(32)), body: btoa('{}')}},
      }),
    ],
    ['nothing', ''],
    ['a list', '[]'],
    ['text after it', `${receipt} ${json('x')}`],
  ])('%s: 40', (_, text) => {
    expect(exitOf(text)).toBe(40);
  });
});

describe('every bit of a valid receipt flipped', () => {
  /**
   * Flips that change no claim. JSON has several spellings of one text: upper-case hex digits in
   * an escape would be one, and there is none in a receipt that we render. So the list is empty.
   */
  const harmless: readonly number[] = [];
  const bytes = new TextEncoder().encode(receipt);
  const decode = (changed: Uint8Array): string | null => {
    try {
      return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(changed);
    } catch {
      // Not UTF-8: the reader of files refuses it before any parser sees it.
      return null;
    }
  };

  test('is refused, or on the written list', () => {
    const accepted: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const text = decode(changed);
      if (text !== null && exitOf(text) === 0) accepted.push(bit);
    }
    expect(accepted).toEqual(harmless);
  });
});

test('nothing throws for texts that are cut anywhere', () => {
  for (let end = 0; end < receipt.length; end += 7) {
    expect(exitOf(receipt.slice(0, end))).toBe(40);
    expect([20, 40, 64]).toContain(exitOf(receipt, policy.slice(0, end % policy.length)));
  }
});
