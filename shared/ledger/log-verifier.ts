/**
 * Verifies a whole log, level L3: every text, hash, chain, edge, group, ending, column, shard, root.
 *
 * Fed one event after another in leaf order, it keeps what later events need – the hash of each
 * event, the head of each chain, absences that nothing has allowed yet – and stops at the first
 * fault. Streaming and pure: a log larger than memory, a cursor and a file are all the same to it.
 * What the reducers made of the events is L4 and not its business.
 */
import type {Hashes} from './hashes.ts';
import {eventHash} from './header.ts';
import {erasedCode, kindHex} from './kinds.ts';
import {readLogCase} from './log-case.ts';
import type {LogCase} from './log-case.ts';
import {createChains} from './log-chains.ts';
import {columnFault} from './log-columns.ts';
import {createAbsences} from './log-endings.ts';
import {isFault, readEvent} from './log-event.ts';
import type {ReadEvent} from './log-event.ts';
import {createGroups} from './log-groups.ts';
import {invalid} from './log-record.ts';
import type {Fault, LogRecord} from './log-record.ts';
import {openingFault} from './log-shards.ts';
import {LogTrees} from './log-trees.ts';
import type {TreeSummary} from './log-trees.ts';
import {leafHash} from './tree.ts';
import type {Exit} from './verdict.ts';

/** What was found about a log. */
export type LogReport = {
  readonly exit: Exit;
  readonly fault: Fault | null;
  /** Ledger size: one more than the last leaf that was taken in. */
  readonly size: number;
  readonly shards: readonly TreeSummary[];
  readonly counts: {readonly events: number; readonly ended: number; readonly erased: number};
  /** Whether the first key was one the auditor trusts. */
  readonly isTrusted: boolean;
  /** A kept note and the log's own, when the exit is 30: two heads that exclude each other. */
  readonly evidence: readonly string[];
};

/** Takes a log event by event. */
export type LogVerifier = {
  /** Checks the next event; once there is a fault it stays the answer. */
  readonly add: (record: LogRecord) => Fault | null;
  /** Checks what only the end shows, and reports. */
  readonly finish: () => LogReport;
};

const erasedKind = kindHex(erasedCode);

/** Begins to verify a log. */
export function createLogVerifier(hashes: Hashes, input: LogCase): LogVerifier {
  return new LogReading(hashes, input);
}

class LogReading implements LogVerifier {
  private readonly hashes: Hashes;
  private readonly input: LogCase;
  private readonly isTrusted: boolean;
  private readonly trees: LogTrees;
  private readonly chains = createChains();
  private readonly groups = createGroups();
  private readonly endedContent = createAbsences();
  private readonly erasedData = createAbsences();
  private fault: Fault | null;
  private lastAt = -1;

  constructor(hashes: Hashes, input: LogCase) {
    const ready = readLogCase(hashes, input);
    this.hashes = hashes;
    this.input = input;
    this.fault = isFault(ready) ? ready : null;
    this.isTrusted = !isFault(ready) && ready.isTrusted;
    this.trees = new LogTrees(hashes, input.shards, isFault(ready) ? [] : ready.heads);
  }

  add(record: LogRecord): Fault | null {
    return (this.fault ??= this.take(record));
  }

  finish(): LogReport {
    const fault = (this.fault ??= this.endFault());
    const {endedContent, erasedData, input, isTrusted, trees} = this;
    const notes = [fault?.note, fault?.note && input.note];
    return {
      exit: fault?.exit ?? (erasedData.count() > 0 ? 11 : 0),
      fault,
      size: trees.nextLeaf,
      shards: trees.summaries(),
      counts: {events: trees.eventCount, ended: endedContent.count(), erased: erasedData.count()},
      isTrusted,
      evidence: notes.filter((text) => text !== undefined),
    };
  }

  private take(record: LogRecord): Fault | null {
    const {hashes, trees} = this;
    const {leaf} = record;
    const turned = leaf === trees.after?.baseLeaf ? this.turn() : null;
    if (turned !== null) return turned;
    const {nextLeaf, origin} = trees;
    if (leaf !== nextLeaf) return invalid(nextLeaf, 'order', `leaf ${nextLeaf}`, `leaf ${leaf}`);
    const event = readEvent(hashes, record);
    if (isFault(event)) return event;
    const {header} = event;
    if (header.log !== origin) return invalid(leaf, 'shard', origin, header.log);
    if (header.at <= this.lastAt) {
      return invalid(leaf, 'time', `after ${this.lastAt}`, `${header.at}`);
    }
    this.lastAt = header.at;
    const hash = eventHash(hashes, record.header);
    const opening = trees.isEmpty
      ? openingFault(hashes, leaf, event, trees.before, trees.after)
      : null;
    const fault = opening ?? this.groups.add(leaf, header) ?? this.chains.add(leaf, header, hash);
    return fault ?? this.append(record, event, hash);
  }

  private append(record: LogRecord, {facts, header}: ReadEvent, hash: Uint8Array): Fault | null {
    const {columns, leaf} = record;
    if (record.data === null) this.erasedData.add(leaf);
    else if (record.content === null && header.pay.c !== null) this.endedContent.add(leaf);
    if (facts.ends.length > 0) {
      this.endedContent.allow(facts.ends);
      if (header.kind === erasedKind) this.erasedData.allow(facts.ends);
    }
    const hashedLeaf = leafHash(this.hashes, hash);
    if (columns !== undefined) {
      const parentLeaves = this.chains.parentOrdinals().map((one) => this.trees.leafOf(one));
      const derived = {leaf, header, eventHash: hash, leafHash: hashedLeaf, parentLeaves};
      const differs = columnFault(columns, derived);
      if (differs !== null) return differs;
    }
    return this.trees.append(hashedLeaf);
  }

  /** Leaves a shard for the next: no group goes on over the edge. */
  private turn(): Fault | null {
    const {nextLeaf} = this.trees;
    return this.groups.end(nextLeaf) ?? this.trees.turn();
  }

  /** What is wrong although each event is sound: divergence first, then the lowest leaf. */
  private endFault(): Fault | null {
    const {nextLeaf, after} = this.trees;
    const content = this.endedContent.first() ?? Infinity;
    const data = this.erasedData.first() ?? Infinity;
    const first = Math.min(content, data);
    const part = data < content ? 'data' : 'content';
    const faults = [
      first === Infinity ? null : invalid(first, 'ending', `${part}, or its ending`, 'neither'),
      this.groups.end(nextLeaf),
      after === undefined ? null : invalid(nextLeaf, 'shard', after.key.name, 'the end'),
      this.trees.unmetFault(0),
    ];
    return faults.find((one) => one?.exit === 30) ?? faults.find((one) => one !== null) ?? null;
  }
}
