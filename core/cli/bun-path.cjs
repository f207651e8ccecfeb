/**
 * Where the Bun that npm installed is: for the launcher, and printed for the scripts of package.json.
 *
 * Bun's install script moves the binary from the package of its platform to `node_modules/.bin`; where
 * npm did not run that script (npm 11 leaves them unapproved, `--ignore-scripts` skips them) the
 * platform's package still has it, and `.bin/bun` is a stub that prints an error and exits. So the
 * former place comes first, and nothing here writes: two commands may start at once.
 */
const {existsSync, readdirSync} = require('node:fs');
const {join} = require('node:path');

const modules = join(__dirname, '..', '..', 'node_modules');
const platforms = existsSync(join(modules, '@oven')) ? readdirSync(join(modules, '@oven')) : [];
const places = [
  ...platforms.map((platform) => join(modules, '@oven', platform, 'bin', 'bun')),
  join(modules, 'bun', 'bin', 'bun.exe'),
];
const bun = places.find((place) => existsSync(place));
if (bun === undefined) throw new Error('Bun is not installed: run `npm ci` first');
module.exports = bun;
if (require.main === module) process.stdout.write(bun);
