/** Gate 6: the aggregate's own decision; its events are the unit's from here on. */
import {errorTable} from '../../../shared/errors.ts';
import type {Decision} from '../../domain/aggregate.ts';
import {deny, denyQuietly, pass, type Unit, type Verdict} from './gate.ts';

export function lifecycleGate(u: Unit, decision: Decision<{kind: string}>): Verdict {
  if (!('refuse' in decision)) {
    const [warning] = decision.warn ?? [];
    return warning === undefined ? pass : {is: 'warn', ...warning};
  }
  const {refuse, why = {}} = decision;
  // A wish for a lock that met another holder is normal use, and leaves no event.
  if (refuse === 'LOCK_CONFLICT') return denyQuietly(refuse, errorTable[refuse].title, why);
  if (errorTable[refuse].status === 404) return denyQuietly(refuse, `no such ${u.aggregate.name}`);
  const {from, to} = why as {from?: string; to?: string};
  const message =
    from === undefined
      ? `${u.aggregate.name}: ${errorTable[refuse].title}`
      : `${u.aggregate.name} is ${from}, it cannot become ${to}`;
  return deny(refuse, message, why);
}
