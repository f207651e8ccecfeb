/**
 * The eleven gates in the order their letters have in a header.
 *
 * The order is fixed by `gates.v` = 1: another order or another gate is another version.
 */
export const gateNames = [
  'SchemaGate',
  'TenantGate',
  'PermissionGate',
  'IdempotencyGate',
  'ReferenceGate',
  'LifecycleGate',
  'VersionGate',
  'LockGate',
  'BudgetGate',
  'ContradictionGate',
  'IntentAlignmentGate',
] as const;

/** Name of a gate, as it stands in the facts. */
export type GateName = (typeof gateNames)[number];

/** Pass, skip (did not apply), warn, deny. */
export type GateLetter = 'P' | 'S' | 'W' | 'D';

/** Names of the gates whose letter is W or D: exactly those have a reason in the facts. */
export function gatesWithReason(letters: string): readonly GateName[] {
  if (!/[WD]/.test(letters)) return [];
  return gateNames.filter((_, index) => letters[index] === 'W' || letters[index] === 'D');
}

/** The rule a row of eleven letters breaks, or null. */
export function lettersFault(letters: string): string | null {
  const denial = letters.indexOf('D');
  // The first deny ends the unit and the rest count as skipped.
  if (denial === -1 || /^S*$/.test(letters.slice(denial + 1))) return null;
  return 'gates.r goes on after a denial';
}
