/** The events that are about the ledger itself and change no row. */
import type {Id} from '../../shared/ids.ts';
import type {Aggregate} from './aggregate.ts';

export type LogCommand = {
  type: 'log.open';
  id: Id;
  /** Key of the shard after this one, named while this one is safe. */
  next: string;
};

export type LogEvent = {
  kind: 'log.shard_opened';
  data: {lost: null; next: string; previous: null; reason: 'created'};
};

export const log: Aggregate<LogCommand, LogEvent, never> = {
  name: 'log',
  columns: [],
  content: [],
  missing: 'ENTITY_NOT_FOUND',
  needs: () => [],
  decide: (c) => ({
    events: [
      {
        kind: 'log.shard_opened',
        data: {lost: null, next: c.next, previous: null, reason: 'created'},
      },
    ],
  }),
  evolve: () => null,
};
