/** What a row of the table is: one operation, the floor beside it, and what it must reach. */
import type {Sample} from './stats.ts';
import type {World} from './world.ts';

export type Floor<S> = {
  readonly name: string;
  once(state: S, world: World): Promise<Sample>;
};

export type Row<S> = {
  readonly id: string;
  readonly about: string;
  /** rate: operations a second. p50: ms of one. value: the sample's own figure. */
  readonly measure: 'rate' | 'p50' | 'value';
  readonly unit: string;
  /** A size is looked at once; everything else as often as there are rounds. */
  readonly isOnce?: true;
  /** Null where the figure itself is judged. */
  readonly floor: Floor<S> | null;
  readonly must: number;
  readonly goal: number;
  setup(world: World): Promise<S>;
  once(state: S, world: World): Promise<Sample>;
};

/** A row whose state is its own business. */
export type AnyRow = Row<unknown>;

/** Lets the state of a row be of its own type, and of nobody's concern outside. */
export const rowOf = <S>(row: Row<S>): AnyRow => row as AnyRow;

/** The figure of a sample that its row is about. */
export function figureOf({measure}: Pick<AnyRow, 'measure'>, sample: Sample): number {
  if (measure === 'rate') return sample.perSecond;
  return measure === 'p50' ? sample.ms.p50 : (sample.value ?? Number.NaN);
}

/** A sample of a single figure. */
export const figure = (value: number, besides: Readonly<Record<string, number>> = {}): Sample => ({
  perSecond: Number.NaN,
  ms: {p50: Number.NaN, p95: Number.NaN, p99: Number.NaN},
  count: 1,
  value,
  besides,
});

/** More of a rate is better, less of everything else, but for the verifier's events a second. */
export const isMoreBetter = ({measure, unit}: Pick<AnyRow, 'measure' | 'unit'>): boolean =>
  measure === 'rate' || unit === '1/s';
