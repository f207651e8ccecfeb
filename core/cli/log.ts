/**
 * `cellstate log key` and `cellstate checkpoint`: a log's keys and signed heads, and keeping one.
 *
 * Pinning is what makes a log's later lies visible. The note must be signed by a key of the policy,
 * and where one is pinned already the two must be of one history, which the server proves.
 */
import {readFileSync} from 'node:fs';
import {
  checkCheckpoint,
  parseCheckpoint,
  type SignedCheckpoint,
} from '../../shared/ledger/checkpoint.ts';
import {compareCheckpoints, parseConsistency} from '../../shared/ledger/consistency.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import type {VerifierKey} from '../../shared/ledger/note.ts';
import {parsePolicy} from '../../shared/ledger/policy.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import {createNativeHashes} from '../ledger/hashes.ts';
import type {Cli, Environment, Register} from './command.ts';
import {evidenceOption, writeEvidence} from './evidence.ts';
import {CliError, exits} from './exit.ts';
import {getText} from './http.ts';
import {pinnedNote, pinNote, pinsOption} from './pins.ts';
import {json, line, note} from './terminal.ts';

type Shards = {readonly shards: readonly {readonly vkey: string}[]};

export const registerLog: Register = (program, cli) => {
  const {environment, exit, terminal} = cli;
  program
    .command('log')
    .description("the log's verification keys")
    .command('key')
    .description(
      'print the verification keys of all shards, oldest first; compare the first with its owner, by another way',
    )
    .option('--policy', 'print a policy file that trusts the first one')
    .option('--json', 'print the whole answer, with the receipts that link shard to shard')
    .action(async (options: {readonly json?: boolean; readonly policy?: boolean}) => {
      const answer = JSON.parse(await getText(environment, '/log/key')) as Shards;
      const vkeys = answer.shards.map(({vkey}) => vkey);
      if (options.json) json(terminal, answer);
      else if (options.policy) terminal.out(`log ${vkeys[0] ?? ''}\nquorum none\n`);
      else for (const vkey of vkeys) line(terminal, vkey);
      exit(exits.ok);
    });
  const group = program.command('checkpoint').description('signed heads of the log');
  group
    .command('get')
    .description('print the signed note over the log, as it is or at a size')
    .option('--size <size>', 'ledger size: one more than the position of the last event')
    .option('--json', 'print what the note says, and the note')
    .action(async (options: {readonly size?: string; readonly json?: boolean}) => {
      const text = await getText(environment, '/log/checkpoint', {size: options.size});
      if (options.json) json(terminal, told(parseCheckpoint(text)));
      else terminal.out(text);
      exit(exits.ok);
    });
  group
    .command('pin <note>')
    .description(
      'keep a signed note: `verify` finds out a log that shows another history from now on',
    )
    .requiredOption('--policy <file>', "policy file with the log's key")
    .option(
      '--consistency <file>',
      'answer of GET /log/consistency; without one the server is asked',
    )
    .option(...pinsOption)
    .option(...evidenceOption)
    .option('--json', 'print JSON')
    .action((file: string, options: PinOptions) => pin(cli, file, options));
};

const told = ({note: {source}, origin, root, size}: SignedCheckpoint): object => ({
  origin,
  size,
  root: Buffer.from(root).toString('base64'),
  note: source,
});

type PinOptions = {
  readonly policy: string;
  readonly consistency?: string;
  readonly pins?: string;
  readonly evidence?: string;
  readonly json?: boolean;
};

async function pin(
  {environment, exit, terminal}: Cli,
  file: string,
  options: PinOptions,
): Promise<void> {
  const hashes = await createNativeHashes();
  const wanted = strict(file, () => parseCheckpoint(readText(file)));
  const key = trustedKey(hashes, wanted, options.policy);
  const kept = pinnedNote(key, options.pins);
  const before = kept === null ? null : parseCheckpoint(kept);
  const verdict =
    before === null ? 'first' : await relationOf(hashes, environment, before, wanted, options);
  if (verdict === 'diverged' && before !== null) {
    const evidence = writeEvidence([before.note.source, wanted.note.source], options.evidence);
    const message = `${key.name} signed two heads that exclude each other: ${before.size} as pinned, and ${wanted.size}; both are in ${evidence}`;
    throw new CliError(30, message, {code: 'DIVERGED'});
  }
  const isNewer = before === null || wanted.size > before.size;
  const path = isNewer ? pinNote(key, wanted.note.source, options.pins) : null;
  if (options.json)
    return json(terminal, {
      origin: key.name,
      pinned_size: Math.max(wanted.size, before?.size ?? 0),
      file: path,
    });
  if (path === null)
    line(
      terminal,
      `${key.name}: the pinned note at ${before?.size} stays; the one at ${wanted.size} is a part of its history`,
    );
  else
    line(
      terminal,
      `${key.name}: pinned at ${wanted.size}${before === null ? '' : `, which goes on from ${before.size}`}`,
    );
  if (path !== null)
    note(terminal, `kept in ${path}; \`verify --policy\` compares with it from now on`);
  exit(exits.ok);
}

function trustedKey(hashes: Hashes, wanted: SignedCheckpoint, policyFile: string): VerifierKey {
  const policy = strict(policyFile, () => parsePolicy(hashes, readText(policyFile)));
  const key = policy.logs.find(({name}) => name === wanted.origin);
  if (key === undefined)
    throw new CliError(20, `${policyFile} names no key of ${wanted.origin}`, {code: 'UNDECIDED'});
  const signature = checkCheckpoint(hashes, wanted, key);
  if (signature !== 'good')
    throw new CliError(40, `the signature by ${key.name}+${key.keyId} is ${signature}`, {
      code: 'INVALID',
    });
  return key;
}

/** Whether the note and the pinned one are of one history. A log that proves nothing is not believed. */
async function relationOf(
  hashes: Hashes,
  environment: Environment,
  before: SignedCheckpoint,
  wanted: SignedCheckpoint,
  options: PinOptions,
): Promise<'consistent' | 'diverged'> {
  const alone = compareCheckpoints(hashes, before, wanted);
  if (alone === 'consistent' || alone === 'diverged') return alone;
  const [from, to] = [Math.min(before.size, wanted.size), Math.max(before.size, wanted.size)];
  const source = options.consistency ?? '/log/consistency';
  // Sizes in routes are ledger sizes: in the first shard the same as those of its tree.
  const text =
    options.consistency === undefined
      ? await getText(environment, '/log/consistency', {from: String(from), to: String(to)})
      : readText(options.consistency);
  const {path} = strict(source, () => parseConsistency(text));
  if (compareCheckpoints(hashes, before, wanted, path) === 'consistent') return 'consistent';
  const message = `${source} does not prove that the log of ${from} leaves is a part of that of ${to}: nothing was pinned`;
  throw new CliError(20, message, {code: 'UNDECIDED'});
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CliError(
      exits.usage,
      `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {code: 'USAGE', cause},
    );
  }
}

function strict<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new CliError(40, `${what}: ${refusalMessage(cause)}`, {code: 'INVALID', cause});
  }
}
