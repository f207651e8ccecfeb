/**
 * An in-memory log: what the lane writes, without a database, for tests of the shared ledger code.
 *
 * Times, ids and salts come from a counter, so a log is the same each time it is made.
 */
import {toHex, u32be} from '../../shared/ledger/bytes.ts';
import {signCheckpoint} from '../../shared/ledger/checkpoint.ts';
import {factsHash, policyHash, renderFacts} from '../../shared/ledger/facts.ts';
import type {Facts, Ranges} from '../../shared/ledger/facts.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {compareParents, eventHash, renderHeader} from '../../shared/ledger/header.ts';
import type {Header, Parent} from '../../shared/ledger/header.ts';
import {eventId} from '../../shared/ledger/ids.ts';
import {shardOrigin, shardSeed} from '../../shared/ledger/keys.ts';
import {kindCode, kindHex} from '../../shared/ledger/kinds.ts';
import type {KindName} from '../../shared/ledger/kinds.ts';
import type {Shard} from '../../shared/ledger/log-shards.ts';
import {renderVkey} from '../../shared/ledger/note.ts';
import type {Signer} from '../../shared/ledger/note.ts';
import {commitContent, commitData, renderContent, renderData} from '../../shared/ledger/payload.ts';
import type {ContentPart, DataPart} from '../../shared/ledger/payload.ts';
import {renderProof} from '../../shared/ledger/proof.ts';
import {renderReceipt} from '../../shared/ledger/receipt.ts';
import {growTree} from '../../shared/ledger/tree-growth.ts';
import {emptyFrontier, leafHash} from '../../shared/ledger/tree.ts';
import {clearEnded, columnsOf, recordAt} from './ledger-rows.ts';
import type {FullRecord} from './ledger-rows.ts';
import {signerOf} from './ledger-signer.ts';

/** An event to be written; what is left out has a plain value. */
export type Wish = {
  readonly kind: KindName;
  readonly traj?: string | null;
  readonly place?: readonly [depth: number, track: number];
  readonly parents?: readonly Parent[];
  readonly data?: DataPart['data'];
  readonly content?: ContentPart;
  readonly ent?: Header['ent'];
  readonly letters?: string;
  readonly why?: Facts['why'];
  readonly ends?: Ranges;
  readonly idem?: string;
};

/** A log and what its server can do with it. */
export type LedgerFixture = {
  readonly shards: Shard[];
  /** The first shard. */
  readonly shard: Shard;
  readonly signer: Signer;
  readonly vkey: string;
  readonly policy: string;
  readonly records: FullRecord[];
  /** Writes one group and answers the leaf of its first event. */
  readonly write: (...wishes: readonly Wish[]) => number;
  /** Deletes what the ending at this leaf allows to be absent. */
  readonly clear: (leaf: number) => void;
  /** Opens the next shard, after so many leaves were lost; `data` replaces what its leaf says. */
  readonly rotate: (lostCount?: number, data?: DataPart['data']) => void;
  /** Root, note and receipts of the newest shard, at a size of its tree. */
  readonly root: (size?: number) => Uint8Array;
  readonly note: (size?: number) => string;
  readonly receipt: (leaf: number, size?: number, isOpen?: boolean) => string;
  readonly id: () => string;
};

const master = new Uint8Array(32).fill(0x42);
const startAt = 1_795_338_527_123_456;

