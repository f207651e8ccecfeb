/**
 * A whole log straight from its rows: level L3, and L4 on the same pass where it is asked for.
 *
 * `shared/ledger/log-verifier.ts` judges every text, hash, chain, edge, ending and root. What only a
 * database can have wrong is judged here: ids, tiles, the frontier, rows that belong to no event,
 * events above the head. The first fault ends the reading.
 */
import {equalBytes, toBase64} from '../../shared/ledger/bytes.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import type {Fault, FaultClass} from '../../shared/ledger/log-record.ts';
import {createLogVerifier, type LogReport} from '../../shared/ledger/log-verifier.ts';
import {parseVkey, type VerifierKey} from '../../shared/ledger/note.ts';
import {frontierRoot, unpackFrontier} from '../../shared/ledger/tree.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import type {Query, Statement} from '../store/store.ts';
import {readLog, type StoredHead, type StoredLog, type StoredRecord} from './read-log.ts';
import {TileCheck} from './tile-check.ts';

/** The first thing that is wrong; `frontier`, `tile` and `stray` are wrong in a database alone. */
export type AuditFault = Omit<Fault, 'class'> & {
  readonly class: FaultClass | 'frontier' | 'stray' | 'tile';
};

/** What was found about one tenant's log. */
export type Audited = {
  readonly exit: LogReport['exit'];
  readonly fault: AuditFault | null;
  readonly report: LogReport | null;
  readonly tileCount: number;
};

export type AuditOptions = {
  /** Keys that the auditor brings; without them the key of the rows is taken at its word. */
  readonly trusted?: readonly VerifierKey[] | undefined;
  /** Notes that the auditor kept of this log. */
  readonly known?: readonly string[] | undefined;
  /** Told of every page that was found sound, for L4 and for a progress bar. */
  readonly seen?: ((page: readonly StoredRecord[]) => Promise<void> | void) | undefined;
};

const selectStray: Statement = {
  name: 'audit_select_stray',
  text: `(select 'payload' as tbl, p.leaf from ledger.payload p where p.tenant_no = $1
  and not exists (select from ledger.event e where e.tenant_no = p.tenant_no and e.leaf = p.leaf) order by p.leaf limit 1)
union all (select 'edge', d.child_leaf from ledger.edge d where d.tenant_no = $1
  and not exists (select from ledger.event e where e.tenant_no = d.tenant_no and e.leaf = d.child_leaf) order by 2 limit 1)`,
};

const broken = (
  leaf: number | null,
  as: AuditFault['class'],
  expected: string,
  found: string,
): AuditFault => ({
  leaf,
  class: as,
  expected,
  found,
  exit: 40,
});

/** Reads and judges the log of one tenant. */
export async function auditLog(
  q: Query,
  hashes: Hashes,
  log: StoredLog,
  options: AuditOptions = {},
): Promise<Audited> {
  const {head} = log;
  if (head === null) return failed(broken(null, 'size', 'a head', 'none'));
  const shards = shardsOf(hashes, log, head);
  if ('class' in shards) return failed(shards);
  const verifier = createLogVerifier(hashes, {
    shards,
    trusted: options.trusted,
    known: options.known,
    row: {size: head.size, root: head.root},
  });
  const tiles = new TileCheck(q, hashes, log.tenantNo);
  let fault: AuditFault | null = null;
  for await (const page of readLog(q, log.tenantNo)) {
    for (const record of page) {
      fault = verifier.add(record) ?? idFault(record);
      if (fault !== null) break;
      const opening = log.shards.find(({baseLeaf}) => baseLeaf === record.leaf);
      if (opening !== undefined) tiles.beginShard(opening.shard, opening.baseLeaf);
      tiles.add(record.columns.leafHash);
    }
    fault ??= tileFault(await tiles.compare());
    if (fault !== null) break;
    await options.seen?.(page);
  }
  const report = verifier.finish();
  fault ??=
    report.fault ??
    sizeFault(head, report) ??
    frontierFault(hashes, head) ??
    (await strayFault(q, log));
  if (fault !== null) return {exit: fault.exit, fault, report, tileCount: 0};
  const tileCount = await tiles.finish();
  if (typeof tileCount === 'number') return {exit: report.exit, fault: null, report, tileCount};
  return {exit: 40, fault: tileFault(tileCount), report, tileCount: 0};
}

const failed = (fault: AuditFault): Audited => ({
  exit: fault.exit,
  fault,
  report: null,
  tileCount: 0,
});

type Shards = {readonly key: VerifierKey; readonly baseLeaf: number}[];

function shardsOf(hashes: Hashes, {shards}: StoredLog, head: StoredHead): Shards | AuditFault {
  const last = shards.at(-1);
  const isLast = last?.shard === head.shard && last.baseLeaf === head.baseLeaf;
  if (last === undefined || !isLast) {
    const found = last === undefined ? 'none' : `shard ${last.shard} from leaf ${last.baseLeaf}`;
    return broken(
      null,
      'shard',
      `shard ${head.shard} from leaf ${head.baseLeaf}, as the head says`,
      found,
    );
  }
  const out: Shards = [];
  for (const {baseLeaf, origin, shard, vkey} of shards) {
    try {
      const key = parseVkey(hashes, vkey);
      if (shard !== out.length + 1)
        return broken(null, 'shard', `shard ${out.length + 1}`, `shard ${shard}`);
      if (key.name !== origin) return broken(null, 'key', `a key of ${origin}`, vkey);
      out.push({key, baseLeaf});
    } catch (error) {
      return broken(null, 'key', `a verifier key of shard ${shard}`, refusalMessage(error));
    }
  }
  return out;
}

/** The id is found by a column of its own; in the header it stands between `grp` and `idem`. */
function idFault({eventId, header, leaf}: StoredRecord): AuditFault | null {
  if (header.includes(`,"id":"${eventId}","idem":`)) return null;
  const expected = /,"id":"([^"]*)","idem":/.exec(header)?.[1] ?? 'none';
  return broken(leaf, 'column', `event_id ${expected}`, `event_id ${eventId}`);
}

function tileFault(
  fault: {leaf: number | null; expected: string; found: string} | null,
): AuditFault | null {
  return fault === null ? null : broken(fault.leaf, 'tile', fault.expected, fault.found);
}

/** A head that the log passes through and leaves behind is met, but is not its head. */
function sizeFault({size}: StoredHead, report: LogReport): AuditFault | null {
  return report.size === size
    ? null
    : broken(Math.min(size, report.size), 'size', `${size} leaves`, `${report.size} leaves`);
}

function frontierFault(
  hashes: Hashes,
  {baseLeaf, frontier, root, size}: StoredHead,
): AuditFault | null {
  const isRoot = (): boolean =>
    equalBytes(frontierRoot(hashes, unpackFrontier(size - baseLeaf, frontier)), root);
  try {
    if (isRoot()) return null;
    return broken(
      null,
      'frontier',
      `the frontier of root ${toBase64(root)}`,
      'one of another root',
    );
  } catch (error) {
    return broken(null, 'frontier', `the frontier of ${size} leaves`, refusalMessage(error));
  }
}

async function strayFault(q: Query, {tenantNo}: StoredLog): Promise<AuditFault | null> {
  const [stray] = await q.rows<{tbl: string; leaf: number}>(selectStray, [tenantNo]);
  if (stray === undefined) return null;
  return broken(
    stray.leaf,
    'stray',
    `an event for each row of ledger.${stray.tbl}`,
    `a row for leaf ${stray.leaf}`,
  );
}
