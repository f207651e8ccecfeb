import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {isHeld, type Lock, type LockCommand} from '../../../core/domain/lock.ts';
import type {Id} from '../../../shared/ids.ts';
import {createWorld, idOf, type World} from '../../support/spec.ts';

const ana = idOf(1);
const ben = idOf(2);
let made = 100;

const acquire = (
  holder: Id,
  more: Partial<Extract<LockCommand, {type: 'lock.acquire'}>['draft']> = {},
): LockCommand & {id: Id} => {
  made += 1;
  const draft = {
    resourceType: 'custom' as const,
    resourceId: 'deploy',
    holderAgentId: holder,
    mode: 'exclusive' as const,
    timeoutMs: 1_000,
    metadata: {},
    ...more,
  };
  return {type: 'lock.acquire', id: idOf(made), draft};
};

const held = (world: World, id: Id): boolean =>
  isHeld(world.state<Lock>('lock', id), world.view.at);

describe('a lease', () => {
  test('has as its token the leaf of the event that granted it, so tokens grow', () => {
    const [first, second] = [acquire(ana), acquire(ben)];
    const world = createWorld().given(first).advance(2_000).given(second);
    const tokens = [first, second].map(({id}) => world.state<Lock>('lock', id).fencingToken);
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? Infinity);
  });

  test('counts for nothing once it ended, although no job has swept it', () => {
    const mine = acquire(ana);
    const world = createWorld().given(mine).advance(1_001);
    expect(held(world, mine.id)).toBe(false);
    expect(world.state<Lock>('lock', mine.id).status).toBe('held');
    const ran = world.run(acquire(ben));
    expect(ran.events.map(({kind}) => kind)).toEqual(['lock.acquired', 'lock.expired']);
  });

  test('of 200 ms is refusable at 199 and grantable at 201', () => {
    const mine = acquire(ana, {timeoutMs: 200});
    expect(createWorld().given(mine).advance(198).run(acquire(ben)).refusal).toMatchObject({
      refuse: 'LOCK_CONFLICT',
    });
    expect(
      createWorld()
        .given(acquire(ana, {timeoutMs: 200}))
        .advance(201)
        .run(acquire(ben)).refusal,
    ).toBeNull();
  });

  test('is longer and keeps its token when its holder asks again', () => {
    const mine = acquire(ana);
    const world = createWorld().given(mine);
    const before = world.state<Lock>('lock', mine.id);
    const ran = world.advance(500).run(acquire(ana));
    expect(ran.events).toMatchObject([{kind: 'lock.extended', entity: mine.id}]);
    const after = world.state<Lock>('lock', mine.id);
    expect(after.fencingToken).toBe(before.fencingToken);
    expect(after.expiresAt).toBeGreaterThan(before.expiresAt);
  });

  test('is never made shorter by asking again', () => {
    const mine = acquire(ana, {timeoutMs: 60_000});
    const world = createWorld().given(mine);
    const {expiresAt} = world.state<Lock>('lock', mine.id);
    world.given(acquire(ana, {timeoutMs: 1}));
    expect(world.state<Lock>('lock', mine.id).expiresAt).toBe(expiresAt);
  });

  test('lasts as long as the tenant says where its holder does not', () => {
    const mine = acquire(ana, {timeoutMs: null});
    const world = createWorld().set('lock_timeout_ms', 77).given(mine);
    expect(world.state<Lock>('lock', mine.id).timeoutMs).toBe(77);
  });
});

describe('who is let in', () => {
  const shared = (holder: Id) => acquire(holder, {mode: 'shared'});

  test('shared beside shared, and nothing beside exclusive', () => {
    const world = createWorld().given(shared(ana), shared(ben));
    expect(world.run(acquire(idOf(3))).refusal).toMatchObject({refuse: 'LOCK_CONFLICT'});
    const other = createWorld().given(acquire(ana));
    expect(other.run(shared(ben)).refusal).toMatchObject({
      refuse: 'LOCK_CONFLICT',
      why: {mode: 'exclusive', waiting: 0},
    });
  });

  test('not a shared holder that wishes for all of it: two of them would wait for each other', () => {
    const world = createWorld().given(shared(ana));
    expect(world.run(acquire(ana)).refusal).toMatchObject({why: {reason: 'upgrade'}});
  });

  test('the same name of another type is another resource', () => {
    const world = createWorld().given(acquire(ana));
    expect(world.run(acquire(ben, {resourceType: 'note'})).refusal).toBeNull();
  });
});

