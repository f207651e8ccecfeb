/** V1: a whole log verified from its file, every text and hash derived again. */
import {readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {
  parseBundleHead,
  parseBundleRecord,
  parseShards,
  renderBundleHead,
  renderBundleRecord,
} from '../../../shared/ledger/bundle.ts';
import {createLogVerifier} from '../../../shared/ledger/log-verifier.ts';
import {figure, rowOf} from '../row.ts';
import {growThread} from '../thread.ts';
import type {World} from '../world.ts';

const pageRows = 5_000;
const newline = 10;
const megabyte = 1_048_576;

type Stored = {
  leaf: string;
  header: string;
  facts: string;
  data_salt: Buffer | null;
  data: string | null;
  content_salt: Buffer | null;
  content: string | null;
};

const select = `select e.leaf, e.header, e.facts, p.data_salt, p.data, p.content_salt, p.content
  from ledger.event e left join ledger.payload p using (tenant_no, leaf)
  where e.tenant_no = $1 and e.leaf >= $2 and e.leaf < $3 order by e.leaf`;

/** Writes the log of the grown tenant, made long enough, as one file. */
async function exportLog(world: World): Promise<string> {
  const {core, tenant} = await world.grown();
  const hashes = await createNativeHashes();
  const {key, tenantNo} = tenant;
  const sizeOf = async (): Promise<number> =>
    (await core.call<{watermark: number}>(key, 'GET', '/changes/watermark')).watermark + 1;
  const missing = world.scale.bundleEvents - (await sizeOf());
  if (missing > 0) await growThread(core, key, missing, world.seed + 3);
  const size = await sizeOf();
  const {shards} = await core.call<{shards: never}>(key, 'GET', '/log/key');
  const answer = await fetch(`${core.url}/api/v1/log/checkpoint?size=${size}`, {
    headers: {authorization: `Bearer ${key}`},
  });
  const note = await answer.text();
  const lines = [renderBundleHead({shards: parseShards(hashes, shards), note})];
  for (let from = 0; from < size; from += pageRows) {
    const values = [tenantNo, from, Math.min(size, from + pageRows)];
    for (const row of await world.server.rows<Stored>(core.databaseUrl, select, values)) {
      lines.push(
        renderBundleRecord({
          leaf: Number(row.leaf),
          header: row.header,
          facts: row.facts,
          dataSalt: row.data_salt,
          data: row.data,
          contentSalt: row.content_salt,
          content: row.content,
        }),
      );
    }
  }
  const file = join(tmpdir(), `cellstate-bench-${process.pid}.ndjson`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  world.onClose(() => rmSync(file, {force: true}));
  return file;
}

/** The lines of a file as they are needed: half a gigabyte of them at once would measure the collector. */
function* linesOf(bytes: Buffer): Generator<string, undefined> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(newline, from);
    yield bytes.toString('utf8', from, end);
    from = end + 1;
  }
}

export const v1 = rowOf({
  id: 'V1',
  about: 'verifier, events a second on one core',
  measure: 'value',
  unit: '1/s',
  floor: null,
  must: 40_000,
  goal: 70_000,
  async setup(world) {
    return {file: await exportLog(world), hashes: await createNativeHashes()};
  },
  async once({file, hashes}) {
    const began = performance.now();
    const before = process.cpuUsage();
    const lines = linesOf(readFileSync(file));
    const {note, shards} = parseBundleHead(hashes, lines.next().value ?? '');
    const verifier = createLogVerifier(hashes, {shards, note});
    let count = 0;
    for (const line of lines) {
      verifier.add(parseBundleRecord(line));
      count += 1;
    }
    const {exit, fault, size} = verifier.finish();
    if (exit !== 0 || size !== count) {
      throw new Error(`the log does not verify: ${JSON.stringify(fault)}`);
    }
    const seconds = (performance.now() - began) / 1_000;
    const {system, user} = process.cpuUsage(before);
    // Of a machine that others use as well, the time on the core is the steadier of the two.
    return figure(count / seconds, {
      per_cpu_second: (1_000_000 * count) / (system + user),
      events: size,
      mb: statSync(file).size / megabyte,
    });
  },
});
