/** A log as a file: its keys and a note on the first line, then an event a line. */
import {parseBundleHead, parseBundleRecord, type BundleHead} from '../../shared/ledger/bundle.ts';
import {createLogVerifier, type LogReport} from '../../shared/ledger/log-verifier.ts';
import type {LogRecord} from '../../shared/ledger/log-record.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import type {Cli} from './command.ts';
import {writeEvidence} from './evidence.ts';
import {json, line, progress} from './terminal.ts';
import type {Auditor, VerifyOptions} from './auditor.ts';

/** What a file that is no bundle breaks, and where. */
type Unreadable = {readonly line: number; readonly message: string};

/** Verifies the text of a bundle, prints, and answers the exit code. */
export function verifyBundle(
  {terminal}: Cli,
  auditor: Auditor,
  text: string,
  options: VerifyOptions,
): number {
  const found = judge(auditor, text, progress(terminal, 'events', text.length));
  if ('message' in found) {
    if (options.json) json(terminal, {kind: 'bundle', exit: 40, fault: found});
    else line(terminal, `Invalid: line ${found.line}: ${found.message}`);
    return 40;
  }
  // Without a key of the auditor's own, all that is shown is that the file agrees with itself.
  const exit =
    found.exit === 0 || found.exit === 11 ? (found.isTrusted ? found.exit : 20) : found.exit;
  const evidence =
    found.evidence.length === 2 ? writeEvidence(found.evidence, options.evidence) : null;
  if (options.json) json(terminal, {kind: 'bundle', ...found, exit, evidence_file: evidence});
  else if (!options.quiet || exit !== 0) tell(found, exit, (sentence) => line(terminal, sentence));
  if (evidence !== null && !options.json) line(terminal, `Both heads are in ${evidence}.`);
  return exit;
}

type Bar = ReturnType<typeof progress>;

function judge({hashes, known, policy}: Auditor, text: string, bar: Bar): LogReport | Unreadable {
  const lines = linesOf(text);
  let at = 1;
  try {
    const head: BundleHead = parseBundleHead(hashes, lines.next().value?.text ?? '');
    const verifier = createLogVerifier(hashes, {
      shards: head.shards,
      note: head.note,
      known,
      trusted: policy?.logs,
    });
    for (const {end, text: record} of lines) {
      at += 1;
      const parsed: LogRecord = parseBundleRecord(record);
      if (verifier.add(parsed) !== null) break;
      bar.to(end);
    }
    bar.end();
    return verifier.finish();
  } catch (error) {
    bar.end();
    return {line: at, message: refusalMessage(error)};
  }
}

/** Lines with the offset of their end; what follows the last newline counts when it is not empty. */
function* linesOf(text: string): Generator<{text: string; end: number}, undefined> {
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const end = newline === -1 ? text.length : newline;
    yield {text: text.slice(from, end), end};
    from = end + 1;
  }
}

function tell(report: LogReport, exit: number, say: (sentence: string) => void): void {
  const {counts, fault, isTrusted, shards} = report;
  for (const shard of shards)
    say(
      `${shard.origin}  ${shard.size} leaves, root ${Buffer.from(shard.root, 'hex').toString('base64')}`,
    );
  say(`${counts.events} events, ${counts.ended} whose content has ended, ${counts.erased} erased`);
  if (fault !== null) {
    const where = fault.leaf === null ? '' : ` at leaf ${fault.leaf}`;
    const word = {20: 'Cannot decide', 30: 'Diverged', 40: 'Invalid', 64: 'Usage'}[fault.exit];
    say(`${word}${where}: ${fault.class}\n  expected ${fault.expected}\n  found    ${fault.found}`);
  } else if (!isTrusted) {
    say(
      'The file agrees with itself. Whether it is that log cannot be decided without a key you trust: give --policy FILE.',
    );
  } else {
    say(exit === 11 ? 'Verified, with endings by erasure.' : 'Verified.');
  }
}
