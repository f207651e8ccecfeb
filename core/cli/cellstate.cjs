#!/usr/bin/env node
/**
 * The command `cellstate`: `npx cellstate …` in a checkout, on a machine with Node and npm alone.
 *
 * The command line runs on Bun, which npm installed as a dependency. Node only finds it, starts it on
 * this same file and hands on its signals and its exit code.
 */
if (process.versions.bun !== undefined) {
  import('./cellstate.ts')
    .then(({main}) => main(process.argv))
    .catch((error) => {
      process.stderr.write(`cellstate: ${error.stack}\n`);
      process.exitCode = 1;
    });
} else {
  start();
}

function start() {
  let bun;
  try {
    bun = require('./bun-path.cjs');
  } catch (error) {
    process.stderr.write(`cellstate: ${error.message}\n`);
    process.exit(2);
  }
  const {spawn} = require('node:child_process');
  const {constants} = require('node:os');
  const child = spawn(bun, [__filename, ...process.argv.slice(2)], {stdio: 'inherit'});
  // A terminal sends Ctrl-C to both; whoever stops this process by its id means the child.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`cellstate: ${bun} does not start: ${error.message}\n`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}
