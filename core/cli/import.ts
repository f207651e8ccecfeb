/**
 * `cellstate import`: files of known formats, written through the public API of a running server.
 *
 * Every write has an idempotency key made of the file's content. So a file that is imported twice is
 * there once, and one whose import was cut off goes on where it was: what is there already is
 * answered again and changes nothing.
 */
import {createClient} from '../../shared/client/client.ts';
import {CellstateError} from '../../shared/client/errors.ts';
import {intText} from '../../shared/wire/scalar.ts';
import type {Cli, Register} from './command.ts';
import {CliError, exits} from './exit.ts';
import {serverOf} from './http.ts';
import {planLocomo} from './import/locomo.ts';
import {usage} from './import/read-file.ts';
import {planTauBench} from './import/tau-bench.ts';
import {createWriter, writeParts, type Planned, type Seen} from './import/writer.ts';
import {json, note, progress, table, type Printing} from './terminal.ts';

type Options = Printing & {
  readonly concurrency: string;
  readonly end?: boolean;
  readonly conversation?: string;
};

const defaultConcurrency = 8;
const mostConcurrency = 64;
/** With pauses that double, about a minute: as long as a server may take to come back. */
const retries = 8;

const afterHelp = `
Imported twice it is there once, and an import that was cut off goes on when it is started again.
The server is CELLSTATE_API_URL with CELLSTATE_API_KEY, else this machine's development server.`;

export const registerImport: Register = (program, cli) => {
  const group = program
    .command('import')
    .description('write a file of a known format into a tenant, through the API');
  const add = (format: string, about: string) =>
    group
      .command(`${format} <file>`)
      .description(about)
      .option('--concurrency <n>', 'runs or conversations at a time', String(defaultConcurrency))
      .option('--json', 'print JSON')
      .option('--quiet', 'print nothing when all is there')
      .addHelpText('after', afterHelp);
  add(
    'tau-bench',
    'runs of an agent with tools: trajectories, turns, tool results, states of reservations',
  )
    .option(
      '--end',
      'end each run with its outcome, which closes its scope and releases what its turns say',
    )
    .action((file: string, options: Options) =>
      importFile(cli, 'tau-bench', planTauBench(file, options.end === true), options),
    );
  add('locomo', 'long conversations of two: agents, sessions, lines')
    .option('--conversation <id>', 'only this one; measuring wants a tenant for each')
    .action((file: string, options: Options) =>
      importFile(cli, 'locomo', planLocomo(file, options.conversation), options),
    );
};

async function importFile(
  {environment, terminal}: Cli,
  format: string,
  planned: Planned,
  options: Options,
): Promise<void> {
  const concurrency = concurrencyOf(options.concurrency);
  const {base, key} = serverOf(environment);
  if (key === undefined)
    throw new CliError(exits.refused, 'no key to write with; set CELLSTATE_API_KEY', {
      code: 'UNAUTHORIZED',
    });
  const total = planned.parts.reduce((sum, {writeCount}) => sum + writeCount, 0);
  const startMs = performance.now();
  const bar = progress(terminal, format, total);
  const stop = new AbortController();
  try {
    await greet(key, base);
    const client = createClient({apiKey: key, baseUrl: base, retries});
    const writer = createWriter(client, planned.counted, stop.signal, bar.to);
    await writeParts(planned.parts, concurrency, writer, stop);
    bar.end();
    tell(terminal, format, writer.seen(), (performance.now() - startMs) / 1000, options);
  } catch (error) {
    bar.end();
    throw told(error);
  }
}

const greetingMs = 5_000;

/** Asks something cheap before anything is written: a wrong address or key is told at once. */
async function greet(apiKey: string, baseUrl: string): Promise<void> {
  try {
    await createClient({apiKey, baseUrl, retries: 0, timeoutMs: greetingMs}).tenants.list();
  } catch (cause) {
    if (!(cause instanceof CellstateError) || cause.status !== 0) throw cause;
    const advice = 'start it with `cellstate serve`, or set CELLSTATE_API_URL';
    throw new CliError(exits.unreachable, `${baseUrl} does not answer: ${advice}`, {cause});
  }
}

function concurrencyOf(text: string): number {
  const read = intText(1, mostConcurrency).read.safeParse(text);
  if (read.success) return read.data;
  throw usage(`--concurrency: ${text} is not a number from 1 to ${mostConcurrency}`);
}

function told(error: unknown): unknown {
  if (!(error instanceof CellstateError)) return error;
  const {code, issues, message, status} = error;
  if (status === 0) {
    return new CliError(
      exits.unreachable,
      `${message}. What is written stays; start the import again to go on`,
      {cause: error},
    );
  }
  const first =
    issues.length === 0
      ? ''
      : `; ${issues.map(({path, message: why}) => `${path} ${why}`).join('; ')}`;
  const advice =
    status === 401 ? '; CELLSTATE_API_KEY is not, or no longer, a key of this server' : '';
  return new CliError(exits.refused, `${message}${first}${advice}`, {code, cause: error});
}

function tell(
  terminal: Cli['terminal'],
  format: string,
  {position, replayed, tally, written}: Seen,
  seconds: number,
  options: Options,
): void {
  if (options.json) {
    return json(terminal, {
      format,
      counts: tally,
      written,
      replayed,
      position,
      seconds: Math.round(seconds * 100) / 100,
    });
  }
  if (options.quiet) return;
  const rows = Object.entries(tally).map(([name, count]) => [
    name.replaceAll('_', ' '),
    String(count),
  ]);
  terminal.out(table(rows));
  const news =
    written === 0
      ? 'all of it was there already'
      : `${written} writes, ${replayed} were there already`;
  note(terminal, `${news}; ${seconds.toFixed(1)} s, the log is at position ${position}`);
}
