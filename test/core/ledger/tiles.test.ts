/** Tiles are written behind the commits, and a proof is the same with and without them. */
import {afterAll, beforeAll, beforeEach, expect, test} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {consistencyFrom, inclusionOf, LeafMissing, rootAt} from '../../../core/ledger/proof.ts';
import {writeTiles} from '../../../core/ledger/tiles.ts';
import type {Head} from '../../../core/store/store.ts';
import type {TenantNo} from '../../../shared/ids.ts';
import {toHex} from '../../../shared/ledger/bytes.ts';
import {growTree} from '../../../shared/ledger/tree-growth.ts';
import {verifyConsistency, verifyInclusion} from '../../../shared/ledger/tree-verify.ts';
import {emptyFrontier, frontierRoot, packFrontier} from '../../../shared/ledger/tree.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {longLog} from '../../support/long-log.ts';

const hashes = await createNativeHashes();
/** One tile of level 1, a tile of level 0 and a bit besides. */
const size = 65_536 + 256 + 3;
let database: TestDatabase;
let tenantNo: TenantNo;
let leaves: readonly Uint8Array[];
let roots: Map<number, Uint8Array>;

const sizes = [1, 2, 255, 256, 257, 511, 512, 513, 4_095, 65_535, 65_536, 65_537, 65_792, size];

beforeAll(async () => {
  database = await freshDatabase();
  ({leaves, tenantNo} = await longLog(database, hashes, size));
  roots = new Map();
  let frontier = emptyFrontier;
  let from = 0;
  for (const to of sizes) {
    ({frontier} = growTree(hashes, frontier, leaves.slice(from, to)));
    roots.set(to, frontierRoot(hashes, frontier));
    from = to;
  }
});
afterAll(() => database.close());

/** The head as it was at a size. */
async function headAt(at: number): Promise<Head> {
  const head = await database.store.head(tenantNo);
  if (head === null) throw new Error('the tenant is there');
  const {frontier, root} = growTree(hashes, emptyFrontier, leaves.slice(0, at));
  return {...head, size: at, root, frontier: packFrontier(frontier)};
}

const write = (head: Head): Promise<boolean> =>
  database.store.maintain(0, (q) => writeTiles(q, hashes, head));

async function writeAll(head: Head): Promise<number> {
  for (let goCount = 1; ; goCount += 1) if (!(await write(head))) return goCount;
}

const stored = async (): Promise<Record<string, number>> => {
  const rows = await database.admin.rows<{level: number; n: number}>(
    'select level, count(*)::int as n from aux.tile where tenant_no = $1 group by 1',
    [tenantNo],
  );
  return Object.fromEntries(rows.map(({level, n}) => [level, n]));
};

/** Every proof at the edges of these sizes, in hex, each of them verified. */
async function proofs(head: Head, known: readonly number[]): Promise<string[]> {
  const out: string[] = [];
  const rootOf = (at: number): Uint8Array => roots.get(at) ?? new Uint8Array();
  for (const to of known) {
    expect(toHex(await rootAt(database.store, hashes, head, to))).toBe(toHex(rootOf(to)));
    for (const index of new Set([0, 254, 255, 256, 257, 511, 512, 65_535, 65_536, to - 1])) {
      if (index >= to) continue;
      const {path, root} = await inclusionOf(database.store, hashes, head, index, to);
      const leaf = leaves[index] ?? new Uint8Array();
      expect(verifyInclusion(hashes, {index, size: to, leaf, path, root})).toBe(true);
      expect(toHex(root)).toBe(toHex(rootOf(to)));
      out.push(path.map(toHex).join());
    }
    for (const from of known.filter((one) => one <= to)) {
      const {path, root} = await consistencyFrom(database.store, hashes, head, from, to);
      const claim = {from, to, fromRoot: rootOf(from), toRoot: root, path};
      expect(verifyConsistency(hashes, claim)).toBe(true);
      out.push(path.map(toHex).join());
    }
  }
  return out;
}

beforeEach(() => database.admin.run('delete from aux.tile'));

test.each([
  [255, {}],
  [256, {0: 1}],
  [511, {0: 1}],
  [512, {0: 2}],
])('a log of %i leaves has the tiles %j', async (at, tiles) => {
  const head = await headAt(at);
  await writeAll(head);
  await writeAll(head);
  expect(await stored()).toEqual(tiles);
});

test('a log that fills a tile of level 1 has it, and no go writes more than its limit', async () => {
  const head = await headAt(65_536);
  expect(await writeAll(head)).toBe(4);
  expect(await stored()).toEqual({0: 256, 1: 1});
});

test('proofs are equal with all tiles, with none, with holes and with tiles that lag', async () => {
  const head = await headAt(size);
  // Without tiles a root of all leaves reads all of them, so the whole tree is asked about twice only.
  const small = sizes.filter((at) => at < 4_096);
  const whole = async (): Promise<string[]> => {
    const {path} = await inclusionOf(database.store, hashes, head, 65_535, size);
    return [...(await proofs(head, small)), ...path.map(toHex)];
  };
  const without = await whole();
  await writeAll(head);
  expect(await stored()).toEqual({0: 257, 1: 1});
  expect(await whole()).toEqual(without);
  const all = await proofs(head, sizes);
  await database.admin.run('delete from aux.tile where level = 0 and idx % 3 = 1');
  expect(await proofs(head, sizes)).toEqual(all);
  await database.admin.run('delete from aux.tile where level = 1 or idx > 200');
  expect(await whole()).toEqual(without);
});

test('leaves that are gone end the writing of tiles, and no proof is made of them', async () => {
  const head = {...(await headAt(size)), tenantNo: 999_999 as TenantNo};
  expect(await write(head)).toBe(false);
  await expect(rootAt(database.store, hashes, head, 300)).rejects.toThrow(LeafMissing);
});
