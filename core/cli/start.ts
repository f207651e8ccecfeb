/**
 * `npm start`: the core in this process and, in front of it, the edge under the real workerd.
 *
 * The edge's key is made anew at every start: the core is told its public half and nobody else
 * needs it.
 */
import {mkdirSync, writeFileSync} from 'node:fs';
import {exportJWK, generateKeyPair, type JWK} from 'jose';
import {start, type Running} from '../main.ts';
import {startEdge, type EdgeProcess} from './edge-process.ts';
import {exits, toldOf} from './exit.ts';
import {line, note, processTerminal} from './terminal.ts';

const folder = '.cellstate';
const terminal = processTerminal();

/** Resolves with the first signal; later ones change nothing, since stopping is bounded in time. */
const asked = new Promise<'asked'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => resolve('asked'));
  }
});

async function main(): Promise<number> {
  const {edgeKey, jwks} = await newEdgeKey();
  const core = await start({LOG_LEVEL: 'warn', CELLSTATE_EDGE_JWKS: jwks, ...process.env});
  try {
    const edge = await startEdge({
      port: core.config.edgePort,
      coreUrl: core.url,
      edgeKey,
      corsOrigins: core.config.corsOrigins.join(','),
      folder: `${folder}/edge`,
      configFile: 'wrangler.toml',
      complain: (text) => note(terminal, `edge: ${text}`),
    });
    await tell(core, edge);
    // Asked to stop while it starts, it stops when it has started.
    const why = await Promise.race([asked, edge.ended.then(() => 'ended' as const)]);
    await edge.stop();
    if (why === 'asked') return exits.ok;
    note(terminal, 'the edge ended by itself; what it said stands above');
    return exits.refused;
  } finally {
    await core.stop();
  }
}

/** A key for the edge, and the JWKS that the core is to believe. */
async function newEdgeKey(): Promise<{edgeKey: string; jwks: string}> {
  const {privateKey, publicKey} = await generateKeyPair('EdDSA', {extractable: true});
  const named = async (key: CryptoKey): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid: 'local',
    alg: 'EdDSA',
  });
  return {
    edgeKey: JSON.stringify(await named(privateKey)),
    jwks: JSON.stringify({keys: [await named(publicKey)]}),
  };
}

async function tell({url, devKey}: Running, edge: EdgeProcess): Promise<void> {
  line(terminal, `\nCellState is ready.\n`);
  line(terminal, `  edge  ${edge.url}   (for clients)`);
  line(terminal, `  core  ${url}`);
  if (devKey === null) return line(terminal, '\nCtrl-C ends both.');
  await savePolicy(url, devKey);
  const id = `first-${Date.now().toString(36)}`;
  const bearer = `-H 'Authorization: Bearer ${devKey}'`;
  const body = JSON.stringify({name: 'My first trajectory', external_id: id});
  line(terminal, `  key   ${devKey}   (development tenant)`);
  line(
    terminal,
    `
Write something and keep its receipt:
  curl -sS ${edge.url}/api/v1/trajectories ${bearer} -H 'Content-Type: application/json' -H 'Prefer: receipt' -H 'Idempotency-Key: ${id}' -d '${body}' -o ${folder}/first.json

Read it back:
  curl -sS ${edge.url}/api/v1/trajectories/${id} ${bearer}

Verify the receipt, without the server:
  node -p 'JSON.stringify(require("./${folder}/first.json")._receipt)' | npx cellstate verify - --policy ${policyFile}

Ctrl-C ends both.`,
  );
}

const policyFile = `${folder}/policy`;

/** Whom a verifier is to believe: the development tenant's log key, as its owner knows it. */
async function savePolicy(url: string, key: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/log/key`, {headers: {authorization: `Bearer ${key}`}});
  const {shards} = (await answer.json()) as {shards: {vkey: string}[]};
  mkdirSync(folder, {recursive: true});
  writeFileSync(policyFile, `${shards.map(({vkey}) => `log ${vkey}\n`).join('')}quorum none\n`);
}

try {
  process.exit(await main());
} catch (error) {
  const {exit, message, isBug} = toldOf(error);
  note(terminal, `cellstate: ${isBug && error instanceof Error ? error.stack : message}`);
  process.exit(exit);
}
