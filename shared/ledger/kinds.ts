/**
 * Every kind of event: its name in code and on the wire, its code in the hashed header.
 *
 * A row names a family's first code and its verbs in the order of their codes; `-` keeps a code
 * that is reserved and never written. Codes are never reused, so rows only grow at their end. An
 * unknown kind is refused at append and by the verifier.
 */
import {FormatRefusal} from './refusal.ts';

const families = [
  [0x0001, 'system', 'started stopped - config_changed tenant_purged'],
  [0x0101, 'tenant', 'created updated suspended activated archived settings_changed'],
  [0x0201, 'member', 'invited joined updated suspended reinstated removed'],
  [0x0301, 'api_key', 'created updated rotated revoked expired'],
  [0x0401, 'mutation', 'denied'],
  [0x0402, 'subject', 'erased'],
  [0x0405, 'log', 'shard_opened'],
  [0x0407, 'item', 'quarantined released'],
  [0x0409, 'tenant', 'exported imported'],
  [0x040b, 'subject', 'erasure_completed'],
  [0x0501, 'webhook', 'created updated secret_rotated disabled enabled deleted'],
  [0x0601, 'model', 'registered updated retired'],
  [0x0604, 'provider', 'registered updated removed'],
  [0x0607, 'embedding_space', 'opened promoted retired'],
  [0x0701, 'oauth_token', 'stored refreshed refresh_failed expired revoked'],
  [
    0x1001,
    'trajectory',
    'created updated completed failed suspended resumed deleted forked merged',
  ],
  [0x2001, 'scope', 'created updated closed checkpointed restored'],
  [0x3001, 'artifact', 'created updated superseded deleted promoted expired'],
  [0x4001, 'note', 'created updated superseded deleted - expired'],
  [0x4101, 'summarization_policy', 'created updated deleted'],
  [0x4111, 'summarization', 'requested completed failed skipped'],
  [0x5001, 'turn', 'created rewound'],
  [0x5101, 'memory_commit', 'recorded'],
  [0x5201, 'context', 'assembled'],
  [0x6001, 'agent', 'registered updated unregistered status_changed killed revived deliberated'],
  [0x6101, 'belief', 'created updated superseded retracted'],
  [0x6201, 'goal', 'created updated activated achieved failed abandoned suspended resumed'],
  [0x6301, 'plan', 'created updated ready started completed failed abandoned'],
  [0x6311, 'step', 'started completed failed skipped blocked unblocked'],
  [0x6401, 'action', 'created started completed failed retrying cancelled'],
  [0x6501, 'observation', 'recorded'],
  [0x6502, 'learning', 'recorded'],
  [0x6601, 'agent_checkpoint', 'saved writes_appended deleted'],
  [0x6701, 'working_set', 'put deleted expired cleared'],
  [0x6801, 'intent', 'created updated retired'],
  [0x6901, 'sync_pulse', 'emitted reconciled'],
  [0x7001, 'lock', 'acquired extended released expired -'],
  [0x7101, 'region', 'created updated deleted'],
  [0x8001, 'message', 'sent delivered acknowledged expired'],
  [0x9001, 'delegation', 'created accepted rejected started completed failed progressed'],
  [0xa001, 'handoff', 'created accepted rejected completed'],
  [0xa101, 'a2a_task', 'created status_changed artifact_added message_added push_set push_deleted'],
  [0xa201, 'agui_run', 'started finished failed interrupted'],
  [0xa301, 'a2ui_surface', 'created updated deleted action_received'],
  [0xb001, 'edge', 'created updated deleted'],
  [0xb101, 'conflict', 'detected resolving resolved escalated'],
  [0xc001, 'evolution', 'snapshot_created phase_changed'],
  [0xc101, 'pack_config', 'created deployed archived'],
  [0xc201, 'deployment', 'created activated rolled_back failed rollout_changed'],
  [0xd001, 'effect', 'error retry compensate ack backpressure cancel conflict'],
  [0xd101, 'tool', 'started succeeded failed timed_out denied cancelled recorded'],
] as const;

/** Families whose events are versions of an entity of another name, or of none. */
const otherEntities = {
  system: null,
  mutation: null,
  subject: 'erasure',
  log: null,
  item: null,
  summarization: 'summarization_request',
  context: 'context_receipt',
  working_set: 'working_set_entry',
  evolution: 'evolution_snapshot',
  effect: null,
  tool: 'tool_execution',
} as const;

