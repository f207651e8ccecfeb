/** The command line in this process, and as a process of its own. */
import {spawn, type ChildProcess} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {run} from '../../../core/cli/cellstate.ts';

export type Ended = {readonly exit: number; readonly out: string; readonly err: string};

/** Runs a command line in this process, with no setting but those given. */
export async function command(
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  let [out, err] = ['', ''];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isTerminal: false,
  };
  const exit = await run(argv, terminal, environment);
  return {exit, out, err};
}

const launcher = fileURLToPath(new URL('../../../core/cli/cellstate.cjs', import.meta.url));

export type Started = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with what was printed by then, when it holds the text. */
  readonly printed: (text: string) => Promise<string>;
};

type Place = {
  readonly cwd: string;
  readonly environment?: Record<string, string>;
  readonly runtime?: string;
};

/** Starts the command as a process in a folder, with no setting but those given. */
export function start(
  argv: readonly string[],
  {cwd, environment = {}, runtime = process.execPath}: Place,
): Started {
  const child = spawn(runtime, [launcher, ...argv], {
    cwd,
    env: {PATH: process.env['PATH'] ?? '', HOME: cwd, LOG_LEVEL: 'error', ...environment},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  let tell = (): void => undefined;
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
    tell();
  });
  child.stderr.on('data', (data: Buffer) => void (err += data.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({exit: code ?? -1, out, err}));
  });
  const printed = async (text: string): Promise<string> => {
    const found = new Promise<void>((resolve) => {
      tell = () => (out.includes(text) ? resolve() : undefined);
      tell();
    });
    const early = ended.then((end) =>
      Promise.reject(new Error(`it ended with ${end.exit}: ${end.err}`)),
    );
    await Promise.race([found, early]);
    return out;
  };
  return {child, ended, printed};
}

/** Runs the command as a process to its end. */
export const spawned = (argv: readonly string[], place: Place): Promise<Ended> =>
  start(argv, place).ended;
