/**
 * Rows of an in-memory log: columns as the lane derives them, and what an ending takes away.
 */
import {fromHex, toHex} from '../../shared/ledger/bytes.ts';
import type {Ranges} from '../../shared/ledger/facts.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {eventHash, parseHeader, placeOf} from '../../shared/ledger/header.ts';
import {nilUuid} from '../../shared/ledger/ids.ts';
import {erasedCode} from '../../shared/ledger/kinds.ts';
import type {LogColumns, LogRecord} from '../../shared/ledger/log-record.ts';
import {relationCodes} from '../../shared/ledger/relations.ts';
import {leafHash} from '../../shared/ledger/tree.ts';

/** Every record has its columns here. */
export type FullRecord = LogRecord & {readonly columns: LogColumns};

/** The record at a leaf; a test that asks for another one is wrong. */
export function recordAt(records: readonly FullRecord[], leaf: number): FullRecord {
  const record = records[leaf];
  if (record === undefined) throw new RangeError(`no leaf ${leaf} in a log of ${records.length}`);
  return record;
}

/** Columns as the lane derives them from a header. */
export function columnsOf(
  hashes: Hashes,
  headerText: string,
  earlier: readonly FullRecord[],
): LogColumns {
  const header = parseHeader(headerText);
  const [depth, track, trajSeq] = placeOf(header);
  const hash = eventHash(hashes, headerText);
  return {
    eventHash: hash,
    leafHash: leafHash(hashes, hash),
    kind: Number.parseInt(header.kind, 16),
    trajId: header.traj ?? nilUuid,
    trajSeq,
    depth,
    track,
    entityId: header.ent?.id ?? null,
    entityVer: header.ent?.ver ?? null,
    corrId: header.corr,
    agentId: header.actor.agent,
    idem: header.idem === null ? null : fromHex(header.idem),
    edges: header.parents.map(({h, r}) => ({
      rel: relationCodes[r],
      parentHash: fromHex(h),
      parentLeaf: earlier.find(({columns}) => toHex(columns.eventHash) === h)?.leaf ?? null,
    })),
  };
}

/** Deletes what the ending at this leaf allows to be absent. */
export function clearEnded(records: FullRecord[], leaf: number): void {
  const ending = recordAt(records, leaf);
  const isErasure = ending.columns.kind === erasedCode;
  const facts: {ends: Ranges} = JSON.parse(ending.facts);
  for (const [from, to] of facts.ends) {
    for (let at = from; at <= to; at += 1) {
      const gone = {content: null, contentSalt: null};
      const all = isErasure ? {...gone, data: null, dataSalt: null} : gone;
      records[at] = {...recordAt(records, at), ...all};
    }
  }
}
