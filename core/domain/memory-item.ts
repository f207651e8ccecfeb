/**
 * Rules that turns, artifacts and notes share: how far an item is trusted, how long what it says
 * holds, and what of it a reader gets to see.
 *
 * Trust only ever sinks: an item is worth no more than the least of what it was made from, nor than
 * the credential that wrote it. It is computed in `decide`, on the rows of the view, and written into
 * the event, so that later changes of a source do not move it.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import {sourceClass, type contentState, type ValueOf} from '../../shared/wire/enums.ts';
import type {Enrichment, ItemRef, ItemType} from '../../shared/wire/memory-item.ts';
import type {SourceClass} from './actor.ts';
import {byId, type Ref, type Refusal, type Row, type View} from './aggregate.ts';

export type ContentState = ValueOf<typeof contentState>;

/** What a use case says of the writer of an item. */
export type Writer = {
  /** Highest class that the credential may write: its `source_ceiling`, `user` where it has none. */
  readonly ceiling: SourceClass;
  /**
   * The class of the source, where role or extraction method do not tell it: a registered internal
   * tool, a message of another agent; `user` for a deterministic summariser, which adds no class.
   */
  readonly adds?: SourceClass | undefined;
};

/** Members that only reading can tell, because a container or an index decides them. */
export type Seen = {
  readonly contentState: ContentState;
  readonly quarantined: boolean;
  readonly enrichment: Enrichment;
};

// Listed from high to low.
const rankOf = (value: SourceClass): number => -sourceClass.values.indexOf(value);

/** The lower of two classes. */
export const lowerClass = (a: SourceClass, b: SourceClass): SourceClass =>
  rankOf(a) <= rankOf(b) ? a : b;

type Stated = {
  readonly sourceClass: SourceClass | null;
  readonly derivedFrom: readonly ItemRef[];
  readonly recalledFrom: readonly ItemRef[];
};

type Trusted = {readonly sourceClass: SourceClass; readonly trust: SourceClass};

/**
 * The class of a new item and its trust after lineage. Refuses a stated class above what its
 * source or the credential allows. `usual` is the class of the role or the extraction method.
 */
export function trustOf(
  of: Stated,
  writer: Writer,
  usual: SourceClass,
  lineage: readonly (Row<unknown> | null)[],
): Trusted | Refusal {
  const allowed = lowerClass(writer.adds ?? usual, writer.ceiling);
  const own = of.sourceClass ?? allowed;
  if (lowerClass(own, allowed) !== own) {
    return {refuse: 'FORBIDDEN', why: {reason: 'source_class', allowed}};
  }
  const least = lineage.reduce<SourceClass>(
    (low, row) => lowerClass(low, (row?.state as {trust?: SourceClass} | undefined)?.trust ?? low),
    own,
  );
  return {sourceClass: own, trust: least};
}

/** The rows that refs name, as the reference gate found them. */
export const itemsOf = (v: View, refs: readonly ItemRef[]): readonly (Row<unknown> | null)[] =>
  refs.map((ref) => v.row(ref.entity_type, ref.id));

/** Asks for the rows that refs name, one question for each type. */
export function refsOf(refs: readonly ItemRef[]): readonly Ref[] {
  const types = [...new Set(refs.map((ref) => ref.entity_type))];
  return types.map((type) =>
    byId(type, ...refs.filter((ref) => ref.entity_type === type).map(({id}) => id)),
  );
}

/** Refs of one type to ids. */
export const refsTo = (type: ItemType, ids: readonly (Id | null)[]): readonly ItemRef[] =>
  ids.flatMap((id) => (id === null ? [] : [{entity_type: type, id}]));

type Validity = {
  readonly validFrom: Micros | null;
  readonly validTo: Micros | null;
  readonly invalidBecause: string | null;
};

/** Refuses a validity that ends before it begins, or that gives a reason without an end. */
export function refuseValidity(of: Validity, createdAt: Micros): Refusal | null {
  if (of.validTo !== null && of.validTo <= (of.validFrom ?? createdAt)) {
    return {refuse: 'INVALID_RANGE', why: {field: 'valid_to'}};
  }
  if (of.invalidBecause !== null && of.validTo === null) {
    return {refuse: 'INVALID_INPUT', why: {field: 'invalid_because'}};
  }
  return null;
}

/** Whether a statement holds at a moment. */
export const isValidAt = (
  of: {readonly validFrom: Micros; readonly validTo: Micros | null},
  at: Micros,
): boolean => of.validFrom <= at && (of.validTo === null || of.validTo > at);

/** An item as a reader gets it: content that has ended is absent, and says so. */
export function asSeen<S extends {readonly content: string | null}>(
  state: S,
  seen: Partial<Seen> & Pick<Seen, 'contentState'>,
): S & Seen {
  const members: Seen = {
    quarantined: false,
    enrichment: {embedding: 'none', model_id: null},
    ...seen,
  };
  const hidden =
    'toolCalls' in state ? {content: null, toolCalls: null, toolResults: null} : {content: null};
  return {...state, ...(seen.contentState === 'present' ? {} : hidden), ...members};
}
