/** Every row, in the order in which they run: first what writes little, last what grows databases. */
import {b1} from './own/b1.ts';
import {d1} from './own/d1.ts';
import {e1} from './own/e1.ts';
import {m1} from './own/m1.ts';
import {r1} from './own/r1.ts';
import {r2} from './own/r2.ts';
import {r3, r3Floor} from './own/r3.ts';
import {v1} from './own/v1.ts';
import {v2} from './own/v2.ts';
import {w1} from './own/w1.ts';
import {w1c} from './own/w1c.ts';
import {w2} from './own/w2.ts';
import {w3} from './own/w3.ts';
import {w5} from './own/w5.ts';
import type {AnyRow} from './row.ts';

// D1 and M1 look at the long thread before other rows write beside it.
export const rows: readonly AnyRow[] = [
  w1,
  w1c,
  w2,
  w3,
  r1,
  r2,
  v2,
  e1,
  b1,
  m1,
  d1,
  w5,
  r3,
  r3Floor,
  v1,
];
