/** `cellstate replay --check`: what the events make, against what the tables hold (L4). */
import {readLog, storedLogs} from '../ledger/read-log.ts';
import {createReplayCheck, type ReplayResult} from '../ledger/replay-check.ts';
import {ReplayRefused} from '../ledger/replay.ts';
import {openAudit, requireThisSchema} from '../store/audit.ts';
import {databaseOption, databaseUrlOf, shownUrl, type Cli, type Register} from './command.ts';
import {CliError, exits} from './exit.ts';
import {tellDifferences} from './tell-log.ts';
import {json, line, note, progress, type Printing} from './terminal.ts';

type Options = Printing & {
  readonly check?: boolean;
  readonly database?: string;
  readonly tenant?: string;
};
type Checked = {readonly tenantId: string; readonly result: ReplayResult};

export const registerReplay: Register = (program, cli) => {
  program
    .command('replay')
    .description('fold the log again with the reducers of this version')
    .requiredOption('--check', 'compare with the tables, row by row, and change nothing')
    .option(...databaseOption)
    .option('--tenant <id>', 'only the log of this tenant')
    .option('--json', 'print JSON')
    .option('--quiet', 'print nothing when all is equal')
    .action((options: Options) => replay(cli, options));
};

async function replay({environment, exit, terminal}: Cli, options: Options): Promise<void> {
  const url = databaseUrlOf(environment, options.database);
  const audit = await openAudit(url);
  const checked: Checked[] = [];
  try {
    await requireThisSchema(audit);
    const logs = await storedLogs(audit, options.tenant ?? null);
    if (logs.length === 0 && options.tenant !== undefined) {
      throw new CliError(exits.usage, `${shownUrl(url)} has no tenant ${options.tenant}`, {
        code: 'USAGE',
      });
    }
    const bar = progress(
      terminal,
      'events',
      logs.reduce((sum, {head}) => sum + (head?.size ?? 0), 0),
    );
    let done = 0;
    for (const {tenantId, tenantNo} of logs) {
      const check = createReplayCheck(audit, tenantNo);
      for await (const page of readLog(audit, tenantNo)) {
        await check.add(page);
        bar.to((done += page.length));
      }
      checked.push({tenantId, result: await check.finish()});
    }
    bar.end();
  } catch (error) {
    if (error instanceof ReplayRefused)
      throw new CliError(exits.refused, error.message, {code: 'REPLAY_REFUSED', cause: error});
    throw error;
  } finally {
    await audit.close();
  }
  const isEqual = checked.every(({result}) => result.differences.length === 0);
  if (options.json)
    json(terminal, {
      equal: isEqual,
      tenants: checked.map(({result, tenantId}) => ({tenant_id: tenantId, ...result})),
    });
  else if (!options.quiet || !isEqual) {
    for (const {result, tenantId} of checked) {
      line(
        terminal,
        `tenant ${tenantId}: ${result.rowCount} rows, ${result.pastCount} past versions${result.differences.length === 0 ? ', equal' : ''}`,
      );
      tellDifferences(terminal, result.differences);
    }
    if (!isEqual)
      note(
        terminal,
        'The tables are not what the log makes of them: `cellstate verify --log` tells whether the log itself is sound.',
      );
  }
  exit(isEqual ? exits.ok : exits.refused);
}
