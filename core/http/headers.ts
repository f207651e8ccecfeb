/** Request headers that say something about the call, and response headers of an answer. */
import {createHash} from 'node:crypto';
import {CellError} from '../../shared/errors.ts';
import {isId} from '../../shared/ids.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import type {Contract} from '../../shared/wire/contract.ts';
import {traceOf} from '../../shared/wire/identify.ts';
import type {Answer} from '../api/services.ts';
import type {Call} from '../domain/actor.ts';

const keyForm = /^[\x20-\x7e]{1,256}$/;
const etagForm = /^"(0|[1-9][0-9]{0,15})"$/;
const fencingForm = /^([0-9a-f-]{36}):(0|[1-9][0-9]{0,15})$/;

/** The versions of an `If-Match` or `If-None-Match`; `any` for `*`. */
export function versionsOf(
  stated: string | null,
  header: string,
): readonly number[] | 'any' | null {
  if (stated === null) return null;
  if (stated.trim() === '*') return 'any';
  return stated.split(',').map((one) => {
    const version = etagForm.exec(one.trim())?.[1];
    if (version !== undefined) return Number(version);
    throw new CellError(
      'INVALID_FORMAT',
      `${header} is neither * nor a list of versions in quotes, such as "3"`,
    );
  });
}

/** Any entity tag of RFC 9110 §8.8.3. */
const anyTag = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * The versions of an `If-None-Match`, compared weakly: a proxy that compressed an answer has made its
 * tag weak, and a tag that is none of ours never matches.
 */
export function knownVersions(stated: string | null): readonly number[] | 'any' {
  if (stated === null) return [];
  if (stated.trim() === '*') return 'any';
  return stated.split(',').flatMap((one) => {
    const tag = one.trim();
    if (!anyTag.test(tag))
      throw new CellError('INVALID_FORMAT', 'If-None-Match is neither * nor a list of entity tags');
    const version = etagForm.exec(tag.replace(/^W\//, ''))?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

function fencingOf(stated: string | null): Call['fencing'] {
  if (stated === null) return null;
  const match = fencingForm.exec(stated);
  const lockId = match?.[1] ?? '';
  if (!isId(lockId))
    throw new CellError('INVALID_FORMAT', 'X-Fencing-Token is not of the form <lock_id>:<token>');
  return {lockId, token: Number(match?.[2])};
}

function positionIn(headers: Headers, name: string): number | null {
  const stated = headers.get(name);
  if (stated === null) return null;
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(stated)) {
    throw new CellError('INVALID_FORMAT', `${name} is not the position of an event`);
  }
  return Number(stated);
}

/** The event that a read must reflect; null where it asks for none. */
export const minPosition = (headers: Headers): number | null =>
  positionIn(headers, 'X-Min-Position');

/** The refusal of a read that asks for an event which is not there. */
export const notReached = (asked: number, position: number): CellError =>
  new CellError('INVALID_RANGE', `X-Min-Position ${asked} is above the last position ${position}`, {
    details: {position},
  });

function idempotencyKeyOf(stated: string | null): string | null {
  if (stated !== null && !keyForm.test(stated)) {
    throw new CellError(
      'INVALID_FORMAT',
      'Idempotency-Key is not 1 to 256 printable ASCII characters',
    );
  }
  return stated;
}

/** What the headers say about a call. `digest` is taken where the call has an idempotency key. */
export function callOf(headers: Headers, requestId: string, digest: () => string): Call {
  const idempotencyKey = idempotencyKeyOf(headers.get('idempotency-key'));
  return {
    requestId,
    trace: traceOf(headers),
    correlation: null,
    idempotencyKey,
    requestHash: idempotencyKey === null ? null : digest(),
    ifMatch: versionsOf(headers.get('if-match'), 'If-Match'),
    fencing: fencingOf(headers.get('x-fencing-token')),
    lastEventId: positionIn(headers, 'Last-Event-ID'),
  };
}

/**
 * SHA-256 of what a request asks: method, path, query and canonical body, so that JSON and
 * MessagePack of equal content are equal (`02-api` §2).
 */
export function requestDigest(method: string, url: URL, body: unknown): string {
  const parts = [method, url.pathname, url.search, canonicalize(body)];
  return createHash('sha256')
    .update(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''))
    .digest('hex');
}

/** The headers of an answer. */
export function answerHeaders(answer: Answer): Record<string, string> {
  const headers: Record<string, string> = {};
  if (answer.event) headers['CellState-Receipt'] = answer.event.id;
  if (answer.position !== undefined) headers['CellState-Position'] = String(answer.position);
  if (answer.version !== undefined) headers['ETag'] = `"${answer.version}"`;
  if (answer.location !== undefined) headers['Location'] = answer.location;
  if (answer.isReplayed === true) headers['X-Idempotency-Replay'] = 'true';
  if (answer.isDeduplicated === true) headers['CellState-Deduplicated'] = 'true';
  if ((answer.warnings?.length ?? 0) > 0)
    headers['CellState-Warnings'] = String(answer.warnings?.length);
  return headers;
}

/** Whether the caller asks for the receipt in the body (RFC 7240). */
export const prefersReceipt = (headers: Headers): boolean =>
  (headers.get('prefer') ?? '').split(/[,;]/).some((one) => one.trim() === 'receipt');

/** Whether a contract's success changes state, and so has a receipt. */
export const isMutating = (of: Contract): boolean =>
  of.method !== 'GET' && !of.may.endsWith(':read');
