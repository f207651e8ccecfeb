/**
 * The client's types, read off the contracts: what a call takes, and how `client.<group>.<verb>` is
 * named.
 *
 * A contract's own input is what the product works with, after reading; on the wire the names are
 * snake_case and the values are JSON. Which members a call must state is the server's to say.
 */
import type {z} from 'zod';
import type {Contracts} from '../wire/all.ts';

type Snake<S extends string> = S extends `${infer C}${infer Rest}`
  ? `${C extends Lowercase<C> ? C : `_${Lowercase<C>}`}${Snake<Rest>}`
  : S;

/** A value as it is sent: a time is text, and of a list in a query one value may stand alone. */
type Sent<T> = T extends number
  ? number | string
  : T extends string
    ? string
    : T extends readonly (infer E)[]
      ? readonly unknown[] | (E extends number | string ? number | string : never)
      : T extends object
        ? object | string
        : T;

/** The members that a call may state, in the names of the wire. */
export type Input<I> = {
  readonly [K in keyof I & string as Snake<K>]?: Sent<I[K]> | null | undefined;
};

type InputOf<C> = C extends {readonly input: z.ZodType<infer I>} ? Input<I> : never;
type OutputOf<C> = C extends {readonly output: z.ZodType<infer O>} ? O : never;

export type CallOptions = {
  /** Made where none is given; the same key twice is one change. */
  readonly idempotencyKey?: string | undefined;
  /** The version that the entity must still have. */
  readonly ifMatch?: number | undefined;
  /** Asks for the receipt in the answer, as `_receipt`. */
  readonly receipt?: boolean | undefined;
  /** The agent that acts; a key that is bound to one need not say so. */
  readonly agentId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type Reply<O> = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: O;
};

/** An answer to be awaited or, where it is a list, walked through item by item over all its pages. */
export type Answer<O> = Promise<O> & AsyncIterable<Readonly<Record<string, unknown>>>;

export type Operation<C> = (input?: InputOf<C>, options?: CallOptions) => Answer<OutputOf<C>>;

type FirstWord<S extends string, Done extends string = ''> = S extends `${infer C}${infer Rest}`
  ? C extends Lowercase<C>
    ? FirstWord<Rest, `${Done}${C}`>
    : Done
  : Done;
type After<S extends string, G extends string> = S extends `${G}${infer Rest}` ? Rest : '';

/**
 * The words up to the first plural, of two at most: `trajectories` + `listScopes`, `apiKeys` +
 * `create`; the first word where there is none, or where nothing would be left: `batch` + `notes`.
 */
type GroupOf<Name extends string> = Name extends string ? Grouped<Name, FirstWord<Name>> : never;
type Grouped<Name extends string, First extends string> = First extends `${string}s`
  ? First
  : After<Name, First> extends `${infer Initial}${infer Rest}`
    ? FirstWord<Rest> extends `${infer Second}s`
      ? After<Rest, `${Second}s`> extends ''
        ? First
        : `${First}${Initial}${Second}s`
      : First
    : First;

type Names = {
  [K in keyof Contracts]: Contracts[K] extends {readonly limitBytes: number} ? K : never;
}[keyof Contracts];

/** Every operation of the contracts, as `<group>.<verb>`. */
export type Operations = {
  readonly [G in GroupOf<Names>]: {
    readonly [K in Names as GroupOf<K> extends G ? Uncapitalize<After<K, G>> : never]: Operation<
      Contracts[K]
    >;
  };
};

/** The group and the verb of a contract's id: the same rule as the types above. */
export function placeOfId(id: string): readonly [group: string, verb: string] {
  const words = id.split('_');
  const isSecondPlural = words[1]?.endsWith('s') === true && words.length > 2;
  const count = words[0]?.endsWith('s') !== true && isSecondPlural ? 2 : 1;
  return [camelOf(words.slice(0, count)), camelOf(words.slice(count))];
}

const camelOf = (words: readonly string[]): string =>
  words
    .map((word, at) => (at === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1)))
    .join('');
