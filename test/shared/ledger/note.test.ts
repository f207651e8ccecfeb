import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {fromBase64, toBase64} from '../../../shared/ledger/bytes.ts';
import {
  checkCheckpoint,
  parseCheckpoint,
  renderCheckpointBody,
  signCheckpoint,
} from '../../../shared/ledger/checkpoint.ts';
import {
  compareCheckpoints,
  parseConsistency,
  renderConsistency,
} from '../../../shared/ledger/consistency.ts';
import {
  checkNote,
  parseNote,
  parseVkey,
  renderVkey,
  signNote,
  verifierKey,
} from '../../../shared/ledger/note.ts';
import {parsePolicy} from '../../../shared/ledger/policy.ts';
import {parseProof, renderProof} from '../../../shared/ledger/proof.ts';
import {FormatRefusal} from '../../../shared/ledger/refusal.ts';
import {consistencyPath} from '../../../shared/ledger/tree-path.ts';
import {emptyRoot, nodeHash} from '../../../shared/ledger/tree.ts';
import vector from '../../../shared/ledger/vectors/1.json';
import {signerOf} from '../../support/ledger-signer.ts';

const hashes = await createNativeHashes();
const origin = 'cellstate.example/logs/x';
const {signer, key} = signerOf(hashes, origin, new Uint8Array(32).fill(1));
const root = new Uint8Array(32).fill(5);
const note = signCheckpoint({origin, size: 7, root}, signer);

describe('signed notes', () => {
  // The example of c2sp.org/signed-note.
  const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const published =
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

  test('the published example verifies, and any other text under it does not', () => {
    expect(checkNote(hashes, parseNote(published), parseVkey(hashes, vkey))).toBe('good');
    const other = published.replace('example message', 'Example message');
    expect(checkNote(hashes, parseNote(other), parseVkey(hashes, vkey))).toBe('bad');
    expect(checkNote(hashes, parseNote(note), parseVkey(hashes, vkey))).toBe('absent');
  });

  test('a vkey reads back; one with another id, type, name or length is refused', () => {
    expect(renderVkey(parseVkey(hashes, vkey))).toBe(vkey);
    const cosigner = vkey.replace('+Aeky', '+BOky');
    for (const text of [
      vkey.replace('530d', '530e'),
      cosigner,
      vkey.replace('foo', 'bar'),
      `${vkey}AA`,
      'a+b',
      '',
    ]) {
      expect(() => parseVkey(hashes, text)).toThrow(FormatRefusal);
    }
    expect(() => verifierKey(hashes, 'has space', key.publicKey)).toThrow('not a key name');
    expect(() => verifierKey(hashes, 'plus+', key.publicKey)).toThrow('not a key name');
    expect(() => verifierKey(hashes, 'nbsp\u00a0', key.publicKey)).toThrow('not a key name');
  });

  test('the text may hold empty lines; the last one divides', () => {
    const text = 'one\n\ntwo\n\n\nthree\n';
    expect(parseNote(signNote(text, signer)).text).toBe(text);
    expect(() => signNote('no newline', signer)).toThrow(FormatRefusal);
    expect(() => signNote('tab\t\n', signer)).toThrow(FormatRefusal);
  });

  test('lines of unknown keys are ignored, up to 64 lines in all', () => {
    const line = (n: number): string =>
      `— witness.example/${n} ${toBase64(new Uint8Array(76).fill(n))}\n`;
    const with63 = note + Array.from({length: 63}, (_, n) => line(n)).join('');
    expect(checkNote(hashes, parseNote(with63), key)).toBe('good');
    expect(() => parseNote(with63 + line(64))).toThrow('65 signatures, limit 64');
  });

  const line = note.slice(note.indexOf('—'));
  test.each([
    ['CRLF', note.replaceAll('\n', '\r\n')],
    ['a look-alike dash', note.replace('—', '–')],
    ['a hyphen', note.replace('—', '-')],
    ['two spaces', note.replace('— ', '—  ')],
    ['a space at the end', note.replace(/\n$/, ' \n')],
    ['no final newline', note.slice(0, -1)],
    ['no empty line', note.replace('\n\n', '\n')],
    ['no signature', note.slice(0, note.indexOf('—'))],
    ['a NUL', note.replace('x\n', 'x\u0000\n')],
    ['a duplicate line', note + line],
    ['base64 that is not canonical', note.replace(/=\n$/, '\n')],
    ['base64 for URLs', note.replace(/[^ ]{4}=\n$/, '-__=\n')],
    ['a lone surrogate', note.replace('x\n', 'x\ud800\n')],
  ])('a note with %s is refused', (_, text) => {
    expect(() => parseNote(text)).toThrow(FormatRefusal);
  });
});

