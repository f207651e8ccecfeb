/**
 * An API key: a credential of a program, bound to a tenant and perhaps to one agent.
 *
 * Only the keyed hash of its text is kept. Gate 3 reads the row from the lane's view, so a key that
 * was revoked one leaf earlier in the same batch no longer writes.
 */
import type {Hex, Id, Micros} from '../../shared/ids.ts';
import type {ApiKeyDraft, ApiKeyState} from '../../shared/wire/api-keys.ts';
import {by, byId, conflict, type Aggregate} from './aggregate.ts';

export type ApiKey = ApiKeyState & {
  readonly keyHash: Hex;
  /** The end of a rotated key's grace; null otherwise. */
  readonly graceUntil: Micros | null;
  /** The name while the key is live: two live keys may not share one. */
  readonly liveName: string | null;
};

type Made = ApiKeyDraft & {keyPrefix: string; keyHash: Hex};
type Change = Partial<Pick<ApiKey, 'name' | 'scopes' | 'sourceCeiling' | 'expiresAt' | 'metadata'>>;

export type ApiKeyCommand =
  | {type: 'api_key.create'; id: Id; draft: Made}
  | {type: 'api_key.update'; id: Id; set: Change}
  | {
      type: 'api_key.rotate';
      id: Id;
      successor: Id;
      made: {keyPrefix: string; keyHash: Hex};
      graceSeconds: number;
    }
  | {type: 'api_key.revoke'; id: Id; reason: string | null}
  | {type: 'api_key.expire'; id: Id};

export type ApiKeyEvent =
  | {kind: 'api_key.created'; data: Made}
  | {kind: 'api_key.updated'; data: Change}
  | {kind: 'api_key.rotated'; data: {rotatedTo: Id; graceUntil: Micros | null}}
  | {kind: 'api_key.revoked'; data: {reason: string | null}}
  | {kind: 'api_key.expired'; data: Record<string, never>};

/** Tells whether a key works at a moment. */
export function isUsable(key: ApiKey, at: Micros): boolean {
  if (key.expiresAt !== null && key.expiresAt <= at) return false;
  if (key.status === 'active') return true;
  return key.status === 'rotating' && key.graceUntil !== null && key.graceUntil > at;
}

export const apiKey: Aggregate<ApiKeyCommand, ApiKeyEvent, ApiKey> = {
  name: 'api_key',
  columns: ['name', 'status', 'keyHash', 'liveName', 'agentId', 'expiresAt'],
  content: [],
  missing: 'API_KEY_NOT_FOUND',
  unique: ['liveName'],
  needs: (c) =>
    c.type === 'api_key.create'
      ? [byId('agent', c.draft.agentId), by('api_key', 'liveName', c.draft.name)]
      : c.type === 'api_key.update' && c.set.name !== undefined
        ? [by('api_key', 'liveName', c.set.name)]
        : [],
  decide(c, s, v) {
    if (c.type === 'api_key.create') return {events: [{kind: 'api_key.created', data: c.draft}]};
    if (s === null) return {refuse: 'API_KEY_NOT_FOUND'};
    switch (c.type) {
      case 'api_key.update':
        if (!isUsable(s, v.at)) return conflict(s.status, 'updated');
        return {events: [{kind: 'api_key.updated', data: c.set}]};
      case 'api_key.rotate': {
        if (s.status !== 'active' || !isUsable(s, v.at)) return conflict(s.status, 'rotating');
        const graceUntil = c.graceSeconds === 0 ? null : v.at + c.graceSeconds * 1_000_000;
        const {name, scopes, agentId, sourceCeiling, expiresAt, metadata} = s;
        const draft = {name, scopes, agentId, sourceCeiling, expiresAt, metadata, ...c.made};
        return {
          events: [{kind: 'api_key.rotated', data: {rotatedTo: c.successor, graceUntil}}],
          then: [{type: 'api_key.create', id: c.successor, draft} as ApiKeyCommand],
        };
      }
      case 'api_key.revoke':
        if (s.status === 'expired') return conflict(s.status, 'revoked');
        // A second revoke is no conflict: the caller's wish holds already.
        return s.status === 'revoked'
          ? {events: []}
          : {events: [{kind: 'api_key.revoked', data: {reason: c.reason}}]};
      case 'api_key.expire':
        if (s.status !== 'active' && s.status !== 'rotating') return conflict(s.status, 'expired');
        return {events: [{kind: 'api_key.expired', data: {}}]};
    }
  },
  evolve(s, e) {
    if (e.kind === 'api_key.created') {
      return {
        ...e.data,
        status: 'active',
        rotatedTo: null,
        lastUsedAt: null,
        graceUntil: null,
        liveName: e.data.name,
      };
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'api_key.updated':
        return {...s, ...e.data, liveName: s.liveName === null ? null : (e.data.name ?? s.name)};
      case 'api_key.rotated': {
        const status = e.data.graceUntil === null ? 'revoked' : 'rotating';
        return {...s, ...e.data, status, liveName: null};
      }
      case 'api_key.revoked':
        return {...s, status: 'revoked', liveName: null};
      case 'api_key.expired':
        return {...s, status: 'expired', liveName: null};
      default:
        return s;
    }
  },
};
