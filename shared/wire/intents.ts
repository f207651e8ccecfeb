/** Intents: what an agent is there for, how far it may go, and the signals that say it is on course. */
import {z} from 'zod';
import {contract} from './contract.ts';
import {autonomyLevel, entityType, type ValueOf} from './enums.ts';
import {refuse} from './issues.ts';
import {anyOf, listing, listOf, pastReading} from './list.ts';
import {
  changesSomething,
  defaulted,
  metadata,
  optional,
  required,
  resource,
  server,
  type Change,
  type Draft,
  type State,
} from './resource.ts';
import {body, bool, id, list, pattern, text, unit, type Scalar} from './scalar.ts';

const listMost = 32;

export type Target = {above: number} | {below: number} | {between: {min: number; max: number}};
export type Signal = {
  readonly name: string;
  /** The entity type whose number is looked at. */
  readonly source: ValueOf<typeof entityType> | null;
  /** A member of that entity; dots lead into objects. */
  readonly metric: string | null;
  readonly target: Target | null;
};
export type Boundaries = {readonly allow: readonly string[]; readonly deny: readonly string[]};

const number = z.number();
const between = z.strictObject({min: number, max: number}).superRefine((value, context) => {
  if (value.max < value.min) refuse(context, 'INVALID_RANGE', 'is below min', ['max']);
});
const signalTarget = z.union([
  z.strictObject({above: number}),
  z.strictObject({below: number}),
  z.strictObject({between}),
]);
const orNull = <T>(of: z.ZodType<T>) => of.nullish().transform((value) => value ?? null);
const signalName = text(100).read;

const signal: Scalar<Signal> = {
  read: z.union([
    // A text is a signal that is named and not measured, as older clients send it.
    signalName.transform((name) => ({name, source: null, metric: null, target: null})),
    z.strictObject({
      name: signalName,
      source: orNull(entityType.read),
      metric: orNull(text(64).read),
      target: orNull(signalTarget),
    }),
  ]) as unknown as z.ZodType<Signal>,
  shown: z.object({
    name: z.string(),
    source: entityType.shown.nullable(),
    metric: z.string().nullable(),
    target: signalTarget.nullable(),
  }),
};

/** Names of events, in which `*` stands for any text; among those denied `signal:<name>` too. */
const eventNames = list(text(128), 256).read.default([]);

const boundaries: Scalar<Boundaries> = {
  read: z.union([
    z.strictObject({allow: eventNames, deny: eventNames}),
    list(text(128), 256).read.transform((deny) => ({allow: [], deny})),
  ]) as unknown as z.ZodType<Boundaries>,
  shown: z.object({allow: z.array(z.string()), deny: z.array(z.string())}),
};

const autonomy = defaulted(autonomyLevel, 'operator', 'patch');
const signals = defaulted(list(signal, listMost), [], 'patch');
const limits = defaulted(boundaries, {allow: [], deny: []}, 'patch');

const fields = {
  name: required(pattern(100, /^[^/?#%]*[^/?#%\s][^/?#%]*$/, 'a name without / ? # %')),
  agent_id: optional(id),
  purpose: defaulted(body(4_096), '', 'patch'),
  autonomy,
  goals: defaulted(list(text(500), listMost), [], 'patch'),
  resolution_rules: defaulted(list(text(500), listMost), [], 'patch'),
  signals,
  boundaries: limits,
  drift_threshold: defaulted(unit, 0.85, 'patch'),
  active: server(bool),
  metadata,
};

export const intent = resource('intent', 'intents', fields);
export type IntentDraft = Draft<typeof fields>;
export type IntentChange = Change<typeof fields>;
export type IntentState = State<typeof fields>;

/** The spellings of older clients. */
const aliases = {
  autonomy_level: autonomy.read.nullish().meta({deprecated: true}),
  delegation_boundaries: limits.read.nullish().meta({deprecated: true}),
  alignment_signals: signals.read.nullish().meta({deprecated: true}),
};
export const aliasOf = {
  autonomy: 'autonomy_level',
  boundaries: 'delegation_boundaries',
  signals: 'alignment_signals',
} as const;

/** A create fills defaults in, so an alias and its member both stated cannot be told apart there. */
const without = <S extends Record<string, z.ZodType>>(shape: S) => ({
  ...shape,
  autonomy: autonomy.read.nullish(),
  boundaries: limits.read.nullish(),
  signals: signals.read.nullish(),
});

function inOneSpelling(value: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const [member, alias] of Object.entries(aliasOf)) {
    if ((value[member] ?? null) !== null && (value[alias] ?? null) !== null) {
      refuse(context, 'INVALID_INPUT', `is stated as ${alias} too`, [member]);
    }
  }
}

const target = {intent_name: text(100).read};
const missing = ['ENTITY_NOT_FOUND'] as const;
const changing = [...missing, 'PRECONDITION_FAILED', 'PRECONDITION_REQUIRED'] as const;

export const intentsCreate = contract({
  id: 'intents_create',
  method: 'POST',
  path: '/intents',
  may: 'agents:write',
  summary: 'State an intent',
  input: {...without(intent.create), ...aliases},
  check: inOneSpelling,
  output: intent.shown,
  status: 201,
  errors: ['AGENT_NOT_FOUND', 'ENTITY_ALREADY_EXISTS', 'LIMIT_EXCEEDED'],
});

export const intentsList = contract({
  id: 'intents_list',
  method: 'GET',
  path: '/intents',
  may: 'agents:read',
  summary: 'List intents',
  input: {...listing, agent_id: anyOf(id)},
  output: listOf(intent),
});

export const intentsGet = contract({
  id: 'intents_get',
  method: 'GET',
  path: '/intents/{intent_name}',
  may: 'agents:read',
  summary: 'Read an intent',
  input: {...target, ...pastReading},
  output: intent.shown,
  errors: missing,
});

const {autonomy: _, boundaries: __, signals: ___, ...plainPatch} = intent.patch;

export const intentsUpdate = contract({
  id: 'intents_update',
  method: 'PATCH',
  path: '/intents/{intent_name}',
  may: 'agents:write',
  summary: 'Change an intent',
  input: {...target, ...without(plainPatch), ...aliases},
  check: (value, context) => {
    inOneSpelling(value, context);
    changesSomething([...Object.keys(intent.patch), ...Object.values(aliasOf)])(value, context);
  },
  output: intent.shown,
  errors: changing,
});

export const intentsDelete = contract({
  id: 'intents_delete',
  method: 'DELETE',
  path: '/intents/{intent_name}',
  may: 'agents:write',
  summary: 'Retire an intent',
  input: target,
  output: z.null(),
  status: 204,
  errors: changing,
});

/** What would become of an event under an intent; nothing is written. */
export const intentsEvaluate = contract({
  id: 'intents_evaluate',
  method: 'POST',
  path: '/intents/{intent_name}/evaluate',
  may: 'agents:read',
  summary: 'Ask what an intent says of an event',
  input: {
    ...target,
    event: text(100).read,
    entity: z
      .strictObject({entity_type: entityType.read, id: id.read})
      .nullish()
      .transform((value) => value ?? null),
  },
  output: z.object({
    aligned: z.boolean(),
    signals: z.array(
      z.object({
        name: z.string(),
        value: z.number().nullable(),
        target: signalTarget.nullable(),
        aligned: z.boolean().nullable(),
      }),
    ),
    gate_verdict: z.object({
      verdict: z.enum(['pass', 'warn', 'deny']),
      reason: z.string().nullable(),
    }),
  }),
  errors: [...missing, 'INVALID_INPUT'],
});
