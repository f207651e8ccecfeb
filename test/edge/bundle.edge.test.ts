/** The Worker as it is uploaded: small, and without anything that only Node has. */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {afterAll, expect, test} from 'vitest';

const limitBytes = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'cellstate-bundle-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

test('the bundle is at most 1 MiB when compressed, and asks for no built-in of Node', () => {
  const wrangler = 'node_modules/wrangler/bin/wrangler.js';
  const args = [wrangler, 'deploy', '--dry-run', '--env', '', '--outdir', folder];
  const env = {...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder};
  execFileSync('node', args, {env, stdio: 'pipe'});
  const bundle = readFileSync(join(folder, 'worker.js'));
  expect(gzipSync(bundle).length).toBeLessThanOrEqual(limitBytes);
  // esbuild leaves what it cannot bundle as imports.
  expect(
    bundle.toString().match(/^import .*|\bfrom ?["']node:.*|require\(["']node:.*/gm) ?? [],
  ).toEqual([]);
});
