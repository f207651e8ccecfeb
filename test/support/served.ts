/** Every contract but streams, whose answers have no end: those have tests of their own. */
import {contracts} from '../../shared/wire/all.ts';
import type {Contract} from '../../shared/wire/contract.ts';

export const served: readonly Contract[] = contracts.filter(
  ({produces}) => produces !== 'text/event-stream',
);
