/** Which statements of an edge the core believes. */
import {SignJWT} from 'jose';
import {describe, expect, test} from 'vitest';
import {createEdgeTrust} from '../../../core/auth/edge-assertion.ts';
import {parseConfig} from '../../../core/config.ts';
import {assertionHeader} from '../../../shared/wire/edge-assertion.ts';
import {newEdgeKeys} from '../../support/tiers.ts';

const keys = await newEdgeKeys();
const foreign = await newEdgeKeys();
const jwks = JSON.parse(keys.jwks);
const trust = createEdgeTrust(jwks, false);

type Changes = {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly ageSeconds?: number;
  readonly lifeSeconds?: number;
  readonly key?: CryptoKey | Uint8Array;
};

const good = {
  iss: 'cellstate-edge',
  aud: 'cellstate-core',
  jti: 'r1',
  addr: '192.0.2.1',
  colo: 'AMS',
  htm: 'GET',
  htu: '/api/v1/trajectories',
};

function assertion(of: Changes = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000) - (of.ageSeconds ?? 0);
  return new SignJWT({...good, iat, exp: iat + (of.lifeSeconds ?? 60), ...of.claims})
    .setProtectedHeader({alg: 'EdDSA', kid: 'test', ...of.header})
    .sign(of.key ?? keys.private);
}

const request = (token: string | null): Request =>
  new Request('http://core/api/v1/trajectories?limit=1', {
    headers: token === null ? {} : {[assertionHeader]: token},
  });

test('a fresh assertion of this request by a known edge names the client', async () => {
  expect(await trust(request(await assertion()))).toMatchObject({addr: '192.0.2.1', jti: 'r1'});
});

test('a request without one is nobody’s, and refused where an edge is required', async () => {
  expect(await trust(request(null))).toBeNull();
  await expect(createEdgeTrust(jwks, true)(request(null))).rejects.toMatchObject({
    code: 'FORBIDDEN',
  });
});

test('a core that knows no edge refuses the header', async () => {
  const refused = createEdgeTrust(null, false)(request(await assertion()));
  await expect(refused).rejects.toMatchObject({code: 'FORBIDDEN'});
});

const altered = async (): Promise<string> => {
  const [header, payload = '', signature] = (await assertion()).split('.');
  const claims = {
    ...JSON.parse(Buffer.from(payload, 'base64url').toString()),
    addr: '198.51.100.1',
  };
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
};
const unsigned = async (): Promise<string> => {
  const header = Buffer.from('{"alg":"none"}').toString('base64url');
  return `${header}.${(await assertion()).split('.')[1]}.`;
};
const byPublicKey = (): Promise<string> =>
  assertion({header: {alg: 'HS256'}, key: Buffer.from(jwks.keys[0].x, 'base64url')});

describe('refused is one that is', () => {
  const cases: readonly (readonly [string, () => Promise<string>])[] = [
    ['altered', altered],
    ['unsigned', unsigned],
    ['signed with the public key as a secret', byPublicKey],
    ['of a foreign edge', () => assertion({key: foreign.private})],
    ['of a key that is not listed', () => assertion({header: {kid: 'other'}})],
    ['expired', () => assertion({ageSeconds: 66})],
    [
      'of a long life, and older than a minute',
      () => assertion({ageSeconds: 66, lifeSeconds: 3_600}),
    ],
    ['from the future', () => assertion({ageSeconds: -60})],
    ['for another audience', () => assertion({claims: {aud: 'other'}})],
    ['of another issuer', () => assertion({claims: {iss: 'other'}})],
    ['for another method', () => assertion({claims: {htm: 'POST'}})],
    ['for another path', () => assertion({claims: {htu: '/api/v1/notes'}})],
    ['without an address', () => assertion({claims: {addr: undefined}})],
    ['no JWT', () => Promise.resolve('x')],
  ];
  test.each(cases)('%s', async (_, make) => {
    await expect(trust(request(await make()))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      details: {reason: 'edge_assertion'},
    });
  });
});

describe('CELLSTATE_EDGE_JWKS', () => {
  const parse = (text: string) =>
    parseConfig({
      CELLSTATE_MASTER_KEY: Buffer.from(
        keys.private ? good.htu.padEnd(32, 'abcdefgh') : '',
      ).toString('base64'),
      CELLSTATE_EDGE_JWKS: text,
    });

  test('is read once', () => expect(parse(keys.jwks).edgeJwks).toEqual(jwks));

  test.each(['', '{', '{"keys":[]}', '[]'])('%j is refused by its name', (text) => {
    expect(() => parse(text)).toThrow(/^CELLSTATE_EDGE_JWKS: /);
  });

  test('with a private key is refused', () => {
    expect(() => parse(JSON.stringify({keys: [JSON.parse(keys.edgeKey)]}))).toThrow(/private key/);
  });
});
