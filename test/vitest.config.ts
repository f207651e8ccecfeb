import {globSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {configDefaults, defineConfig} from 'vitest/config';
import {CountReporter} from './count-reporter.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

// Under Node the suite would pass on a runtime that the core never runs on.
if (!('Bun' in globalThis)) throw new Error('start the tests with `npm test`: they run inside Bun');

const isFast = process.env.FAST === '1';
const hasPostgres = /^postgres(ql)?:\/\//.test(process.env.DATABASE_URL ?? '');

/** A suffix says what a file requires; what is not at hand leaves it out, with a printed reason. */
const requirements = [
  {
    files: 'test/**/*.pg.test.ts',
    isMet: hasPostgres && !isFast,
    reason: isFast ? 'FAST=1' : 'DATABASE_URL is not a postgres:// URL',
  },
  {
    files: 'test/**/*.slow.test.ts',
    isMet: process.env.SLOW === '1' && !isFast,
    reason: isFast ? 'FAST=1' : 'SLOW=1 is not set',
  },
  {files: 'test/**/*.edge.test.ts', isMet: !isFast, reason: 'FAST=1'},
];
const unmet = requirements.filter(({isMet}) => !isMet);
const leftOut = unmet.flatMap(({files, reason}) => {
  const count = globSync(files, {cwd: root}).length;
  return count === 0 ? [] : [`${count} files ${files}, because ${reason}`];
});
for (const line of leftOut) console.warn(`NOT RUN: ${line}`);

export default defineConfig({
  root,
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...unmet.map(({files}) => files)],
    // Processes, not threads: lmdb and PGlite are native code, a crash or a `kill -9` must cost one
    // file, and under Bun a thread that dies takes the whole run and its report with it.
    pool: 'forks',
    // Each file opens its own database (about 1 s and 200 MB), and CI has two cores.
    maxWorkers: 2,
    // zod exports its namespace by name and as the default at once, which vitest under Bun takes
    // apart wrongly; as source it is loaded as everywhere else.
    server: {deps: {inline: ['zod']}},
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', new CountReporter(leftOut)],
  },
});
