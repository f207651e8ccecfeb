/**
 * The enumerations, each in one line: its values as the database keeps them, how the wire spells
 * them, and which other spellings are accepted.
 *
 * Input is matched after lower-casing and removing `_`, `-` and spaces, so that the spellings of
 * older clients parse; output has one spelling.
 */
import {z} from 'zod';
import {refuse} from './issues.ts';
import type {Scalar} from './scalar.ts';

export type Enumeration<T extends string> = Scalar<T> & {
  readonly values: readonly T[];
  parse(text: string): T | null;
};

export type ValueOf<E> = E extends Enumeration<infer T> ? T : never;

const folded = (text: string): string => text.toLowerCase().replaceAll(/[_\-\s]/g, '');
const pascal = (value: string): string =>
  value
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');

function enumeration<const T extends string>(
  spelling: 'pascal' | 'snake',
  values: readonly T[],
  aliases: Readonly<Record<string, NoInfer<T>>> = {},
): Enumeration<T> {
  const print = (value: T): string => (spelling === 'pascal' ? pascal(value) : value);
  const known = new Map<string, T>(
    Object.entries(aliases).map(([alias, value]) => [folded(alias), value]),
  );
  for (const value of values) known.set(folded(value), value);
  const parse = (text: string): T | null => known.get(folded(text)) ?? null;
  const shown = values.map(print);
  return {
    values,
    parse,
    print,
    read: z
      .string()
      .transform((text, context) => {
        const value = parse(text);
        if (value !== null) return value;
        refuse(context, 'INVALID_INPUT', `is none of ${shown.join(', ')}`);
        return z.NEVER;
      })
      .meta({enum: shown}),
    shown: z.enum(shown),
  };
}

export const tenantStatus = enumeration('snake', ['active', 'suspended', 'archived']);
export const apiKeyStatus = enumeration('snake', ['active', 'rotating', 'revoked', 'expired']);
export const agentStatus = enumeration('pascal', [
  'idle',
  'active',
  'blocked',
  'failed',
  'offline',
]);
export const trajectoryStatus = enumeration(
  'snake',
  ['active', 'completed', 'failed', 'suspended'],
  {
    complete: 'completed',
    failure: 'failed',
  },
);
export const outcomeStatus = enumeration('pascal', ['success', 'partial', 'failure']);
export const turnRole = enumeration('pascal', ['user', 'assistant', 'system', 'tool']);
export const artifactType = enumeration('pascal', [
  'error_log',
  'code_patch',
  'design_decision',
  'user_preference',
  'fact',
  'constraint',
  'tool_result',
  'intermediate_output',
  'custom',
  'code',
  'document',
  'data',
  'model',
  'config',
  'log',
  'summary',
  'decision',
  'plan',
]);
export const extractionMethod = enumeration('pascal', [
  'explicit',
  'inferred',
  'user_provided',
  'llm_extraction',
  'tool_extraction',
  'memory_recall',
  'external_api',
  'unknown',
]);
export const noteType = enumeration('pascal', [
  'convention',
  'strategy',
  'gotcha',
  'fact',
  'preference',
  'relationship',
  'procedure',
  'meta',
  'insight',
  'correction',
  'summary',
  'observation',
  'decision',
  'lesson',
  'question',
  'hypothesis',
  'principle',
  'reference',
  'context',
]);
export const abstractionLevel = enumeration('pascal', ['raw', 'summary', 'principle'], {
  l0: 'raw',
  l1: 'summary',
  l2: 'principle',
});
export const memoryType = enumeration('snake', ['turn', 'artifact', 'note', 'working_set', 'all'], {
  '*': 'all',
});
export const permissionScope = enumeration('pascal', ['own', 'team', 'global'], {tenant: 'global'});
export const sourceClass = enumeration('snake', [
  'user',
  'tool_internal',
  'inference',
  'other_agent',
  'tool_external',
]);
export const contentState = enumeration('snake', [
  'present',
  'released',
  'expired',
  'deleted',
  'erased',
]);
export const entityType = enumeration('snake', [
  'tenant',
  'member',
  'api_key',
  'agent',
  'trajectory',
  'scope',
  'scope_checkpoint',
  'turn',
  'artifact',
  'note',
  'edge',
  'conflict',
  'region',
  'lock',
  'message',
  'delegation',
  'handoff',
  'goal',
  'plan',
  'step',
  'action',
  'belief',
  'observation',
  'learning',
  'summarization_policy',
  'summarization_request',
  'working_set_entry',
  'tool_execution',
  'oauth_token',
  'memory_commit',
  'pack_config',
  'deployment',
  'evolution_snapshot',
  'webhook',
  'provider',
  'model',
  'agent_checkpoint',
  'intent',
  'context_receipt',
  'erasure',
  'a2a_task',
  'agui_run',
  'a2ui_surface',
]);
export const contradictionStrategy = enumeration('snake', [
  'last_write_wins',
  'highest_confidence',
  'escalate',
  'none',
]);
/** What a caller may choose by hand; the first four of `contradictionStrategy` are automatic. */
export const resolutionStrategy = enumeration('snake', [
  'last_write_wins',
  'first_write_wins',
  'highest_confidence',
  'merge',
  'escalate',
  'reject_both',
  'none',
]);
export const conflictType = enumeration('snake', [
  'concurrent_write',
  'contradicting_fact',
  'incompatible_decision',
  'resource_contention',
  'goal_conflict',
]);
export const conflictStatus = enumeration('snake', [
  'detected',
  'resolving',
  'resolved',
  'escalated',
]);
export const regionType = enumeration('snake', ['private', 'team', 'public', 'collaborative']);
export const lockMode = enumeration('snake', ['exclusive', 'shared']);
export const lockStatus = enumeration('snake', ['held', 'released', 'expired']);
export const autonomyLevel = enumeration('snake', [
  'operator',
  'collaborator',
  'consultant',
  'approver',
  'observer',
]);
