/**
 * A log in which everything happens that a verifier has to understand: trajectories, groups,
 * a delegation, a fork, denials, warnings, endings, an erasure, foreign and custom events.
 */
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {createLedgerFixture, parentOf} from './ledger-fixture.ts';
import type {LedgerFixture} from './ledger-fixture.ts';

/** Words of about the length of a chat message. */
export const sixtyWords = 'we ship on Fridays, and never after noon; '.repeat(8).trim();

/** The log of the story, with at least `size` events, and the leaves that tests ask for. */
export function tellStory(hashes: Hashes, size: number) {
  const log = createLedgerFixture(hashes);
  const main = log.id();
  const scope = log.id();
  log.write({kind: 'trajectory.created', traj: main, ent: {id: main, ver: 1}});
  log.write({kind: 'scope.created', traj: main, ent: {id: scope, ver: 1}});
  const turns = [writeTurn(log, main, 1), writeTurn(log, main, 2), writeTurn(log, main, 3)];
  const group = log.write(
    {
      kind: 'note.created',
      traj: main,
      ent: {id: log.id(), ver: 1},
      content: {content: 'new'},
      idem: 'ab'.repeat(32),
    },
    {kind: 'note.superseded', traj: main, ent: {id: log.id(), ver: 2}},
    {kind: 'conflict.detected', traj: main, ent: {id: log.id(), ver: 1}},
  );
  const denied = log.write({
    kind: 'mutation.denied',
    ent: {id: scope, ver: null},
    letters: 'PPPSPPSDSSS',
    why: {LockGate: {code: 'LOCK_EXPIRED', last: 4, token: 3}},
  });
  const warned = log.write({
    kind: 'note.updated',
    traj: main,
    ent: {id: log.id(), ver: 2},
    letters: 'PPPSPPSSPWS',
    why: {ContradictionGate: {code: 'CONTRADICTION', items: [[scope, 1]]}},
  });
  const delegation = log.write({
    kind: 'delegation.created',
    traj: main,
    ent: {id: log.id(), ver: 1},
  });
  const delegated = log.id();
  log.write({
    kind: 'trajectory.created',
    traj: delegated,
    place: [1, 0],
    ent: {id: delegated, ver: 1},
    parents: [parentOf(log, delegation, 'delegates')],
  });
  const forked = log.id();
  const fork = log.write({
    kind: 'trajectory.forked',
    traj: forked,
    place: [1, 1],
    ent: {id: forked, ver: 1},
    parents: [parentOf(log, warned, 'fork')],
  });
  log.write({
    kind: 'effect.ack',
    traj: forked,
    place: [1, 1],
    parents: [parentOf(log, fork, 'acks'), {h: 'cd'.repeat(32), r: 'foreign'}],
  });
  log.write({kind: 'custom.f00d', content: {body: {any: ['thing', 1.5, null]}}});
  const closed = log.write({
    kind: 'scope.closed',
    traj: main,
    ent: {id: scope, ver: 2},
    ends: [[turns[0] ?? 0, turns[1] ?? 0]],
  });
  const secret = log.write({
    kind: 'note.created',
    traj: main,
    ent: {id: log.id(), ver: 1},
    content: {content: 'about a person'},
  });
  const erased = log.write({
    kind: 'subject.erased',
    ends: [[secret, secret]],
    ent: {id: log.id(), ver: 1},
  });
  while (log.records.length < size) writeTurn(log, main, log.records.length);
  return {log, main, turns, group, denied, warned, delegation, fork, closed, secret, erased};
}

function writeTurn(log: LedgerFixture, traj: string, sequence: number): number {
  const content = {content: `${sequence}: ${sixtyWords}`, tool_calls: null};
  const data = {content_hash: 'ef'.repeat(32), role: 'User', sequence, token_count: 61};
  return log.write({kind: 'turn.created', traj, ent: {id: log.id(), ver: 1}, data, content});
}
