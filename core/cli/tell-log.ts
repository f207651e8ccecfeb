/** What `verify --log` and `replay` say about the logs of a database. */
import type {Audited} from '../ledger/audit-log.ts';
import type {ReplayResult} from '../ledger/replay-check.ts';
import type {Difference} from '../ledger/replay-difference.ts';
import {line, note, type Terminal} from './terminal.ts';

/** By what the first key of a log is believed. */
export type Believed = 'master key' | 'policy' | 'rows';

export type Judged = Omit<Audited, 'exit'> & {
  readonly exit: number;
  readonly tenantId: string;
  readonly origin: string;
  readonly believed: Believed;
  /** Null where it was not asked for, or the log itself is not sound. */
  readonly replay: ReplayResult | null;
};

const believedBy: Readonly<Record<Believed, string>> = {
  'master key': 'its keys are those that the master key yields',
  policy: 'its first key is one of the policy',
  rows: 'its keys are taken from its own rows: give --policy to judge it by a key you trust',
};

type Told = {
  readonly url: string;
  readonly judged: readonly Judged[];
  readonly isMissing: boolean;
  readonly evidenceFile: string | null;
};

/** Prints each log and what it amounts to. */
export function tellLogs(terminal: Terminal, {evidenceFile, isMissing, judged, url}: Told): void {
  line(terminal, `${url}: ${judged.length} ${judged.length === 1 ? 'log' : 'logs'}`);
  for (const one of judged) tellLog(terminal, one);
  if (isMissing)
    line(terminal, '\nCannot decide: the policy names a log that is not in this database.');
  if (evidenceFile !== null) note(terminal, `What excludes it is in ${evidenceFile}.`);
}

function tellLog(
  terminal: Terminal,
  {believed, fault, origin, replay, report, tenantId, tileCount}: Judged,
): void {
  const say = (sentence: string): void => line(terminal, sentence);
  say(`\ntenant ${tenantId}  ${origin}`);
  if (fault !== null) {
    const word = {20: 'CANNOT DECIDE', 30: 'DIVERGED', 40: 'INVALID', 64: 'USAGE'}[fault.exit];
    say(`  ${word}${fault.leaf === null ? '' : ` at leaf ${fault.leaf}`}: ${fault.class}`);
    say(`    expected  ${fault.expected}`);
    say(`    found     ${fault.found}`);
    return;
  }
  if (report === null) return;
  const {counts, shards, size} = report;
  const ended =
    counts.ended + counts.erased === 0
      ? ''
      : `, ${counts.ended} whose content has ended, ${counts.erased} erased`;
  say(`  verified  ${counts.events} events, size ${size}${ended}, ${tileCount} tiles`);
  for (const shard of shards)
    say(
      `  root      ${Buffer.from(shard.root, 'hex').toString('base64')} at ${shard.size} of ${shard.origin}`,
    );
  say(`  key       ${believedBy[believed]}`);
  if (replay === null) return;
  if (replay.differences.length === 0)
    say(`  replay    equal: ${replay.rowCount} rows, ${replay.pastCount} past versions`);
  tellDifferences(terminal, replay.differences);
}

/** Prints the first difference of each table. */
export function tellDifferences(terminal: Terminal, differences: readonly Difference[]): void {
  for (const {column, expected, found, id, table, version} of differences) {
    line(terminal, `  DIFFERS   ${table} ${id} version ${version}: ${column}`);
    line(terminal, `    replayed  ${expected}`);
    line(terminal, `    stored    ${found}`);
  }
}