describe('checkpoints', () => {
  test('read back, and are the word of their own key only', () => {
    const checkpoint = parseCheckpoint(note);
    expect(checkpoint).toMatchObject({origin, size: 7, root});
    expect(checkCheckpoint(hashes, checkpoint, key)).toBe('good');
    const other = signerOf(hashes, origin, new Uint8Array(32).fill(2)).key;
    expect(checkCheckpoint(hashes, checkpoint, other)).toBe('absent');
    const elsewhere = signerOf(hashes, `${origin}/2`, new Uint8Array(32).fill(1)).key;
    expect(checkCheckpoint(hashes, checkpoint, elsewhere)).toBe('other-origin');
    const forged = {...key, publicKey: other.publicKey};
    expect(checkCheckpoint(hashes, checkpoint, forged)).toBe('bad');
  });

  const [first, second, third] = [origin, '7', toBase64(root)];
  test.each([
    ['an extension line', `${first}\n${second}\n${third}\nmore\n`],
    ['an empty extension line', `${first}\n${second}\n${third}\n\n`],
    ['two lines', `${first}\n${second}\n`],
    ['a leading zero', `${first}\n07\n${third}\n`],
    ['a plus', `${first}\n+7\n${third}\n`],
    ['a size in hex', `${first}\n0x7\n${third}\n`],
    ['no size', `${first}\n\n${third}\n`],
    ['a size beyond 2^53', `${first}\n9007199254740992\n${third}\n`],
    ['a fraction', `${first}\n7.0\n${third}\n`],
    ['a root of 31 bytes', `${first}\n7\n${toBase64(root.slice(1))}\n`],
    ['a root in hex', `${first}\n7\n${'05'.repeat(32)}\n`],
    ['no origin', `\n7\n${third}\n`],
  ])('with %s are refused', (_, body) => {
    expect(() => parseCheckpoint(signNote(body, signer))).toThrow(FormatRefusal);
  });

  test('are not signed by a key of another name', () => {
    expect(() => signCheckpoint({origin: 'other', size: 1, root}, signer)).toThrow(
      'another origin',
    );
    expect(renderCheckpointBody({origin, size: 0, root})).toBe(`${origin}\n0\n${third}\n`);
  });
});

describe('two checkpoints of one log', () => {
  const leaves = [root, new Uint8Array(32).fill(6)];
  const both = nodeHash(hashes, root, leaves[1] ?? root);
  const at = (size: number, hash: Uint8Array) => ({origin, size, root: hash});

  test('exclude each other when one size has two roots', () => {
    expect(compareCheckpoints(hashes, at(2, both), at(2, both))).toBe('consistent');
    expect(compareCheckpoints(hashes, at(2, both), at(2, root))).toBe('diverged');
    expect(compareCheckpoints(hashes, at(0, emptyRoot(hashes)), at(2, both))).toBe('consistent');
    expect(compareCheckpoints(hashes, at(0, root), at(2, both))).toBe('diverged');
  });

  test('need a proof when their sizes differ, in either order', () => {
    const path = consistencyPath(hashes, 1, 2, (_, index) => leaves[index] ?? root);
    expect(compareCheckpoints(hashes, at(1, root), at(2, both))).toBe('undecided');
    expect(compareCheckpoints(hashes, at(2, both), at(1, root), path)).toBe('consistent');
    expect(compareCheckpoints(hashes, at(1, both), at(2, both), path)).toBe('unproven');
  });

  test('are proven by an answer that reads back', () => {
    for (const path of [[], [root], [root, both]]) {
      const answer = parseConsistency(renderConsistency(path, note));
      expect(answer.path).toEqual(path);
      expect(answer.checkpoint.note.source).toBe(note);
    }
    for (const text of ['', note.trim(), `${toBase64(root.slice(1))}\n\n${note}`, `x\n\n${note}`]) {
      expect(() => parseConsistency(text)).toThrow(FormatRefusal);
    }
  });
});

