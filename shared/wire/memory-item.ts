/**
 * What turns, artifacts and notes have in common: where a statement comes from and how far it is
 * trusted (group M), and its content with what is known about it (group C).
 */
import {z} from 'zod';
import type {Id} from '../ids.ts';
import {contentState, entityType, extractionMethod, sourceClass, type ValueOf} from './enums.ts';
import {refuse} from './issues.ts';
import {defaulted, optional, server} from './resource.ts';
import {
  body,
  bool,
  hash,
  id,
  int,
  list,
  parseTime,
  text,
  time,
  unit,
  type Scalar,
} from './scalar.ts';

/** Entities that may stand in a lineage. Those that come later are added here with their tables. */
export const itemTypes = ['turn', 'artifact', 'note'] as const;
export type ItemType = (typeof itemTypes)[number];
export type ItemRef = {readonly entity_type: ItemType; readonly id: Id};

/** Names one memory item. */
export const itemRef: Scalar<ItemRef> = {
  read: z.strictObject({
    entity_type: entityType.read.superRefine((value, context) => {
      if ((itemTypes as readonly string[]).includes(value)) return;
      refuse(context, 'INVALID_INPUT', `is none of ${itemTypes.join(', ')}`);
    }),
    id: id.read,
  }) as unknown as z.ZodType<ItemRef>,
  shown: z.object({entity_type: z.enum(itemTypes), id: id.shown}),
};

/** State of the optional index over meanings; it is rebuilt at will and is no part of the ledger. */
export type Enrichment = {
  readonly embedding: 'none' | 'pending' | 'ready' | 'failed';
  readonly model_id: string | null;
};

const enrichment: Scalar<Enrichment> = {
  read: z.never(),
  shown: z.object({
    embedding: z.enum(['none', 'pending', 'ready', 'failed']),
    model_id: z.string().nullable(),
  }),
};

/** Group M. */
export const memoryFields = {
  source_class: optional(sourceClass),
  trust: server(sourceClass),
  recalled: defaulted(bool, false),
  recalled_from: defaulted(list(itemRef, 32), []),
  derived_from: defaulted(list(itemRef, 256), []),
  subject: optional(text(256)),
  valid_from: optional(time, 'patch'),
  valid_to: optional(time, 'patch'),
  invalid_because: optional(text(500), 'patch'),
  quarantined: server(bool),
};

/** Group C, but for the content itself and its token count, whose rules differ. */
export const contentFields = {
  content_hash: server(hash),
  content_state: server(contentState),
  size_bytes: server(int()),
  enrichment: server(enrichment),
};

/** A content of at most `limit` bytes, not empty, kept byte for byte. */
export const contentBody = (limit: number): Scalar<string> => ({
  read: body(limit).read.superRefine((value, context) => {
    if (value === '') refuse(context, 'INVALID_RANGE', 'is empty');
  }),
  shown: z.string(),
  isBody: true,
});

type Sent = Readonly<Record<string, unknown>>;

/** Rules between members of a create that need nothing but the request. */
export function checkValidity(value: Sent, context: z.RefinementCtx): void {
  const {valid_from: from, valid_to: to, invalid_because: because} = value;
  if (typeof from === 'number' && typeof to === 'number' && to <= from) {
    refuse(context, 'INVALID_RANGE', 'is not after valid_from', ['valid_to']);
  }
  if (typeof because === 'string' && typeof to !== 'number') {
    refuse(context, 'INVALID_INPUT', 'is allowed only with valid_to', ['invalid_because']);
  }
}

/** What besides the ledger's moment a read of memory may choose. */
export const validReading = {valid_at: time.read.optional()};

export type Evidence =
  | {type: 'doc_chunk'; doc_id: string; chunk_id: string; offset: number; length: number}
  | {type: 'event'; event_id: Id}
  | {type: 'tool_result'; tool_execution_id: Id; result_index: number}
  | {type: 'url'; url: string; accessed_at: string; hash: string | null}
  | {type: 'artifact'; artifact_id: Id}
  | {type: 'note'; note_id: Id}
  | {type: 'turn'; turn_id: Id}
  | {type: 'manual'; user_id: string | null; description: string};

const optionalText = (limit: number) =>
  text(limit)
    .read.nullish()
    .transform((value) => value ?? null);

