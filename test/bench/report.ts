/** The results as a table for people and as a file for the next run. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {loadSettings} from './core-process.ts';
import {commit, type machineOf} from './machine.ts';
import type {Result} from './measure.ts';
import {spreadOf} from './stats.ts';

/** As many digits as say something. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1_000) return String(Math.round(value));
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

const columns = [
  'row',
  'what',
  'value',
  'floor',
  'ratio',
  'q1–q3',
  'must',
  'goal',
  'verdict',
  'load',
];

/** One line of the table. */
function lineOf(result: Result): string[] {
  const {about, floor, floor_value: floors, goal, id, judged, must, unit, value, verdict} = result;
  const median = spreadOf(value).median;
  return [
    id,
    about,
    `${shown(median)} ${unit}`,
    floor === null ? '–' : `${floor} ${shown(spreadOf(floors).median)}`,
    floor === null ? '–' : shown(judged.median),
    `${shown(judged.q1)}–${shown(judged.q3)}`,
    shown(must),
    shown(goal),
    verdict,
    shown(result.load_average),
  ];
}

/** A table with columns as wide as they must be. */
export function tableOf(results: readonly Result[]): string {
  const lines = [columns, ...results.map(lineOf)];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const print = (line: readonly string[]): string =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return lines.map(print).join('\n');
}

/** What stands beside a figure: its percentiles and its parts. */
export function besidesOf({besides, id, p50_ms: p50, p95_ms: p95, p99_ms: p99}: Result): string {
  const parts = Object.entries({p50_ms: p50, p95_ms: p95, p99_ms: p99, ...besides});
  const told = parts.flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${shown(value)}`],
  );
  return `${id}: ${told.join(' · ')}`;
}

/** The sentence that every table says: how what was measured differs from what is shipped. */
export const settingsSentence = `Raised for load: ${Object.entries(loadSettings)
  .map(([name, value]) => `${name}=${value}`)
  .join(
    ', ',
  )}. Every write is inside eleven gates, hashed, provable, projected and indexed when it is answered.`;

type Run = {readonly rounds: number; readonly seed: number; readonly isQuick: boolean};

export type Report = {
  readonly machine: ReturnType<typeof machineOf>;
  readonly results: readonly Result[];
};

/** Writes the results as a file of its own; answers its name. */
export function writeResults(run: Run, {machine, results}: Report): string {
  const folder = join(import.meta.dirname, 'results', 'own');
  mkdirSync(folder, {recursive: true});
  const date = new Date().toISOString();
  const file = join(folder, `${date.slice(0, 19).replaceAll(':', '')}-${commit()}.json`);
  const {isQuick, rounds, seed} = run;
  const whole = {
    suite: 'own',
    date,
    commit: commit(),
    rounds,
    seed,
    is_quick: isQuick,
    settings: loadSettings,
    machine,
    rows: results,
  };
  writeFileSync(file, `${JSON.stringify(whole, null, 1)}\n`);
  return file;
}
