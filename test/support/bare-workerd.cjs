/**
 * Runs a bundled Worker in workerd alone, under Node: options as JSON in, one line with the URL out.
 *
 * `wrangler dev` puts a proxy of its own in front of the Worker, and that does not pass on that a
 * client has gone. The network of Cloudflare does, as this does.
 */
const {createRequire} = require('node:module');

// The one that this wrangler uses.
const {Miniflare} = createRequire(require.resolve('wrangler/package.json'))('miniflare');

const miniflare = new Miniflare(JSON.parse(process.argv[2]));
miniflare.ready.then((url) => process.stdout.write(`${url.origin}\n`));
// Whoever started it closes this when it ends, however it ends.
process.stdin.resume().on('end', () => miniflare.dispose().then(() => process.exit(0)));
