/**
 * `cellstate verify`: receipts, bundles and whole logs, with no account and no trust in a server.
 *
 * A file says what it is by its first line. Nothing here creates a key or writes a row: what it needs
 * is the file and the policy, or the database.
 */
import {evidenceOption} from './evidence.ts';
import {pinsOption} from './pins.ts';
import {auditorOf, readText, usage, type VerifyOptions} from './auditor.ts';
import {databaseOption, type Cli, type Register} from './command.ts';
import {verifyBundle} from './verify-bundle.ts';
import {verifyLog} from './verify-log.ts';
import {verifyReceiptFile} from './verify-receipt.ts';

const afterHelp = `
What it verifies:
  a receipt    cellstate receipt get EVENT_ID > receipt.json; cellstate verify receipt.json --policy policy
  a bundle     NDJSON: the answer of /log/key with a note, then an event a line
  a log        cellstate verify --log, straight from the database

A policy is a c2sp.org/tlog-policy file: \`log <vkey>\` and \`quorum none\`, a line each. The vkey is what
\`cellstate log key\` prints; compare it once with the log's owner, by another way.

Exit codes: 0 verified, 11 verified with endings by erasure, 20 cannot decide because something is missing,
30 two signed heads exclude each other, 40 invalid, 64 usage. 1 and 3: the database refused, or is not there.`;

export const registerVerify: Register = (program, cli) => {
  program
    .command('verify [file]')
    .description('verify a receipt, a bundle or, with --log, a whole log')
    .option('--policy <file>', 'whose keys you trust')
    .option(
      '--known <note...>',
      'files of signed notes that you kept; pinned ones are known anyway',
    )
    .option(...pinsOption)
    .option(...evidenceOption)
    .option('--log', 'the log itself, from its database: every hash, column, edge, tile and head')
    .option(...databaseOption)
    .option('--tenant <id>', 'only the log of this tenant (with --log)')
    .option('--replay', 'fold the events again and compare with the tables as well (with --log)')
    .option('--json', 'print JSON')
    .option('--quiet', 'print nothing when it is verified')
    .addHelpText('after', afterHelp)
    .action((file: string | undefined, options: VerifyOptions) => verify(cli, file, options));
};

async function verify(cli: Cli, file: string | undefined, options: VerifyOptions): Promise<void> {
  if ((file === undefined) !== (options.log === true)) {
    const message =
      file === undefined ? 'name a file, or --log' : 'a file and --log exclude each other';
    throw usage(`${message}; see \`cellstate verify --help\``);
  }
  if (
    !options.log &&
    (options.tenant !== undefined || options.replay || options.database !== undefined)
  ) {
    throw usage('--database, --tenant and --replay go with --log');
  }
  const auditor = await auditorOf(options);
  if (file === undefined) return cli.exit(await verifyLog(cli, auditor, options));
  const text = readText(file);
  const kind = kindOf(text);
  if (kind === 'receipt') return cli.exit(verifyReceiptFile(cli, auditor, text, options));
  if (kind === 'bundle') return cli.exit(verifyBundle(cli, auditor, text, options));
  throw usage(
    `${file} is neither a receipt (cellstate/receipt@1) nor a bundle (NDJSON that begins with the answer of /log/key)`,
  );
}

/** What a file says it is. It may lie: then its own verifier refuses it. */
function kindOf(text: string): 'bundle' | 'receipt' | null {
  const first = text.trimStart().slice(0, 4096);
  if (/^\{\s*"receipt"/.test(first)) return 'receipt';
  const end = text.indexOf('\n');
  const line = end === -1 ? text : text.slice(0, end);
  return line.startsWith('{') && line.includes('"shards"')
    ? 'bundle'
    : text.includes('cellstate/receipt@1')
      ? 'receipt'
      : null;
}