type Words<S extends string> = S extends `${infer Head} ${infer Rest}` ? Head | Words<Rest> : S;
type Named<F> = F extends readonly [number, infer O extends string, infer V extends string]
  ? `${O}.${Exclude<Words<V>, '-'>}`
  : never;
type Family = (typeof families)[number][1];
type Other = typeof otherEntities;

/** A kind that the product writes itself. */
export type ProductKind = Named<(typeof families)[number]>;

/** A kind written by a caller: F000–FFFF, which never changes a projection. */
export type CustomKind = `custom.${string}`;

/** Name of a kind of event. */
export type KindName = ProductKind | CustomKind;

/** Name of what an event is a version of. */
export type EntityName = Exclude<Family, keyof Other> | Exclude<Other[keyof Other], null>;

type Kind = {readonly name: KindName; readonly code: number; readonly entity: EntityName | null};

const byName = new Map<string, Kind>();
const byCode = new Map<number, Kind>();
for (const [from, family, verbs] of families) {
  const entity = entityOf(family);
  verbs.split(' ').forEach((verb, index) => {
    if (verb === '-') return;
    // The cast joins what the type `Named` joins; a test compares the two, name by name.
    const kind = {name: `${family}.${verb}` as ProductKind, code: from + index, entity};
    byName.set(kind.name, kind);
    byCode.set(kind.code, kind);
  });
}

function entityOf(family: Family): EntityName | null {
  return isOther(family) ? otherEntities[family] : family;
}

function isOther(family: Family): family is Family & keyof Other {
  return Object.hasOwn(otherEntities, family);
}

const customPattern = /^custom\.f[0-9a-f]{3}$/;

/** Every kind of the product, in the order of the codes. */
export const productKinds: readonly Kind[] = [...byCode.values()].sort((a, b) => a.code - b.code);

/** Whether a text names a kind that may be written. */
export function isKindName(name: string): name is KindName {
  return byName.has(name) || customPattern.test(name);
}

/** Code of a kind; throws for a name that no kind has. */
export function kindCode(name: string): number {
  const kind = byName.get(name);
  if (kind !== undefined) return kind.code;
  if (!customPattern.test(name)) throw new FormatRefusal('kind', 'no kind has this name');
  return Number.parseInt(name.slice('custom.'.length), 16);
}

/** Name of a code; throws for a code that is reserved or unknown. */
export function kindName(code: number): KindName {
  const kind = byCode.get(code);
  if (kind !== undefined) return kind.name;
  if (!isCustomCode(code)) throw new FormatRefusal('kind', `no kind has the code ${code}`);
  return `custom.${code.toString(16)}`;
}

/** Whether a code may stand in a header. */
export function isKindCode(code: number): boolean {
  return byCode.has(code) || isCustomCode(code);
}

function isCustomCode(code: number): boolean {
  return Number.isInteger(code) && code >= 0xf000 && code <= 0xffff;
}

/** What an event of this kind is a version of; null for kinds that concern no one entity. */
export function kindEntity(name: KindName): EntityName | null {
  return byName.get(name)?.entity ?? null;
}

/** A code as it stands in the header: four hex digits, upper case. */
export function kindHex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}

/** Code of `mutation.denied`, the one kind whose letters hold a D. */
export const deniedCode = 0x0401;
/** Code of `subject.erased`, the one ending that also allows the absence of data. */
export const erasedCode = 0x0402;
/** Code of `log.shard_opened`, a shard's first leaf. */
export const shardOpenedCode = 0x0405;

// scope.closed, scope.checkpointed; trajectory.completed, .failed; message.acknowledged;
// agent_checkpoint.saved; working_set.cleared. All `*.deleted` and `*.expired` besides.
const otherEndings: ReadonlySet<number> = new Set([
  0x2003,
  0x2004,
  0x1003,
  0x1004,
  0x8003,
  0x6601,
  0x6704,
  erasedCode,
]);

/** Whether an event of this kind may authorise the absence of content. */
export function mayEndContent(code: number): boolean {
  const name = byCode.get(code)?.name ?? '';
  return otherEndings.has(code) || name.endsWith('.deleted') || name.endsWith('.expired');
}
