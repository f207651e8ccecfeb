/** `cellstate serve`: the core, until somebody asks it to stop. */
import {start, type Running} from '../main.ts';
import type {Register} from './command.ts';
import {shownUrl} from './command.ts';
import {exits} from './exit.ts';
import {json, line, note, type Printing, type Terminal} from './terminal.ts';

export const registerServe: Register = (program, cli) => {
  program
    .command('serve')
    .description('start the core; Ctrl-C or SIGTERM ends it cleanly')
    .option('--json', 'print one JSON object when it listens')
    .option('--quiet', 'print the URL alone when it listens')
    .action(async (options: Printing) => {
      // Asked to stop while it starts, it stops when it has started: a database is not left half open.
      const asked = askedToStop();
      const running = await start(cli.environment);
      tell(cli.terminal, running, options);
      const signal = await asked;
      if (!options.quiet)
        note(
          cli.terminal,
          `${signal}: no new requests; what is under way is finished, then the database is closed`,
        );
      await running.stop();
      cli.exit(exits.ok);
    });
};

function tell(terminal: Terminal, {config, devKey, url}: Running, options: Printing): void {
  if (options.json) {
    json(terminal, {
      url,
      environment: config.environment,
      database: shownUrl(config.databaseUrl),
      dev_key: devKey,
    });
    return;
  }
  if (options.quiet) return line(terminal, url);
  line(terminal, `CellState core (${config.environment}) listens on ${url}`);
  line(terminal, `database ${shownUrl(config.databaseUrl)}`);
  if (devKey !== null) {
    line(terminal, `key of the development tenant ${devKey}`);
    line(
      terminal,
      `\ntry  curl -s -H 'authorization: Bearer ${devKey}' ${url}/api/v1/log/checkpoint`,
    );
  } else {
    line(terminal, '\nmake a tenant and its first key with `cellstate tenant create NAME`');
  }
}

/** Resolves with the first signal; later ones change nothing, since stopping is bounded in time. */
function askedToStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(signal));
  });
}