describe('proofs', () => {
  test('read back with and without an extra line', () => {
    const extra = new Uint8Array([1, 2, 3]);
    for (const parts of [
      {index: 0, path: [], note},
      {index: 5, path: [root, root], note, extra},
    ]) {
      const proof = parseProof(renderProof(parts));
      expect(proof).toMatchObject({
        index: parts.index,
        path: parts.path,
        extra: 'extra' in parts ? extra : null,
      });
      expect(proof.checkpoint.note.source).toBe(note);
    }
    expect(renderProof({index: 0, path: [], note, extra})).toContain('\nextra AQID\nindex 0\n');
  });

  const text = vector.proof;
  const hash = '8nfjPUl2M/7h1/Bi1PimDufMXu0Wj91UJQMOHekR9q4=';
  test.each([
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['another version', text.replace('@v1', '@v2')],
    ['no index', text.replace('index 1\n', '')],
    ['a leading zero', text.replace('index 1', 'index 01')],
    ['a negative index', text.replace('index 1', 'index -1')],
    ['an index beyond 2^53', text.replace('index 1', 'index 9007199254740993')],
    ['two spaces', text.replace('index 1', 'index  1')],
    ['a hash of 31 bytes', text.replace(hash, toBase64(fromBase64(hash).slice(1)))],
    ['a hash that is not canonical', text.replace(hash, hash.replace('q4=', 'q5='))],
    ['65 hashes', text.replace(hash, Array.from({length: 65}, () => hash).join('\n'))],
    ['the extra line in the wrong place', text.replace('index 1\n', 'index 1\nextra AQID\n')],
    ['two extra lines', text.replace('index', 'extra AQID\nextra AQID\nindex')],
    ['a BOM', `\uFEFF${text}`],
    ['no checkpoint', text.slice(0, text.indexOf('\n\n'))],
  ])('with %s are refused', (_, changed) => {
    expect(() => parseProof(changed)).toThrow(FormatRefusal);
  });
});

describe('policies', () => {
  const vkey = renderVkey(key);
  test('of log lines and quorum none name the keys, whatever the spacing', () => {
    const text = `# logs\n\n \tlog\t${vkey}  https://example.com/\n log ${vector.vkey}\n\tquorum none \n`;
    const policy = parsePolicy(hashes, text);
    expect(policy.logs.map(renderVkey)).toEqual([vkey, vector.vkey]);
    expect(policy.needsWitnesses).toBe(false);
  });

  test('that ask for witnesses are understood as that', () => {
    const text = `witness W ${vkey}\ngroup G any W\nlog ${vkey}\nquorum G\n`;
    expect(parsePolicy(hashes, text).needsWitnesses).toBe(true);
    expect(parsePolicy(hashes, `witness W ${vkey}\nquorum none\n`).needsWitnesses).toBe(false);
  });

  test.each([
    ['no quorum', `log ${vkey}\n`],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['a quorum of nobody', 'quorum G\n'],
    ['a quorum defined later', `quorum W\nwitness W ${vkey}\n`],
    ['an unknown line', 'trust me\nquorum none\n'],
    ['a log of no key', 'log x\nquorum none\n'],
    ['one key twice', `log ${vkey}\nlog ${vkey}\nquorum none\n`],
    ['a witness called none', `witness none ${vkey}\nquorum none\n`],
    ['one name twice', `witness W ${vkey}\nwitness W ${vkey}\nquorum none\n`],
    ['a group of nobody', 'group G any\nquorum none\n'],
    ['CRLF', 'quorum none\r\n'],
    ['no last newline', 'quorum none'],
    ['a cosigner as a log', `log ${vkey.replace(/\+A(?=[^+]+$)/, '+B')}\nquorum none\n`],
  ])('with %s are refused', (_, text) => {
    expect(() => parsePolicy(hashes, text)).toThrow(FormatRefusal);
  });
});
