/** Gate 7: what the writer saw is what is there. */
import type {View} from '../../domain/aggregate.ts';
import {isSystem} from '../../domain/actor.ts';
import {regionOf} from '../../domain/visibility.ts';
import {deny, pass, skip, type Unit, type Verdict} from './gate.ts';

export function versionGate(u: Unit, v: View): Verdict {
  const {ifMatch} = u.call;
  if (
    !u.isFollowUp &&
    u.target !== null &&
    ifMatch !== null &&
    ifMatch !== 'any' &&
    !ifMatch.includes(u.target.version)
  ) {
    return deny(
      'PRECONDITION_FAILED',
      `${u.aggregate.name}: version ${u.target.version} is current, not the one stated`,
      {
        want: ifMatch[0] ?? null,
        found: u.target.version,
        current_version: u.target.version,
      },
    );
  }
  for (const [entity, id, version] of u.expects) {
    const found = v.row(entity, id)?.version ?? 0;
    if (found === version) continue;
    // A version that came in the header is answered as one (RFC 9110 §13.1.1).
    return deny(
      ifMatch === null ? 'CONCURRENT_MODIFICATION' : 'PRECONDITION_FAILED',
      `${entity}: version ${found} is current, not ${version}`,
      {
        want: version,
        found,
        current_version: found,
      },
    );
  }
  const isChange = !('draft' in u.command) && !isSystem(u.actor) && !u.isFollowUp;
  if (isChange && u.target !== null && ifMatch === null && u.expects.length === 0) {
    const isTenants = v.settings['require_if_match'] === true;
    const isRegions = regionOf(v, u.target.state as object)?.versionTracking === true;
    const whose = isTenants ? 'tenant' : 'region';
    if (isTenants || isRegions) {
      return deny(
        'PRECONDITION_REQUIRED',
        `${u.aggregate.name}: this ${whose} changes nothing without If-Match`,
      );
    }
  }
  return u.expects.length === 0 && ifMatch === null ? skip : pass;
}
