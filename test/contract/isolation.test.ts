/**
 * what belongs to another tenant, what never was and what is deleted are one and the same
 * answer, byte for byte. Made from the contracts, for every id in path, query and body.
 */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {isId, newId} from '../../shared/ids.ts';
import type {Contract} from '../../shared/wire/contract.ts';
import {membersOf} from '../support/contract-members.ts';
import {requestOf, type Sample} from '../support/contract-requests.ts';
import {complaints} from '../support/problem-check.ts';
import {deletedId, sampleOf} from '../support/samples.ts';
import {served} from '../support/served.ts';
import {members, openTestApp, type Caller, type Reply, type TestApp} from '../support/test-app.ts';

let app: TestApp;
/** Who asks, and whose it is. */
let caller: Caller;
let stranger: Caller;
let casesCount = 0;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant('Acme');
  stranger = await app.tenant('Strangers');
});

afterAll(async () => {
  await app.close();
  console.info(`isolation: ${casesCount} cases`);
});

const randomId = (): string => newId(Date.now() * 1000, crypto.getRandomValues(new Uint8Array(10)));

type Place = 'path' | 'query' | 'body';

/** The sample with one member changed. */
function withMember(sample: Sample, place: Place, name: string, value: unknown): Sample {
  const part = sample[place] as Readonly<Record<string, unknown>> | undefined;
  return {...sample, [place]: {...part, [name]: value}};
}

/** All of an answer that must not tell apart. */
function told({status, headers, text}: Reply): object {
  const kept = [...headers].filter(
    ([name]) => !['date', 'x-request-id'].includes(name) && !name.startsWith('x-ratelimit-'),
  );
  return {status, headers: kept, text};
}

const isIdLike = (value: unknown): value is string => typeof value === 'string' && isId(value);

/** Members of a sample that hold an id; a tenant's own is excepted. */
function idMembers(sample: Sample): {place: Place; name: string; value: string}[] {
  return (['path', 'query', 'body'] as const).flatMap((place) =>
    Object.entries((sample[place] ?? {}) as Record<string, unknown>).flatMap(([name, value]) =>
      isIdLike(value) && name !== 'tenant_id' ? [{place, name, value}] : [],
    ),
  );
}

/** Optional members that take an id: a foreign one in them must not be told apart either. */
const optionalIds = (contract: Contract, sample: Sample): {place: Place; name: string}[] =>
  membersOf(contract).flatMap(({name, place, variants, isRequired}) => {
    const isIdText = variants.some(
      ({format, items}) => format === 'uuid' || items?.format === 'uuid',
    );
    const isSent = Object.hasOwn((sample[place] ?? {}) as object, name);
    return isRequired || isSent || !isIdText ? [] : [{place, name}];
  });

const isText = (contract: Contract, name: string): boolean =>
  membersOf(contract).some(
    (member) => member.name === name && member.variants.some(({type}) => type === 'string'),
  );

describe.each(served.map((contract) => [contract.id, contract] as const))(
  'A-5 %s',
  (_, contract) => {
    async function ask(sample: Sample): Promise<Reply> {
      casesCount += 1;
      const own = contract.may === 'operator' ? caller.operatorKey : caller.key;
      return app.send(requestOf(contract, sample, sample.key ?? own));
    }

    test('a foreign, an invented and a deleted id are one answer, a 404 without an id', async () => {
      const own = await sampleOf(contract, app, caller);
      const foreign = await sampleOf(contract, app, stranger);
      const sizes = [await app.sizeOf(caller), await app.sizeOf(stranger)];
      for (const {place, name} of idMembers(own)) {
        const theirs = idMembers(foreign).find((one) => one.name === name)?.value ?? '';
        expect(theirs).not.toBe('');
        const invented = told(await ask(withMember(own, place, name, randomId())));
        expect(told(await ask(withMember(own, place, name, theirs)))).toEqual(invented);

        const deleted = await deletedId(name, app, caller);
        if (deleted !== null) {
          sizes[0] = await app.sizeOf(caller);
          expect(told(await ask(withMember(own, place, name, deleted)))).toEqual(invented);
        }
        // A filter, and the name of a group of events, finds nothing where nothing is.
        if (place === 'query' || name === 'correlation_id') continue;
        const reply = await ask(withMember(own, place, name, theirs));
        expect(complaints(reply, {status: 404})).toEqual([]);
        expect(reply.text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
        if (place === 'body') expect(JSON.parse(reply.text).details).toEqual({field: name});
      }
      expect([await app.sizeOf(caller), await app.sizeOf(stranger)]).toEqual(sizes);
    });

    test('a foreign id in an optional member is told apart from an invented one by nothing', async () => {
      const shared = await sampleOf(contract, app, caller);
      const isRead = contract.method === 'GET';
      for (const {place, name} of optionalIds(contract, shared)) {
        const replies: Reply[] = [];
        const theirs = [stranger.agentId, await foreignTrajectory()];
        for (const id of [randomId(), ...theirs]) {
          // A change that was made cannot be made again, so each wish has its own sample.
          const own = isRead ? shared : await sampleOf(contract, app, caller);
          const value = place === 'query' || isText(contract, name) ? id : [id];
          const reply = await ask(withMember(own, place, name, value));
          if (reply.status >= 300) expect(reply.text).not.toContain(id);
          replies.push(reply);
        }
        const [invented, ...foreign] = replies.map((reply) =>
          isRead || reply.status >= 300 ? told(reply) : {status: reply.status},
        );
        for (const one of foreign) expect({name, ...one}).toEqual({name, ...invented});
      }
    });
  },
);

let known: string | null = null;
/** A trajectory that the stranger owns. */
async function foreignTrajectory(): Promise<string> {
  if (known !== null) return known;
  const reply = await app.send({
    method: 'POST',
    path: '/api/v1/trajectories',
    key: stranger.key,
    body: {name: 'theirs'},
  });
  known = String(members(reply)['trajectory_id']);
  return known;
}

test('an external id of another tenant names nothing', async () => {
  const body = {name: 'theirs', external_id: 'shared name'};
  await app.send({method: 'POST', path: '/api/v1/trajectories', key: stranger.key, body});
  const get = (name: string): Promise<Reply> =>
    app.send({method: 'GET', path: `/api/v1/trajectories/${name}`, key: caller.key});
  const [theirs, nobodys] = [await get('shared%20name'), await get('no%20name')];
  expect(theirs.status).toBe(404);
  expect(told(theirs)).toEqual(told(nobodys));
});
