/** Starts the core as a process that a test may kill. */
import {spawn, type ChildProcess} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

export type CoreProcess = {
  readonly url: string;
  readonly key: string;
  /** Settles when the process is gone. */
  readonly ended: Promise<void>;
  kill(): Promise<void>;
  /** Lets it kill itself at a step of a batch, the how-manyth time it comes there. */
  dieAt(step: string, count: number): void;
};

export type StartOptions = {
  /** Where it keeps what it keeps. */
  readonly folder: string;
  readonly databaseUrl: string;
  /** As `dieAt`, from when it listens. */
  readonly dieAt?: {readonly step: string; readonly count: number} | undefined;
};

const child = fileURLToPath(new URL('core-child.ts', import.meta.url));
const startLimitMs = 90_000;
const unlimited = '100000000';

/** Starts it and waits until it listens. */
export async function startCoreProcess({
  folder,
  databaseUrl,
  dieAt: end,
}: StartOptions): Promise<CoreProcess> {
  const started = spawn(process.execPath, [child], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'error',
      CELLSTATE_PORT: '0',
      CELLSTATE_RATE_LIMIT_TENANT: unlimited,
      CELLSTATE_RATE_LIMIT_BURST: unlimited,
    },
  });
  const ended = new Promise<void>((resolve) => started.once('exit', () => resolve()));
  const told = await toldBy(started);
  const dieAt = (step: string, count: number): void =>
    void started.stdin?.write(`${step} ${count}\n`);
  if (end !== undefined) dieAt(end.step, end.count);
  return {
    ...told,
    ended,
    dieAt,
    async kill() {
      started.kill('SIGKILL');
      await ended;
    },
  };
}

function toldBy(started: ChildProcess): Promise<{url: string; key: string}> {
  const {stdout, stderr} = started;
  let complaint = '';
  stderr?.on('data', (text) => {
    complaint += String(text);
  });
  return new Promise((resolve, reject) => {
    const give = (why: string): void =>
      reject(new Error(`the core did not start: ${why} ${complaint}`));
    const timer = setTimeout(() => give(`nothing for ${startLimitMs} ms`), startLimitMs);
    started.once('exit', (code, signal) => give(`it ended with ${code ?? signal}`));
    if (stdout === null) return give('it has no output');
    createInterface({input: stdout}).on('line', (line) => {
      if (!line.startsWith('{"url"')) return;
      clearTimeout(timer);
      resolve(JSON.parse(line) as {url: string; key: string});
    });
  });
}
