/**
 * How long an artifact, a note or a working-set entry lives.
 *
 * Inside, a named lifetime is its snake_case value and the two with a number keep their wire
 * spelling, `{Duration: ms}` and `{Max: n}`. What each one means is decided in `core/domain/ttl.ts`.
 */
import {z} from 'zod';
import {refuse} from './issues.ts';
import {int, type Scalar} from './scalar.ts';

const names = ['persistent', 'session', 'scope', 'short_term', 'medium_term', 'long_term'] as const;

export type TtlName = (typeof names)[number];
export type Ttl = TtlName | {readonly Duration: number} | {readonly Max: number};

const leastDurationMs = 1_000;
/** Ten years of 365 days. */
const mostDurationMs = 315_360_000_000;
const mostItems = 10_000;

const shownNames = ['Persistent', 'Session', 'Scope', 'ShortTerm', 'MediumTerm', 'LongTerm'];
const aliases: Readonly<Record<string, TtlName>> = {permanent: 'persistent', ephemeral: 'scope'};
const folded = (text: string): string => text.toLowerCase().replaceAll(/[_\-\s]/g, '');

/** The named lifetime that a text spells, in any of its accepted spellings. */
export const parseTtlName = (text: string): TtlName | null =>
  names.find((name) => folded(name) === folded(text)) ?? aliases[folded(text)] ?? null;

const named = z
  .string()
  .transform((text, context) => {
    const value = parseTtlName(text);
    if (value !== null) return value;
    refuse(
      context,
      'INVALID_INPUT',
      `is none of ${shownNames.join(', ')}, {"Duration": ms}, {"Max": n}`,
    );
    return z.NEVER;
  })
  .meta({enum: shownNames});

const duration = int(leastDurationMs, mostDurationMs).read;
const most = int(1, mostItems).read;

export const ttl: Scalar<Ttl> = {
  read: z.union([
    named,
    z.strictObject({Duration: duration}),
    z.strictObject({Max: most}),
    z.strictObject({duration}).transform((value) => ({Duration: value.duration})),
    z.strictObject({max: most}).transform((value) => ({Max: value.max})),
  ]) as unknown as z.ZodType<Ttl>,
  shown: z.union([z.enum(shownNames), z.object({Duration: z.int()}), z.object({Max: z.int()})]),
  print: (value) => (typeof value === 'string' ? shownNames[names.indexOf(value)] : value),
};
