/**
 * The one vector that every implementation must reproduce, byte for byte, with both libraries.
 */
import {describe, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {fromHex, toHex} from '../../../shared/ledger/bytes.ts';
import {signCheckpoint} from '../../../shared/ledger/checkpoint.ts';
import {factsHash, parseFacts, policyHash, renderFacts} from '../../../shared/ledger/facts.ts';
import {eventHash, parseHeader, renderHeader} from '../../../shared/ledger/header.ts';
import {shardOrigin, shardSeed} from '../../../shared/ledger/keys.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import {checkNote, parseVkey, renderVkey} from '../../../shared/ledger/note.ts';
import {
  commitContent,
  commitData,
  parseContent,
  parseData,
  renderContent,
  renderData,
} from '../../../shared/ledger/payload.ts';
import {parseProof, renderProof} from '../../../shared/ledger/proof.ts';
import {growTree} from '../../../shared/ledger/tree-growth.ts';
import {verifyInclusion} from '../../../shared/ledger/tree-verify.ts';
import {emptyFrontier, leafHash} from '../../../shared/ledger/tree.ts';
import vector from '../../../shared/ledger/vectors/1.json';
import {signerOf} from '../../support/ledger-signer.ts';

const libraries = [
  ['hash-wasm', await createNativeHashes()],
  ['noble', createNobleHashes()],
] as const;

describe.each(libraries)('vector 1 with %s', (_, hashes) => {
  const leaf0 = leafHash(hashes, new Uint8Array(32));
  const leaf1 = leafHash(hashes, eventHash(hashes, vector.header));

  test('both parts give their commitments and read back as the same text', () => {
    expect(commitData(hashes, fromHex(vector.salt), vector.data)).toBe(vector.d);
    expect(commitContent(hashes, fromHex(vector.content_salt), vector.content)).toBe(vector.c);
    expect(renderData(parseData(vector.data))).toBe(vector.data);
    expect(renderContent(parseContent(vector.content))).toBe(vector.content);
  });

  test('the facts give their hash and read back as the same text', () => {
    expect(policyHash(hashes, {})).toBe(vector.policy);
    expect(factsHash(hashes, vector.facts)).toBe(vector.f);
    expect(renderFacts(parseFacts(vector.facts))).toBe(vector.facts);
  });

  test('the header gives the event hash and reads back as the same text', () => {
    expect(toHex(eventHash(hashes, vector.header))).toBe(vector.event_hash);
    expect(renderHeader(parseHeader(vector.header))).toBe(vector.header);
  });

  test('leaves and root are those of the specification', () => {
    const grown = growTree(hashes, emptyFrontier, [leaf0, leaf1]);
    expect(toHex(leaf0)).toBe(vector.leaf_0);
    expect(toHex(leaf1)).toBe(vector.leaf_hash);
    expect(toHex(grown.root)).toBe(vector.root);
  });

  test('seed and keys follow from the master', () => {
    const seed = shardSeed(hashes, fromHex(vector.master), vector.tenant_id, 1);
    expect(toHex(seed)).toBe(vector.seed);
    expect([1, 2].map((shard) => vkeyOfShard(shard))).toEqual([vector.vkey, vector.next]);
  });

  test('the proof is the same text, and verifies', () => {
    const grown = growTree(hashes, emptyFrontier, [leaf0, leaf1]);
    const {signer, origin} = shardOf(1);
    const note = signCheckpoint({origin, size: 2, root: grown.root}, signer);
    expect(renderProof({index: 1, path: grown.path(1), note})).toBe(vector.proof);

    const {index, path, checkpoint} = parseProof(vector.proof);
    const {size, root} = checkpoint;
    expect(verifyInclusion(hashes, {index, size, leaf: leaf1, path, root})).toBe(true);
    expect(checkNote(hashes, checkpoint.note, parseVkey(hashes, vector.vkey))).toBe('good');
  });

  function shardOf(shard: number) {
    const origin = shardOrigin(vector.log_host, vector.tenant_id, shard);
    const seed = shardSeed(hashes, fromHex(vector.master), vector.tenant_id, shard);
    return {origin, ...signerOf(hashes, origin, seed)};
  }

  function vkeyOfShard(shard: number): string {
    return renderVkey(shardOf(shard).key);
  }
});