/** A time that is kept as it was sent: it is some reader's clock, not the ledger's. */
const timeText = text(40).read.superRefine((value, context) => {
  if (parseTime(value) === null) refuse(context, 'INVALID_FORMAT', 'is not an RFC 3339 time');
});

const evidenceForms = {
  doc_chunk: {
    doc_id: text(200).read,
    chunk_id: text(200).read,
    offset: int().read,
    length: int().read,
  },
  event: {event_id: id.read},
  tool_result: {tool_execution_id: id.read, result_index: int().read},
  url: {url: text(2_048).read, accessed_at: timeText, hash: optionalText(128)},
  artifact: {artifact_id: id.read},
  note: {note_id: id.read},
  turn: {turn_id: id.read},
  manual: {user_id: optionalText(400), description: text(2_000).read},
} as const;

const form = <const T extends keyof typeof evidenceForms>(type: T) =>
  z.strictObject({type: z.literal(type), ...evidenceForms[type]});

const evidence: Scalar<Evidence> = {
  read: z.discriminatedUnion('type', [
    form('doc_chunk'),
    form('event'),
    form('tool_result'),
    form('url'),
    form('artifact'),
    form('note'),
    form('turn'),
    form('manual'),
  ]) as unknown as z.ZodType<Evidence>,
  shown: z.object({type: z.string()}).loose(),
};

/** Where an extracted output was found. Members keep their wire spelling inside, as all values do. */
export type Provenance = {
  /** A sequence of the scope; none when not above 0. */
  readonly source_turn: number;
  readonly source_turn_id: Id | null;
  readonly extraction_method: ValueOf<typeof extractionMethod>;
  readonly confidence: number | null;
  readonly evidence_refs: readonly Evidence[];
};

const sequence = int(Number.MIN_SAFE_INTEGER).read;
// The original sent −1 and below for "none"; all of them are kept as 0.
const sourceTurn = sequence.transform((value) => Math.max(0, value));
const confidence = unit.read.nullish().transform((value) => value ?? null);

export const provenance: Scalar<Provenance> = {
  read: z.strictObject({
    source_turn: sourceTurn,
    source_turn_id: id.read.nullish().transform((value) => value ?? null),
    extraction_method: extractionMethod.read,
    confidence,
    evidence_refs: list(evidence, 32).read.default([]),
  }) as unknown as z.ZodType<Provenance>,
  shown: z.object({
    source_turn: z.int(),
    source_turn_id: z.string().nullable(),
    extraction_method: extractionMethod.shown,
    confidence: z.number().nullable(),
    evidence_refs: z.array(evidence.shown),
  }),
  print: (value) => ({
    ...value,
    extraction_method: extractionMethod.print?.(value.extraction_method),
  }),
};

/** The flat members that older clients send in place of `provenance`. */
export const flatProvenance = {
  source_turn: sourceTurn.optional().meta({deprecated: true}),
  extraction_method: extractionMethod.read.optional().meta({deprecated: true}),
  confidence: unit.read.nullish().meta({deprecated: true}),
};

/** Demands a provenance in exactly one of its two spellings. */
export function checkProvenance(value: Sent, context: z.RefinementCtx): void {
  const {provenance: whole, source_turn: turn, extraction_method: method, confidence: sure} = value;
  const isFlat = turn !== undefined || method !== undefined || (sure ?? null) !== null;
  if (whole !== undefined && isFlat) {
    refuse(context, 'INVALID_INPUT', 'is stated twice, whole and flat', ['provenance']);
  }
  if (whole !== undefined) return;
  if (!isFlat) refuse(context, 'MISSING_FIELD', 'is required', ['provenance']);
  else if (method === undefined) {
    refuse(context, 'MISSING_FIELD', 'is required', ['extraction_method']);
  } else if (turn === undefined) refuse(context, 'MISSING_FIELD', 'is required', ['source_turn']);
}

/** The provenance that a create states, in whichever spelling. */
export function provenanceOf(input: {
  readonly provenance?: unknown;
  readonly sourceTurn?: unknown;
  readonly extractionMethod?: unknown;
  readonly confidence?: unknown;
}): Provenance {
  if (input.provenance !== undefined) return input.provenance as Provenance;
  return {
    source_turn: input.sourceTurn as number,
    source_turn_id: null,
    extraction_method: input.extractionMethod as Provenance['extraction_method'],
    confidence: (input.confidence ?? null) as number | null,
    evidence_refs: [],
  };
}
