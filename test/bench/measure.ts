/**
 * Takes a row: floor, operation, floor, operation, … floor, and the ratio of each operation to the
 * two floors around it. What else the machine does meets both alike.
 */
import {figureOf, isMoreBetter, type AnyRow} from './row.ts';
import type {Sample} from './stats.ts';
import {spreadOf, type Spread} from './stats.ts';
import type {World} from './world.ts';

export type Verdict = 'goal' | 'pass' | 'fail' | 'inconclusive';

export type Result = {
  readonly id: string;
  readonly about: string;
  readonly unit: string;
  readonly floor: string | null;
  readonly value: readonly number[];
  readonly floor_value: readonly number[];
  /** Of the ratios, or of the figure itself where there is no floor. */
  readonly judged: Spread;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly besides: Readonly<Record<string, number>>;
  readonly must: number;
  readonly goal: number;
  readonly verdict: Verdict;
  readonly load_average: number;
};

/** A floor that wanders further than this between rounds says nothing about what stands on it. */
const steadyLimit = 2.5;

const finite = (values: readonly number[]): number | null => {
  const {median} = spreadOf(values);
  return Number.isFinite(median) ? median : null;
};

/** Takes one row in so many rounds. */
export async function measure(
  row: AnyRow,
  world: World,
  rounds: number,
  loadAverage: () => number,
): Promise<Result> {
  const state = await row.setup(world);
  const {floor} = row;
  const takeFloor = async (): Promise<number> =>
    floor === null ? Number.NaN : figureOf(row, await floor.once(state, world));
  const samples: Sample[] = [];
  const floors = [await takeFloor()];
  for (let round = 0; round < (row.isOnce === true ? 1 : rounds); round += 1) {
    samples.push(await row.once(state, world));
    floors.push(await takeFloor());
  }
  const value = samples.map((sample) => figureOf(row, sample));
  const around = (at: number): number => ((floors[at] ?? 0) + (floors[at + 1] ?? 0)) / 2;
  const judged = spreadOf(floor === null ? value : value.map((one, at) => one / around(at)));
  const of = (name: 'p50' | 'p95' | 'p99'): number | null =>
    finite(samples.map(({ms}) => ms[name]));
  return {
    id: row.id,
    about: row.about,
    unit: row.unit,
    floor: floor?.name ?? null,
    value,
    floor_value: floor === null ? [] : floors,
    judged,
    p50_ms: of('p50'),
    p95_ms: of('p95'),
    p99_ms: of('p99'),
    besides: samples.at(-1)?.besides ?? {},
    must: row.must,
    goal: row.goal,
    verdict: verdictOf(row, judged, floor === null ? [] : floors),
    load_average: loadAverage(),
  };
}

function verdictOf(row: AnyRow, {median, q1, q3}: Spread, floors: readonly number[]): Verdict {
  const {q1: low, q3: high} = spreadOf(floors);
  if (floors.length > 0 && high / low > steadyLimit) return 'inconclusive';
  const isMore = isMoreBetter(row);
  const reaches = (found: number, wanted: number): boolean =>
    isMore ? found >= wanted : found <= wanted;
  if (reaches(median, row.goal)) return 'goal';
  // Beyond *must* only when the nearer quartile is as well: half of a noisy machine's runs are slow.
  return reaches(median, row.must) || reaches(isMore ? q3 : q1, row.must) ? 'pass' : 'fail';
}
