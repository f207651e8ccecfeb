/**
 * The program `cellstate`: its commands, its help, and the one place where an error becomes an exit.
 *
 * Results go to standard output, everything else to standard error, and the process ends when both have
 * been taken, so that a pipe gets the whole of it.
 */
import {Command, CommanderError} from 'commander';
import {productVersion} from './version.ts';
import {type Cli, type Environment, type Register} from './command.ts';
import {registerConfig} from './config.ts';
import {registerDoctor} from './doctor.ts';
import {exits, toldOf, verifierUsage} from './exit.ts';
import {registerImport} from './import.ts';
import {registerLog} from './log.ts';
import {registerMcp} from './mcp.ts';
import {registerMigrate} from './migrate.ts';
import {registerReceipt} from './receipt.ts';
import {registerReplay} from './replay.ts';
import {registerServe} from './serve.ts';
import {registerTenant} from './tenant.ts';
import {processTerminal, type Terminal} from './terminal.ts';
import {registerVerify} from './verify.ts';

const commands: readonly Register[] = [
  registerServe,
  registerMigrate,
  registerTenant,
  registerConfig,
  registerDoctor,
  registerVerify,
  registerReplay,
  registerReceipt,
  registerLog,
  registerMcp,
  registerImport,
];

const afterHelp = `
Exit codes: 0 ok, 1 refused, 2 usage, 3 unreachable; \`verify\` has its own, see \`cellstate verify --help\`.
Settings come from the environment: \`cellstate config\` lists them.`;

/** Runs one command line and answers its exit code. */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  let exit: number = exits.ok;
  const cli: Cli = {terminal, environment, exit: (code) => void (exit = code)};
  const program = new Command('cellstate')
    .description('CellState: persistent, hierarchical, provable memory for AI agents')
    .version(productVersion, '-V, --version')
    .showHelpAfterError('(`--help` shows what there is)')
    .addHelpText('after', afterHelp)
    .configureOutput({writeOut: terminal.out, writeErr: terminal.err})
    .exitOverride();
  for (const register of commands) register(program, cli);
  inherit(program);
  try {
    await program.parseAsync([...argv], {from: 'user'});
    return exit;
  } catch (error) {
    return exitOf(error, argv, terminal);
  }
}

/** Sub-commands made after the settings above do not have them. */
function inherit(program: Command): void {
  for (const command of program.commands) {
    command.copyInheritedSettings(program);
    inherit(command);
  }
}

function exitOf(error: unknown, argv: readonly string[], terminal: Terminal): number {
  const usage = argv[0] === 'verify' ? verifierUsage : exits.usage;
  // Help and version arrive here too, with nothing wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.ok : usage;
  const {code, exit, isBug, message} = toldOf(error);
  if (argv.includes('--json')) terminal.out(`${JSON.stringify({error: {code, message, exit}})}\n`);
  else terminal.err(`cellstate: ${message}\n`);
  if (isBug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
  return exit;
}

/** Runs the command line of this process, and ends it when all that was printed has been taken. */
export async function main(argv: readonly string[]): Promise<void> {
  const exit = await run(argv.slice(2), processTerminal(), process.env);
  await Promise.all([written(process.stdout), written(process.stderr)]);
  // A timer or a connection that something left behind must not hold a finished command.
  process.exit(exit);
}

const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    // A reader that is gone (`| head`) takes no more, and that is its right.
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
