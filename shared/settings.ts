/** The settings of a tenant: names, defaults and ranges (`01-model` §10). */
/** Settings of a tenant by name, defaults filled in. */
export type TenantSettings = Readonly<Record<string, number | string | boolean>>;

export type SettingRule =
  | {
      readonly fallback: number;
      readonly least: number;
      readonly most: number;
      readonly operatorOnly?: true;
    }
  | {readonly fallback: boolean}
  | {readonly fallback: string; readonly values: readonly string[]};

const yearMs = 31_536_000_000;

export const settingRules = {
  max_trajectory_depth: {fallback: 10, least: 1, most: 50},
  max_open_scopes: {fallback: 10_000, least: 1, most: 100_000},
  default_token_budget: {fallback: 8_000, least: 1, most: 10_000_000},
  scope_budget_mode: {fallback: 'warn', values: ['warn', 'deny']},
  max_artifacts_per_scope: {fallback: 1_000, least: 1, most: 100_000},
  max_notes_per_trajectory: {fallback: 5_000, least: 1, most: 100_000},
  max_scope_checkpoints: {fallback: 10, least: 1, most: 100},
  agent_checkpoint_retention: {fallback: 10, least: 1, most: 1_000},
  contradiction_threshold: {fallback: 0.85, least: 0, most: 1},
  contradiction_strategy: {
    fallback: 'escalate',
    values: ['last_write_wins', 'highest_confidence', 'escalate', 'none'],
  },
  min_confidence: {fallback: 0.3, least: 0, most: 1},
  stale_hours: {fallback: 720, least: 1, most: 87_600},
  require_artifact_backing: {fallback: false},
  delete_retention_days: {fallback: 30, least: 0, most: 3_650},
  turn_retention: {fallback: 'release', values: ['release', 'keep']},
  agent_offline_after_ms: {fallback: 300_000, least: 1_000, most: yearMs},
  lock_timeout_ms: {fallback: 30_000, least: 1, most: 3_600_000},
  message_retention_ms: {fallback: 86_400_000, least: 0, most: yearMs},
  delegation_timeout_ms: {fallback: 3_600_000, least: 1, most: yearMs},
  handoff_timeout_ms: {fallback: 1_800_000, least: 1, most: yearMs},
  require_if_match: {fallback: false},
  publish_log: {fallback: false},
  context_format: {fallback: 'markdown', values: ['markdown', 'xml', 'json']},
  max_content_bytes: {fallback: 0, least: 0, most: Number.MAX_SAFE_INTEGER, operatorOnly: true},
} as const satisfies Record<string, SettingRule>;

export type SettingName = keyof typeof settingRules;

/** The names, in the order of the table. */
export const settingNames = Object.keys(settingRules);

/** Every setting at its default. */
export const defaultSettings: TenantSettings = Object.fromEntries(
  Object.entries(settingRules).map(([name, rule]) => [name, rule.fallback]),
);

/** A numeric setting of a tenant. */
export const numberSetting = (settings: TenantSettings, name: SettingName): number =>
  Number(settings[name]);

/** Why a value is not one of a setting; null when it is. */
export function settingFault(name: string, value: number | string | boolean): string | null {
  const rule: SettingRule | undefined = (settingRules as Readonly<Record<string, SettingRule>>)[
    name
  ];
  if (rule === undefined) return 'is no setting';
  if ('least' in rule) {
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'is not a number';
    if (Number.isInteger(rule.fallback) && !Number.isSafeInteger(value))
      return 'is not a whole number';
    return value >= rule.least && value <= rule.most
      ? null
      : `is ${value}, allowed ${rule.least} to ${rule.most}`;
  }
  if ('values' in rule)
    return rule.values.includes(String(value)) ? null : `is none of ${rule.values.join(', ')}`;
  return typeof value === 'boolean' ? null : 'is neither true nor false';
}
