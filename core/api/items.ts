/** What the writing of memory items has in common: measuring, identity, who writes, what is resolved. */
import type {Hex, Id} from '../../shared/ids.ts';
import {encodeUtf8, toHex} from '../../shared/ledger/bytes.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import type {Actor} from '../domain/actor.ts';
import type {Measured} from '../domain/kept-item.ts';
import type {Writer} from '../domain/memory-item.ts';
import {identityHash} from '../ledger/keys.ts';
import {recallRow} from '../ledger/memory.ts';
import {rowKey} from '../pipeline/view.ts';
import {prepare, type Prepared, type SearchKind} from '../text/index-row.ts';
import {claimKey} from '../text/claim.ts';
import {countTokens} from '../text/tokens.ts';
import {headOf} from './receipt.ts';
import type {Services} from './services.ts';

/** Hash, size and tokens of a content. */
export function measure({tools}: Services, content: string): Measured {
  const bytes = encodeUtf8(content);
  return {
    contentHash: toHex(tools.hashes.sha256(bytes)),
    sizeBytes: bytes.length,
    tokenCount: countTokens(content),
  };
}

/** Members of which the indexed text is made. */
const textMembers = ['content', 'title', 'name', 'mediaType', 'metadata'];

/**
 * The terms of an item, made before the lane is asked: a long text takes milliseconds. They travel on
 * the command beside its draft. What is not in memory is left to the lane, which then makes them.
 */
export function indexedOf(
  {laneOf}: Services,
  {tenantNo, agentId}: Actor,
  kind: SearchKind,
  change: object,
  id: Id | null = null,
): Prepared | undefined {
  const stateOf = (entity: string, of: Id | null): object | null => {
    if (of === null) return null;
    const row = recallRow(laneOf(tenantNo).memory, tenantNo, rowKey(entity, of));
    return (row?.state ?? null) as object | null;
  };
  const before = stateOf(kind, id);
  const isKnown = id === null || (before !== null && textMembers.some((one) => one in change));
  if (!isKnown) return undefined;
  const writer = stateOf('agent', agentId) as {name: string | null} | null;
  return prepare(kind, {...before, ...change}, writer?.name ?? null);
}

/** What the caller's credential lets it claim about its sources. */
export const writerOf = (actor: Actor): Writer => ({ceiling: actor.sourceCeiling});

/**
 * The key by which an equal create is known: everything a caller may state, after aliases, defaults
 * and spellings are resolved, the acting agent, and the content by its hash (`03-pipeline` §8.6).
 */
export async function identityOf(
  services: Services,
  actor: Actor,
  entity: string,
  draft: {readonly content: string | null; readonly contentHash: Hex},
): Promise<Hex> {
  const {salt} = await headOf(services, actor);
  const body = {...draft, content: null};
  const canonical = canonicalize([entity, body, actor.agentId]);
  return identityHash(services.tools.hashes, salt, canonical);
}

/** Ids that several references name; `field` is the member they stand in. */
export const resolveEach = (
  {reads}: Services,
  actor: Actor,
  entity: 'trajectory' | 'scope',
  references: readonly string[],
  field: string,
): Promise<Id[]> =>
  Promise.all(references.map((one) => reads.resolve(actor.tenantNo, entity, one, field)));

/** The id that a reference names; null for none. */
export const resolveOptional = async (
  {reads}: Services,
  actor: Actor,
  entity: 'trajectory' | 'scope',
  reference: string | null,
  field: string,
): Promise<Id | null> =>
  reference === null ? null : reads.resolve(actor.tenantNo, entity, reference, field);

/** External id of a trajectory or scope: the one stated, else that of an older client's metadata, when it fits. */
export function externalIdOf(
  stated: string | null,
  metadata: Readonly<Record<string, unknown>>,
  member: string,
): string | null {
  const named = metadata[member];
  const isUsable = typeof named === 'string' && named !== '' && Array.from(named).length <= 200;
  return stated ?? (isUsable ? named : null);
}

/** A claim's key in the one spelling in which keys are compared. */
export const withClaimKey = <T extends {readonly claimKey?: string | null | undefined}>(of: T): T =>
  typeof of.claimKey === 'string' ? {...of, claimKey: claimKey(of.claimKey)} : of;
