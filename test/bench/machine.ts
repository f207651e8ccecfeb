/** The machine that was measured on, for whoever reads the figures later. */
import {closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync} from 'node:fs';
import {execFileSync} from 'node:child_process';
import {cpus, loadavg, platform, release, tmpdir, totalmem} from 'node:os';
import {join} from 'node:path';
import {percentilesOf} from './stats.ts';

const gigabyte = 1024 ** 3;
const fsyncCount = 200;

/** The least load that a machine of our own would have shows what others take of it. */
export const loadAverage = (): number => loadavg()[0] ?? 0;

/** Median time of a write of 4 KB that waits for the disk. */
function fsyncMicros(): number {
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-fsync-'));
  const file = openSync(join(folder, 'file'), 'w');
  const block = new Uint8Array(4_096);
  const micros = Array.from({length: fsyncCount}, () => {
    const began = performance.now();
    writeSync(file, block, 0, block.length, 0);
    fsyncSync(file);
    return (performance.now() - began) * 1_000;
  });
  closeSync(file);
  rmSync(folder, {recursive: true, force: true});
  return Math.round(percentilesOf(micros).p50);
}

export const commit = (): string => {
  const git = (...words: string[]): string =>
    execFileSync('git', words, {cwd: import.meta.dirname, encoding: 'utf8'}).trim();
  return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
};

export const machineOf = (postgres: string) => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  mem_gb: Math.round(totalmem() / gigabyte),
  os: `${platform()} ${release()}`,
  bun: Bun.version,
  postgres,
  fsync_us_p50: fsyncMicros(),
  load_average_before: loadAverage(),
});