describe('the end', () => {
  test('a lease that is over can be neither extended nor released', () => {
    const mine = acquire(ana);
    const world = createWorld().given(mine).advance(1_001);
    const extend = {type: 'lock.extend', id: mine.id, by: ana, additionalMs: 1} as const;
    const release = {type: 'lock.release', id: mine.id, by: ana, isAdmin: false} as const;
    for (const command of [extend, release]) {
      expect(world.run(command).refusal).toMatchObject({refuse: 'LOCK_EXPIRED'});
    }
  });

  test('a released lock is free at once', () => {
    const mine = acquire(ana);
    const world = createWorld().given(mine);
    world.given({type: 'lock.release', id: mine.id, by: ana, isAdmin: false} as LockCommand);
    expect(world.run(acquire(ben)).refusal).toBeNull();
  });

  test('a whole lease is a day at most', () => {
    const mine = acquire(ana, {timeoutMs: 3_600_000});
    const world = createWorld().given(mine);
    const extend = (additionalMs: number) =>
      world.run({type: 'lock.extend', id: mine.id, by: ana, additionalMs} as LockCommand);
    for (let hour = 0; hour < 22; hour += 1) expect(extend(3_600_000).refusal).toBeNull();
    expect(extend(3_600_000).refusal).toBeNull();
    expect(extend(1).refusal).toMatchObject({refuse: 'LIMIT_EXCEEDED'});
  });

  test('a sweep that comes early or twice changes nothing', () => {
    const mine = acquire(ana);
    const world = createWorld().given(mine);
    const expire = {type: 'lock.expire', id: mine.id} as const;
    expect(world.run(expire).refusal).not.toBeNull();
    world.advance(1_001).given(expire);
    expect(world.run(expire).refusal).not.toBeNull();
  });
});

test('whatever is asked in whatever order, no two leases that exclude each other are live', () => {
  const holders = [ana, ben, idOf(3)];
  const step = fc.oneof(
    fc.record({
      do: fc.constant('acquire' as const),
      holder: fc.constantFrom(...holders),
      mode: fc.constantFrom('exclusive' as const, 'shared' as const),
      timeoutMs: fc.integer({min: 1, max: 50}),
    }),
    fc.record({
      do: fc.constantFrom('extend' as const, 'release' as const, 'expire' as const),
      of: fc.nat({max: 30}),
    }),
    fc.record({do: fc.constant('wait' as const), ms: fc.integer({min: 1, max: 40})}),
  );
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60}), (steps) => {
      const world = createWorld();
      const made: {id: Id; token: number}[] = [];
      for (const one of steps) {
        if (one.do === 'wait') world.advance(one.ms);
        else if (one.do === 'acquire') {
          const command = acquire(one.holder, {mode: one.mode, timeoutMs: one.timeoutMs});
          const isGranted = world.run(command).events[0]?.kind === 'lock.acquired';
          if (isGranted) {
            const token = world.state<Lock>('lock', command.id).fencingToken;
            // Later grants have greater tokens: an old one can be told for ever.
            expect(token).toBeGreaterThan(made.at(-1)?.token ?? -1);
            made.push({id: command.id, token});
          }
        } else {
          const id = made[one.of % Math.max(1, made.length)]?.id;
          if (id === undefined) continue;
          const more = {by: null, additionalMs: 5, isAdmin: false};
          world.run({type: `lock.${one.do}`, id, ...more} as LockCommand);
        }
        const live = made.filter(({id}) => held(world, id));
        const modes = live.map(({id}) => world.state<Lock>('lock', id).mode);
        expect(modes.includes('exclusive') ? modes.length : 1).toBe(1);
        const owners = live.map(({id}) => world.state<Lock>('lock', id).holderAgentId);
        expect(new Set(owners).size).toBe(owners.length);
      }
    }),
    {numRuns: 300},
  );
});
