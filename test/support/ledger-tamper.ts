/**
 * Changes a log as a thief, a broken disk or a careless operator would, and asks the verifier.
 */
import {canonicalize} from '../../shared/ledger/canonical.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {eventHash, parseHeader} from '../../shared/ledger/header.ts';
import type {Header} from '../../shared/ledger/header.ts';
import type {LogCase} from '../../shared/ledger/log-case.ts';
import type {LogRecord} from '../../shared/ledger/log-record.ts';
import {createLogVerifier} from '../../shared/ledger/log-verifier.ts';
import type {LogReport} from '../../shared/ledger/log-verifier.ts';
import {leafHash} from '../../shared/ledger/tree.ts';
import type {FullRecord} from './ledger-rows.ts';

/** Members of a record that are replaced. */
export type RecordEdit = {readonly [K in keyof FullRecord]?: FullRecord[K]};
/** Members of a header that are replaced, by anything. */
export type HeaderEdit = Partial<Record<keyof Header, unknown>>;

/** Feeds all records to a verifier. */
export function verifyLog(
  hashes: Hashes,
  records: readonly LogRecord[],
  input: LogCase,
): LogReport {
  const verifier = createLogVerifier(hashes, input);
  for (const record of records) verifier.add(record);
  return verifier.finish();
}

/** The records with one of them changed. */
export function changeRecord(
  records: readonly FullRecord[],
  leaf: number,
  edit: (record: FullRecord) => RecordEdit,
): readonly FullRecord[] {
  return records.map((record) => (record.leaf === leaf ? {...record, ...edit(record)} : record));
}

/** The records with one header changed and every hash of its row made anew, as a forger would. */
export function forgeHeader(
  hashes: Hashes,
  records: readonly FullRecord[],
  leaf: number,
  edit: (header: Header) => HeaderEdit,
): readonly FullRecord[] {
  return changeRecord(records, leaf, (record) => {
    const old = parseHeader(record.header);
    const header = canonicalize({...old, ...edit(old)});
    const hash = eventHash(hashes, header);
    const columns = {...record.columns, eventHash: hash, leafHash: leafHash(hashes, hash)};
    return {header, columns};
  });
}

/** The records numbered from 0 without a gap. */
export function renumber(records: readonly FullRecord[]): readonly FullRecord[] {
  return records.map((record, leaf) => ({...record, leaf}));
}

/** An event as an export holds it. */
export function withoutColumns(record: FullRecord): LogRecord {
  return {...record, columns: undefined};
}
