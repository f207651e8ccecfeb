/** The set `coordination`: what agents do to stay out of one another's way. */
import type {Contract} from '../../../../shared/wire/contract.ts';
import {locksAcquire, locksRelease} from '../../../../shared/wire/locks.ts';
import {toolOf, type Tool} from '../tool.ts';

const set = 'coordination';

export const coordinationTools: readonly Tool[] = [
  toolOf({
    set,
    name: 'lock_acquire',
    title: 'Lock a resource',
    description:
      'Lock a resource for the acting agent for a while, or hold it longer. A lock that another holds is LOCK_CONFLICT.',
    contract: locksAcquire as Contract,
    kind: 'creates',
    as: 'lock',
  }),
  toolOf({
    set,
    name: 'lock_release',
    title: 'Release a lock',
    description: 'Release a lock before its time is over.',
    contract: locksRelease as Contract,
    kind: 'changes',
    as: 'lock',
  }),
];
