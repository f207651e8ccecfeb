/** A receipt file: every check on a line, what it amounts to, and what to do about the rest. */
import {verifyReceipt, type ReceiptVerdict} from '../../shared/ledger/verify.ts';
import type {Cli} from './command.ts';
import {writeEvidence} from './evidence.ts';
import {json, line, note, table} from './terminal.ts';
import type {Auditor, VerifyOptions} from './auditor.ts';

/** Verifies the text of a receipt, prints, and answers the exit code. */
export function verifyReceiptFile(
  {terminal}: Cli,
  auditor: Auditor,
  text: string,
  options: VerifyOptions,
): number {
  const {hashes, known, policyText} = auditor;
  const verdict = verifyReceipt(hashes, {receipt: text, policy: policyText, known});
  const evidence =
    verdict.evidence === null ? null : writeEvidence(verdict.evidence, options.evidence);
  if (options.json) {
    json(terminal, {kind: 'receipt', ...verdict, evidence_file: evidence});
    return verdict.exit;
  }
  if (options.quiet && verdict.exit === 0) return 0;
  const marks = {0: 'ok', 11: 'ok', 20: '?', 30: 'DIVERGED', 40: 'INVALID', 64: 'USAGE'} as const;
  terminal.out(table(verdict.checks.map(({detail, exit, name}) => [marks[exit], name, detail])));
  line(terminal, `\n${sentenceOf(verdict)}`);
  if (evidence !== null)
    note(terminal, `Both heads are in ${evidence}: show them to anyone who relies on this log.`);
  return verdict.exit;
}

function sentenceOf({exit, header, index, level, size}: ReceiptVerdict): string {
  switch (exit) {
    case 0:
    case 11:
      return `Verified (${level}): event ${header?.id} is leaf ${index} of ${header?.log}, under its signed head at ${size}.`;
    case 20:
      return level === 'none'
        ? 'Cannot decide.'
        : [
            `Sound by itself (${level}): the header is canonical and what is opened matches it. Whether it is in the log of ${header?.log}`,
            'cannot be decided: that takes a key you trust. Give --policy FILE, two lines: `log <vkey>` and `quorum none`.',
            '`cellstate log key --policy` prints one; compare its key once with the owner of the log, by another way.',
          ].join('\n');
    case 30:
      return `Diverged: ${header?.log} signed two heads that exclude each other.`;
    case 40:
      return 'Invalid: this is not a receipt of that event.';
    case 64:
      return 'The policy, or a note that was kept, cannot be used.';
  }
}
