process.stdout.write(require('../core/cli/bun-path.cjs'));
