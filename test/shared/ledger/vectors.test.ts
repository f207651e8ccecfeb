/**
 * The vectors that every implementation must reproduce, on Bun with both libraries and on Node,
 * whose older versions lack the native hex and base64 that Bun has.
 */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import {runVectors} from '../../support/ledger-vectors.ts';

const folder = new URL('../../../shared/ledger/vectors/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8');
const texts = {
  '1': read('1'),
  blake3: read('blake3'),
  json: read('json'),
  receipts: read('receipts'),
};
const vectorCount = 4 + 70 + 45 + 56;

test('on Bun, with both libraries', async () => {
  const report = {wrong: [], count: vectorCount};
  expect(runVectors(await createNativeHashes(), texts)).toEqual(report);
  expect(runVectors(createNobleHashes(), texts)).toEqual(report);
});

async function bundle(entry: string, target: 'browser' | 'node', minify: boolean): Promise<string> {
  const path = fileURLToPath(new URL(entry, import.meta.url));
  const {outputs} = await Bun.build({entrypoints: [path], target, minify});
  return (await outputs[0]?.text()) ?? '';
}

test('on Node, in pure JavaScript', async () => {
  const script = await bundle('../../support/ledger-vectors-node.ts', 'node', false);
  const directory = mkdtempSync(join(tmpdir(), 'cellstate-vectors-'));
  const file = join(directory, 'vectors.mjs');
  await Bun.write(file, script);
  const output = execFileSync('node', [file], {input: JSON.stringify(texts), encoding: 'utf8'});
  rmSync(directory, {recursive: true});
  expect(JSON.parse(output)).toEqual({wrong: [], count: vectorCount});
});

test('the verifier of receipts is small enough for a page', async () => {
  // 26.1 kB with the libraries (9.7 kB ours) when this was written; the room is for one more check.
  const script = await bundle('../../../shared/ledger/verify.ts', 'browser', true);
  expect(gzipSync(script).length).toBeLessThan(11_000);
});
