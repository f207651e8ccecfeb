/**
 * What one event must be by itself: canonical header and facts, parts that match their
 * commitments, reasons where letters ask for them. Nothing here knows of another event.
 */
import {factsHash, parseFacts, whyFault} from './facts.ts';
import type {Facts} from './facts.ts';
import type {Hashes} from './hashes.ts';
import {parseHeader} from './header.ts';
import type {Header} from './header.ts';
import {mayEndContent} from './kinds.ts';
import {invalid} from './log-record.ts';
import type {Fault, LogRecord} from './log-record.ts';
import {commitContent, commitData, parseContent, parseData} from './payload.ts';
import type {DataPart} from './payload.ts';
import {refusalMessage} from './verdict.ts';

/** The texts of an event, read. */
export type ReadEvent = {
  readonly header: Header;
  readonly facts: Facts;
  /** Null when it was erased. */
  readonly data: DataPart | null;
};

/** Reads an event and checks all that can be checked by itself. */
export function readEvent(hashes: Hashes, record: LogRecord): ReadEvent | Fault {
  const {leaf} = record;
  let header: Header;
  let facts: Facts;
  try {
    header = parseHeader(record.header);
  } catch (error) {
    return invalid(leaf, 'header', 'a canonical header', refusalMessage(error));
  }
  try {
    facts = parseFacts(record.facts);
  } catch (error) {
    return invalid(leaf, 'facts', 'canonical facts', refusalMessage(error));
  }
  const found = factsHash(hashes, record.facts);
  if (found !== header.gates.f) return invalid(leaf, 'facts', header.gates.f, found);
  const fault = factsFault(leaf, header, facts);
  if (fault !== null) return fault;
  const data = readData(hashes, record, header);
  if (isFault(data)) return data;
  const contentFault = checkContent(hashes, record, header);
  if (contentFault !== null) return contentFault;
  return {header, facts, data};
}

/** Tells a fault from anything else that is read. */
export function isFault(value: object | null): value is Fault {
  return value !== null && 'exit' in value && 'expected' in value;
}

function factsFault(leaf: number, header: Header, facts: Facts): Fault | null {
  if (facts.at !== header.at) return invalid(leaf, 'facts', `at ${header.at}`, `at ${facts.at}`);
  const why = whyFault(facts.why, header.gates.r);
  if (why !== null) return invalid(leaf, 'facts', `a reason for each W and D`, why);
  const last = facts.ends.at(-1);
  if (last === undefined) return null;
  if (!mayEndContent(Number.parseInt(header.kind, 16))) {
    return invalid(leaf, 'ending', 'a kind that may end content', header.kind);
  }
  return last[1] < leaf ? null : invalid(leaf, 'ending', 'earlier leaves', `leaf ${last[1]}`);
}

function readData(hashes: Hashes, record: LogRecord, header: Header): DataPart | Fault | null {
  const {data, dataSalt, leaf} = record;
  if ((data === null) !== (dataSalt === null)) {
    return invalid(leaf, 'data', 'a salt with its part', 'one without the other');
  }
  if (data === null || dataSalt === null) {
    const isAlone = record.content === null && record.contentSalt === null;
    return isAlone ? null : invalid(leaf, 'data', 'data where content is', 'content alone');
  }
  try {
    const found = commitData(hashes, dataSalt, data);
    if (found !== header.pay.d) return invalid(leaf, 'data', header.pay.d, found);
    return parseData(data);
  } catch (error) {
    return invalid(leaf, 'data', 'a canonical data part', refusalMessage(error));
  }
}

function checkContent(hashes: Hashes, record: LogRecord, header: Header): Fault | null {
  const {content, contentSalt, leaf} = record;
  if ((content === null) !== (contentSalt === null)) {
    return invalid(leaf, 'content', 'a salt with its part', 'one without the other');
  }
  if (content === null || contentSalt === null) return null;
  try {
    const found = commitContent(hashes, contentSalt, content);
    if (found !== header.pay.c) return invalid(leaf, 'content', `${header.pay.c}`, found);
    parseContent(content);
    return null;
  } catch (error) {
    return invalid(leaf, 'content', 'a canonical content part', refusalMessage(error));
  }
}
