/** `cellstate migrate`: what the schema is, and bringing it to this version. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Command} from 'commander';
import {faultsOf, type Migrator} from '../store/migrate.ts';
import {openMigrator} from '../store/open.ts';
import {databaseOption, databaseUrlOf, shownUrl, type Cli, type Register} from './command.ts';
import {CliError, exits} from './exit.ts';
import {json, line, note, table, type Printing} from './terminal.ts';

type Options = Printing & {readonly database?: string};
type UpOptions = Options & {
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly backup?: string;
};

export const registerMigrate: Register = (program, cli) => {
  const group = program.command('migrate').description('show, apply and check migrations');
  add(group, 'status', 'list applied, pending and changed migrations').action((options: Options) =>
    withMigrator(cli, options, (migrator) => status(cli, migrator, options)),
  );
  add(group, 'up', 'apply what is pending, each file in its own transaction')
    .option('--to <number>', 'number of the last migration to apply')
    .option('--dry-run', 'apply in one transaction and undo it')
    .option(
      '--backup <name>',
      'name of the backup that was made before a migration that takes data away',
    )
    .option('--quiet', 'print names alone')
    .action((options: UpOptions) =>
      withMigrator(cli, options, (migrator) => up(cli, migrator, options), 'makes'),
    );
  add(
    group,
    'validate',
    'compare checksums and the live schema with what this version expects',
  ).action((options: Options) =>
    withMigrator(cli, options, (migrator) => validate(cli, migrator, options)),
  );
};

const add = (group: Command, name: string, about: string): Command =>
  group
    .command(name)
    .description(about)
    .option(...databaseOption)
    .option('--json', 'print JSON');

/** Looking at an embedded database that is not there would make one. */
function requireThere(url: string): void {
  const directory = /^pglite:(?!memory$)(.+)$/.exec(url)?.[1];
  if (directory === undefined || existsSync(join(directory, 'PG_VERSION'))) return;
  const message = `${directory} holds no embedded database; \`cellstate migrate up\` makes one`;
  throw new CliError(exits.refused, message, {code: 'NO_DATABASE'});
}

async function withMigrator(
  cli: Cli,
  options: Options,
  work: (migrator: Migrator) => Promise<number>,
  makes: 'looks' | 'makes' = 'looks',
): Promise<void> {
  const url = databaseUrlOf(cli.environment, options.database);
  if (makes !== 'makes') requireThere(url);
  const migrator = await openMigrator(url);
  try {
    cli.exit(await work(migrator));
  } finally {
    await migrator.close();
  }
}

async function status(
  {environment, terminal}: Cli,
  migrator: Migrator,
  options: Options,
): Promise<number> {
  const now = await migrator.status();
  const faults = faultsOf(now);
  if (options.json) {
    json(terminal, now);
  } else {
    line(terminal, shownUrl(databaseUrlOf(environment, options.database)));
    const state = (name: string): string =>
      now.drifted.includes(name) ? 'changed' : now.unknown.includes(name) ? 'unknown' : 'applied';
    const late = now.drifted.filter((name) => !now.applied.includes(name));
    terminal.out(
      table([
        ...now.applied.map((name) => [state(name), name]),
        ...late.map((name) => ['changed', name]),
        ...now.pending.map((name) => ['pending', name]),
      ]),
    );
    for (const fault of faults) note(terminal, fault);
    if (faults.length === 0 && now.pending.length > 0)
      note(terminal, 'apply what is pending with `cellstate migrate up`');
  }
  return faults.length === 0 ? exits.ok : exits.refused;
}

async function up({terminal}: Cli, migrator: Migrator, options: UpOptions): Promise<number> {
  const to = options.to === undefined ? undefined : Number(options.to);
  if (to !== undefined && (!Number.isSafeInteger(to) || to < 0)) {
    throw new CliError(exits.usage, `--to: ${options.to} is no number of a migration`, {
      code: 'USAGE',
    });
  }
  const names = await migrator.up({to, dryRun: options.dryRun, backup: options.backup});
  const isDry = options.dryRun === true;
  if (options.json) json(terminal, {applied: isDry ? [] : names, would_apply: isDry ? names : []});
  else
    for (const name of names)
      line(terminal, options.quiet ? name : `${isDry ? 'would apply' : 'applied'}  ${name}`);
  if (!options.json && !options.quiet && names.length === 0) line(terminal, 'nothing is pending');
  return exits.ok;
}

async function validate({terminal}: Cli, migrator: Migrator, options: Options): Promise<number> {
  const faults = await migrator.validate();
  if (options.json) json(terminal, {faults});
  else for (const fault of faults) line(terminal, fault);
  if (!options.json && faults.length === 0)
    line(terminal, 'history and schema are as this version expects');
  return faults.length === 0 ? exits.ok : exits.refused;
}
