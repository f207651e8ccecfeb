/**
 * What every command is given, and how its answer becomes the exit code of the process.
 */
import type {Command} from 'commander';
import {CliError, exits} from './exit.ts';
import type {Terminal} from './terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Cli = {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Runs a command's work; its answer is the exit code. */
  readonly exit: (code: number) => void;
};

/** Adds a command, or a group of them, to the program. */
export type Register = (program: Command, cli: Cli) => void;

/** A database is named by an option, by `DATABASE_URL` or by the default of development. */
export const databaseOption = [
  '--database <url>',
  'pglite:<directory> or postgres://… (default: DATABASE_URL, else pglite:.cellstate/pg)',
] as const;

const fallbackUrl = 'pglite:.cellstate/pg';

/** The database that a command is about. */
export function databaseUrlOf(environment: Environment, option: string | undefined): string {
  const url = option ?? environment['DATABASE_URL'] ?? fallbackUrl;
  if (/^(?:pglite:.|postgres(?:ql)?:\/\/)/.test(url)) return url;
  const from = option === undefined ? 'DATABASE_URL' : '--database';
  throw new CliError(
    exits.usage,
    `${from}: ${url} is neither pglite:<directory> nor postgres://…`,
    {code: 'USAGE'},
  );
}

/** A URL as it may be shown: without its password. */
export const shownUrl = (url: string): string =>
  url.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1:***@');
