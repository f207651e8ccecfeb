/**
 * Both tiers: a real core on a database of its own and a real workerd in front of it.
 *
 * Between them stands nothing but a counter, which can also answer in the core's place, as a tunnel
 * or a broken connection would.
 */
import {readFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {exportJWK, generateKeyPair, type JWK} from 'jose';
import {startEdge} from '../../core/cli/edge-process.ts';
import {openTestApp, type Outgoing, type Reply, type TestApp} from './test-app.ts';

export type Tier = 'core' | 'edge';
type Stand = (request: Request) => Response | Promise<Response>;

export type Tiers = Omit<TestApp, 'send' | 'close'> & {
  readonly urls: Readonly<Record<Tier, string>>;
  /** Requests that reached the core through its socket, as `METHOD path`. */
  readonly arrived: string[];
  /** Sends over the network, with nothing compressed. */
  send(tier: Tier, of: Outgoing): Promise<Reply>;
  /** Sends bytes as they are and answers the head of what comes back. */
  sendRaw(tier: Tier, text: string): Promise<string>;
  /** Answers in the core's place while `work` runs. */
  standIn<T>(stand: Stand, work: () => Promise<T>): Promise<T>;
  /** Stops and starts what listens at the core's address. */
  stopCore(): Promise<void>;
  startCore(): void;
  close(): Promise<void>;
};

export type EdgeKeys = {
  readonly edgeKey: string;
  readonly jwks: string;
  readonly private: CryptoKey;
};

/** A key of an edge, and the JWKS by which a core knows it. */
export async function newEdgeKeys(kid = 'test'): Promise<EdgeKeys> {
  const {privateKey, publicKey} = await generateKeyPair('EdDSA', {extractable: true});
  const named = async (key: CryptoKey): Promise<JWK> => ({...(await exportJWK(key)), kid});
  return {
    edgeKey: JSON.stringify(await named(privateKey)),
    jwks: JSON.stringify({keys: [await named(publicKey)]}),
    private: privateKey,
  };
}

type Wanted = {
  readonly environment?: Readonly<Record<string, string>>;
  /** Requests a minute that the edge's bindings let through, where the configuration's do not do. */
  readonly edgeRate?: number;
};

/** Opens both. Only the edge is believed by the core. */
export async function openTiers({environment = {}, edgeRate}: Wanted = {}): Promise<Tiers> {
  const {edgeKey, jwks} = await newEdgeKeys();
  const inner = await openTestApp({CELLSTATE_EDGE_JWKS: jwks, ...environment});
  const arrived: string[] = [];
  let stand: Stand | null = null;
  let port = 0;
  const serve = () =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      fetch(request, server) {
        arrived.push(`${request.method} ${new URL(request.url).pathname}`);
        return stand === null ? inner.app.http.fetch(request, server) : stand(request);
      },
    });
  let core = serve();
  port = core.port ?? 0;
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-edge-'));
  const said: string[] = [];
  const edge = await startEdge({
    port: 0,
    coreUrl: `http://127.0.0.1:${port}`,
    edgeKey,
    corsOrigins: 'https://app.example',
    folder,
    configFile: configFile(folder, edgeRate),
    complain: (line) => said.push(line),
  });
  const urls = {core: `http://127.0.0.1:${port}`, edge: edge.url};
  return {
    ...inner,
    urls,
    arrived,
    send: (tier, of) => send(urls[tier], of),
    sendRaw: (tier, text) => sendRaw(urls[tier], text),
    async standIn(other, work) {
      stand = other;
      try {
        return await work();
      } finally {
        stand = null;
      }
    },
    stopCore: () => core.stop(true),
    startCore: () => void (core = serve()),
    async close() {
      await edge.stop();
      await core.stop(true);
      await inner.close();
      rmSync(folder, {recursive: true, force: true});
    },
  };
}

/** The configuration in force, with other limits where a test needs to reach them. */
function configFile(folder: string, edgeRate: number | undefined): string {
  const real = resolve(import.meta.dirname, '../../wrangler.toml');
  if (edgeRate === undefined) return real;
  const file = join(folder, 'wrangler.toml');
  const text = readFileSync(real, 'utf8')
    .replace('main = "', `main = "${resolve(import.meta.dirname, '../..')}/`)
    .replaceAll(/limit = \d+/g, `limit = ${edgeRate}`);
  writeFileSync(file, text);
  return file;
}

async function send(url: string, {method, path, key = null, headers = {}, body}: Outgoing) {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      'accept-encoding': 'identity',
      ...(key === null ? {} : {authorization: `Bearer ${key}`}),
      ...(body === undefined ? {} : {'content-type': 'application/json'}),
      ...headers,
    },
    ...(body === undefined ? {} : {body: isRaw ? body : JSON.stringify(body)}),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return {status: response.status, headers: response.headers, bytes, text};
}

function sendRaw(url: string, text: string): Promise<string> {
  const {hostname, port} = new URL(url);
  return new Promise((done, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += String(chunk);
      if (!answer.includes('\r\n\r\n')) return;
      done(answer.slice(0, answer.indexOf('\r\n\r\n')));
      socket.destroy();
    });
    socket.on('end', () => done(answer));
    socket.on('error', reject);
  });
}
