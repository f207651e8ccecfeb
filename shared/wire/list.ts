/** What every list takes and answers. */
import {z} from 'zod';
import type {Resource, Fields} from './resource.ts';
import {intText, text, time, type Scalar} from './scalar.ts';

export const maxOffset = 100_000;
export const maxLimit = 1_000;
export const defaultLimit = 50;

/** Reads one text or several of the same name in a query as a list; several are ORed. */
export const anyOf = <T>(scalar: Scalar<T>) =>
  z
    .union([z.array(scalar.read), scalar.read.transform((value) => [value])])
    .optional()
    .meta({style: 'form'});

export const paging = {
  limit: intText(1, maxLimit).read.optional(),
  offset: intText(0, maxOffset).read.optional(),
  cursor: text(512).read.optional(),
  order: z.enum(['asc', 'desc', 'recent']).optional(),
};

export const pastReading = {
  as_of: time.read.optional(),
  as_of_position: intText().read.optional(),
};

export const listing = {
  ...paging,
  ...pastReading,
  created_after: time.read.optional(),
  created_before: time.read.optional(),
  include: text(200).read.optional(),
};

export type Paging = {
  limit?: number | undefined;
  offset?: number | undefined;
  cursor?: string | undefined;
  order?: 'asc' | 'desc' | 'recent' | undefined;
};

/** The answer of a list of one resource. */
export const listOf = (of: Resource<Fields> | {plural: string; shown: z.ZodType}) =>
  z.object({
    [of.plural]: z.array(of.shown),
    total: z.int(),
    total_is_capped: z.boolean(),
    next_cursor: z.string().nullable(),
  });