/** A log that begins with the two events of a new tenant. */
export function createLedgerFixture(
  hashes: Hashes,
  tenantId = '01a1f000-0000-7000-8000-0000000000aa',
): LedgerFixture {
  const records: FullRecord[] = [];
  const shards: Shard[] = [];
  const heads = new Map<string, {readonly hash: string; readonly sequence: number}>();
  const policy = policyHash(hashes, {});
  const keysOf = (shard: number) => {
    const origin = shardOrigin('cellstate.example', tenantId, shard);
    return {origin, ...signerOf(hashes, origin, shardSeed(hashes, master, tenantId, shard))};
  };
  const nextVkey = (): string => renderVkey(keysOf(shards.length + 1).key);
  const first = keysOf(1);
  let open = {...first, baseLeaf: 0, firstIndex: 0};
  let drawn = 0;
  const draw = (): Uint8Array => hashes.blake3(u32be((drawn += 1)));
  const nextLeaf = (): number => open.baseLeaf + records.length - open.firstIndex;

  const writeOne = (wish: Wish, index: number, count: number): void => {
    const leaf = nextLeaf();
    const at = startAt + leaf * 1_000 + 7 * (leaf % 13);
    const traj = wish.traj ?? null;
    const chain = heads.get(traj ?? '');
    const sequence = chain === undefined ? 0 : chain.sequence + 1;
    const [depth, track] = wish.place ?? [0, 0];
    const [dataSalt, salt] = [draw(), draw()];
    const data = renderData({data: wish.data ?? {number: leaf}, on_behalf_of: null});
    const content = wish.content === undefined ? null : renderContent(wish.content);
    const [ends, why] = [wish.ends ?? [], wish.why ?? {}];
    const facts = renderFacts({v: 1, at, ends, policy, reads: [[tenantId, 1]], why});
    const header = renderHeader({
      v: 1,
      log: open.origin,
      id: eventId(at, draw().subarray(0, 8)),
      at,
      kind: kindHex(kindCode(wish.kind)),
      traj,
      dag: `${depth}:${track}:${sequence}`,
      prev: chain?.hash ?? null,
      parents: (wish.parents ?? []).toSorted(compareParents),
      corr: null,
      trace: null,
      actor: {agent: null, by: 'api_key:01a1f000-0000-7000-8000-0000000000bb'},
      ent: wish.ent ?? null,
      grp: [index, count],
      rdx: 1,
      pay: {
        c: content === null ? null : commitContent(hashes, salt, content),
        d: commitData(hashes, dataSalt, data),
        s: null,
      },
      gates: {v: 1, r: wish.letters ?? 'PPPSPPSSPSS', f: factsHash(hashes, facts)},
      idem: index === 0 ? (wish.idem ?? null) : null,
    });
    const contentSalt = content === null ? null : salt;
    const columns = columnsOf(hashes, header, records);
    records.push({leaf, header, facts, dataSalt, data, contentSalt, content, columns});
    heads.set(traj ?? '', {hash: toHex(eventHash(hashes, header)), sequence});
  };
  const write = (...wishes: readonly Wish[]): number => {
    const leaf = nextLeaf();
    wishes.forEach((wish, index) => writeOne(wish, index, wishes.length));
    return leaf;
  };

  const treeSize = (): number => records.length - open.firstIndex;
  const grown = (size = treeSize()) => {
    const rows = records.slice(open.firstIndex, open.firstIndex + size);
    const leaves = rows.map(({header}) => leafHash(hashes, eventHash(hashes, header)));
    return growTree(hashes, emptyFrontier, leaves);
  };
  const note = (size = treeSize()): string =>
    signCheckpoint({origin: open.origin, size, root: grown(size).root}, open.signer);

  const rotate = (lostCount = 0, said: DataPart['data'] = {}): void => {
    const previous = note();
    const baseLeaf = nextLeaf() + lostCount;
    const lost = lostCount === 0 ? null : [nextLeaf(), baseLeaf - 1];
    open = {...keysOf(shards.length + 1), baseLeaf, firstIndex: records.length};
    shards.push({key: open.key, baseLeaf});
    const data = {lost, next: nextVkey(), previous, reason: 'rotated', ...said};
    write({kind: 'log.shard_opened', data});
  };

  shards.push({key: first.key, baseLeaf: 0});
  const data = {lost: null, next: nextVkey(), previous: null, reason: 'created'};
  write({kind: 'log.shard_opened', data}, {kind: 'tenant.created', ent: {id: tenantId, ver: 1}});
  return {
    shards,
    shard: {key: first.key, baseLeaf: 0},
    signer: first.signer,
    vkey: renderVkey(first.key),
    policy: `log ${renderVkey(first.key)}\nquorum none\n`,
    records,
    write,
    clear: (leaf) => clearEnded(records, leaf),
    rotate,
    root: (size) => grown(size).root,
    note,
    receipt: (leaf, size = treeSize(), isOpen = true) => {
      const record = recordAt(records, leaf);
      const path = grown(size).path(leaf);
      const proof = renderProof({index: leaf, path, note: note(size)});
      const opened = {
        data: openPart(record.dataSalt, record.data),
        content: openPart(record.contentSalt, record.content),
      };
      return renderReceipt({header: record.header, proof, open: isOpen ? opened : null});
    },
    id: () => eventId(startAt - 1_000_000, draw().subarray(0, 8)),
  };
}

/** The link to an event, from the event that is about to be written. */
export function parentOf(fixture: LedgerFixture, leaf: number, r: Parent['r']): Parent {
  return {h: toHex(recordAt(fixture.records, leaf).columns.eventHash), r};
}

const encoder = new TextEncoder();

function openPart(salt: Uint8Array | null, body: string | null) {
  return salt === null || body === null ? null : {salt, body: encoder.encode(body)};
}
