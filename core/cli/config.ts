/**
 * `cellstate config`: every variable, its value and where that came from; secrets masked.
 *
 * The README's table is `configTable()`, between two marks; a test fails when they differ.
 */
import {parseConfig, variables} from '../config.ts';
import {shownUrl, type Environment, type Register} from './command.ts';
import {devFile, knownDevSecrets, type DevSecrets} from './dev-secrets.ts';
import {exits} from './exit.ts';
import {json, table} from './terminal.ts';

export type ConfigRow = {
  readonly name: string;
  /** As it may be shown; null where there is none. */
  readonly value: string | null;
  readonly source: string;
  readonly about: string;
};

type Variable = {
  readonly fallback: string | null;
  readonly isSecret?: true;
  readonly about: string;
};

const mask = '********';

/** Every variable, in the order of `core/config.ts`. */
export function configRows(environment: Environment, dev: DevSecrets | null): readonly ConfigRow[] {
  const isDevelopment = (environment['CELLSTATE_ENVIRONMENT'] ?? 'development') === 'development';
  const made: Environment =
    isDevelopment && dev !== null
      ? {CELLSTATE_MASTER_KEY: dev.CELLSTATE_MASTER_KEY, CELLSTATE_API_KEY: dev.key}
      : {};
  // The one default that depends on another variable.
  const computed: Environment = {CELLSTATE_AUTO_MIGRATE: String(isDevelopment)};
  return Object.entries<Variable>(variables).map(([name, {about, fallback, isSecret}]) => {
    const from = (value: string, source: string): ConfigRow => ({
      name,
      value: isSecret ? mask : shownUrl(value),
      source,
      about,
    });
    const set = environment[name];
    if (set !== undefined) return from(set, 'environment');
    const kept = made[name];
    if (kept !== undefined) return from(kept, devFile);
    const usual = fallback ?? computed[name];
    return usual === undefined
      ? {name, value: null, source: 'unset', about}
      : from(usual, 'default');
  });
}

/** The README's table. */
export function configTable(): string {
  const rows = Object.entries<Variable>(variables).map(([name, {about, fallback}]) => {
    const usual = fallback === null ? '' : fallback === '' ? '(empty)' : `\`${fallback}\``;
    return `| \`${name}\` | ${usual} | ${about.replaceAll('|', '\\|')} |`;
  });
  return ['| variable | default | about |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

/** Marks of the README between which the table stands. */
export const configMarks = [
  '<!-- config: made by `cellstate config --markdown` -->',
  '<!-- /config -->',
] as const;

export const registerConfig: Register = (program, {environment, exit, terminal}) => {
  program
    .command('config')
    .description('print every variable with its value and where that came from; secrets are masked')
    .option('--markdown', 'print the table of the README')
    .option('--json', 'print JSON')
    .action((options: {readonly json?: boolean; readonly markdown?: boolean}) => {
      if (options.markdown) return terminal.out(configTable());
      const dev = knownDevSecrets();
      const rows = configRows(environment, dev);
      if (options.json) json(terminal, {variables: rows});
      else terminal.out(table(rows.map(({name, source, value}) => [name, value ?? '-', source])));
      // Printed first, so that what is wrong can be seen; then said, as the core would at its start.
      parseConfig({
        ...environment,
        CELLSTATE_MASTER_KEY:
          environment['CELLSTATE_MASTER_KEY'] ??
          dev?.CELLSTATE_MASTER_KEY ??
          placeholderKey(environment),
      });
      exit(exits.ok);
    });
};

/** On a machine of development the first start makes a key; until then none is missed. */
function placeholderKey(environment: Environment): string | undefined {
  const isDevelopment = (environment['CELLSTATE_ENVIRONMENT'] ?? 'development') === 'development';
  return isDevelopment
    ? Buffer.from(Array.from({length: 32}, (_, i) => i)).toString('base64')
    : undefined;
}
