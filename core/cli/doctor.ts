/**
 * `cellstate doctor`: what this machine and this database are like, and what to do about each.
 *
 * It changes nothing. A check that cannot be made says why and is no fault.
 */
import type {Register} from './command.ts';
import {databaseOption, databaseUrlOf} from './command.ts';
import {checkDatabase} from './doctor-database.ts';
import {checkMachine} from './doctor-machine.ts';
import {exits} from './exit.ts';
import {json, line, note} from './terminal.ts';

type Options = {readonly database?: string; readonly json?: boolean; readonly quiet?: boolean};

export const registerDoctor: Register = (program, {environment, exit, terminal}) => {
  program
    .command('doctor')
    .description(
      'check runtime, settings, disk, database, migrations, clock and keys, and say what to do about each',
    )
    .option(...databaseOption)
    .option('--json', 'print JSON')
    .option('--quiet', 'print only what is wrong')
    .action(async (options: Options) => {
      const url = databaseUrlOf(environment, options.database);
      const findings = [
        ...checkMachine(environment, url),
        ...(await checkDatabase(environment, url)),
      ];
      const isWell = findings.every(({is}) => is !== 'bad');
      if (options.json) json(terminal, {well: isWell, findings});
      else {
        const shown = options.quiet
          ? findings.filter(({is}) => is === 'bad' || is === 'warn')
          : findings;
        const width = Math.max(0, ...shown.map(({name}) => name.length));
        for (const {advice, found, is, name} of shown) {
          line(terminal, `${is.padEnd(7)}  ${name.padEnd(width)}  ${found}`);
          if (advice !== '') line(terminal, `${' '.repeat(9)}${' '.repeat(width)}  → ${advice}`);
        }
        if (!options.quiet)
          note(
            terminal,
            isWell
              ? 'nothing keeps the core from working'
              : 'the core does not work until what is bad is put right',
          );
      }
      exit(isWell ? exits.ok : exits.refused);
    });
};
