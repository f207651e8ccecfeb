/** E1: what the edge adds, the Worker under workerd on this machine. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {startEdge} from '../../../core/cli/edge-process.ts';
import {newEdgeKeys} from '../../support/tiers.ts';
import {startCore} from '../core-process.ts';
import {figure, rowOf} from '../row.ts';
import {notesIn} from './r1.ts';

const connections = 32;
const root = resolve(import.meta.dirname, '../../..');

/** The configuration in force but for the limits of its rate bindings, which load runs raise. */
function configFile(folder: string): string {
  const file = join(folder, 'wrangler.toml');
  const text = readFileSync(join(root, 'wrangler.toml'), 'utf8')
    .replace('main = "', `main = "${root}/`)
    .replaceAll(/limit = \d+/g, 'limit = 6000000');
  writeFileSync(file, text);
  return file;
}

export const e1 = rowOf({
  id: 'E1',
  about: 'edge over core, added p50, 32 connections',
  measure: 'value',
  unit: 'ms',
  floor: null,
  must: 2,
  goal: 1,
  async setup(world) {
    const {edgeKey, jwks} = await newEdgeKeys('bench');
    const environment = {CELLSTATE_EDGE_JWKS: jwks};
    const core = await startCore({databaseUrl: await world.server.fresh('edge'), environment});
    world.onClose(() => core.stop());
    const {key} = await core.tenant('edge');
    const folder = mkdtempSync(join(tmpdir(), 'cellstate-edge-'));
    const edge = await startEdge({
      port: 0,
      coreUrl: core.url,
      edgeKey,
      corsOrigins: '',
      folder,
      configFile: configFile(folder),
      complain: () => {},
    });
    world.onClose(async () => {
      await edge.stop();
      rmSync(folder, {recursive: true, force: true});
    });
    return {edgeUrl: edge.url, notes: await notesIn(world, core, key, 1_000)};
  },
  async once({edgeUrl, notes}, world) {
    const load = await world.load();
    const {runMs, warmMs} = world.scale;
    const asking = {is: 'pairs', key: notes.key, paths: notes.paths, other: edgeUrl} as const;
    const {ms, otherMs} = await load.run({
      url: notes.url,
      connections,
      warmMs,
      runMs,
      seed: world.seed,
      asking,
    });
    if (otherMs === null) throw new Error('the edge was not asked');
    return figure(otherMs.p50 - ms.p50, {
      p99_added: otherMs.p99 - ms.p99,
      core_p50: ms.p50,
      edge_p50: otherMs.p50,
    });
  },
});
