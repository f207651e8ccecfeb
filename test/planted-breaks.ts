/**
 * For each rule of `dependency-rules.cjs`, files that break it, one import each.
 *
 * A `from` is a file and a `to` is what it imports; every pair is planted, so that each branch of a
 * rule's pattern is seen to fire and not only its first.
 */
type Plant = {readonly from: readonly string[]; readonly to: readonly string[]};
export type Planted = {readonly rule: string; readonly from: string; readonly to: string};

const pure = ['core/domain', 'core/text', 'core/pipeline/gates', 'shared', 'shared/ledger'];
const surfaces = [
  'core/api',
  'core/http',
  'core/protocols/mcp',
  'core/jobs',
  'core/packs',
  'core/cli',
];
const outside = ['core/store', 'core/auth', 'core/telemetry', ...surfaces];

const plants: Readonly<Record<string, Plant>> = {
  'no-circles': {from: ['core/recall', 'shared/wire'], to: ['itself']},
  'pure-code-has-no-io': {from: pure, to: ['node:fs', 'node:crypto', 'fs']},
  'pure-code-knows-no-runtime': {from: pure, to: ['bun', 'bun:sqlite', 'bun:ffi']},
  'pure-code-loads-no-driver': {
    from: pure,
    to: ['pg', 'lmdb', 'drizzle-orm/pg-core', '@electric-sql/pglite', '@neondatabase/serverless'],
  },
  'shared-is-a-leaf': {
    from: ['shared', 'shared/wire'],
    to: ['core/domain', 'edge', 'test/support'],
  },
  'ledger-is-pure': {from: ['shared/ledger'], to: ['shared', 'shared/wire', 'shared/client']},
  'edge-knows-only-shared': {from: ['edge'], to: ['core', 'core/domain']},
  'core-knows-no-edge': {from: ['core', 'core/http'], to: ['edge']},
  'domain-is-pure': {
    from: ['core/domain'],
    to: ['core', 'core/text', 'core/pipeline', 'core/ledger', 'core/recall', ...outside],
  },
  'text-is-pure': {
    from: ['core/text'],
    to: ['core', 'core/domain', 'core/pipeline', 'core/ledger', 'core/recall', ...outside],
  },
  'gates-are-pure': {
    from: ['core/pipeline/gates'],
    to: ['core', 'core/pipeline', 'core/ledger', 'core/recall', ...outside],
  },
  'store-serves': {
    from: ['core/store', 'core/store/postgres', 'core/store/lmdb'],
    to: ['core/pipeline', 'core/ledger', 'core/recall', 'core/auth', ...surfaces],
  },
  'pipeline-below-surfaces': {
    from: ['core/pipeline', 'core/ledger'],
    to: ['core/recall', ...surfaces],
  },
  'recall-below-surfaces': {
    from: ['core/recall'],
    to: ['core/pipeline', 'core/ledger', ...surfaces],
  },
  'api-knows-no-surface': {
    from: ['core/api'],
    to: ['core/http', 'core/protocols/a2a', 'core/cli'],
  },
  'protocols-never-import-routes': {from: ['core/protocols/agui'], to: ['core/http']},
  'routes-never-import-protocols': {from: ['core/http'], to: ['core/protocols/stream']},
  'surfaces-go-through-api': {
    from: ['core/http', 'core/protocols/a2ui', 'core/auth'],
    to: ['core/pipeline', 'core/ledger', 'core/recall', 'core/store'],
  },
  'jobs-and-packs-go-through-api': {
    from: ['core/jobs', 'core/packs'],
    to: ['core/recall', 'core/http', 'core/protocols/mcp', 'core/cli'],
  },
  'only-roots-compose': {
    from: ['core', 'core/api', 'core/http', 'core/store', 'core/jobs'],
    to: ['core/app.ts', 'core/main.ts'],
  },
  'no-tests-in-product': {from: ['core', 'edge', 'shared'], to: ['test/support', 'test/core']},
};

/** Imports that the flow allows: a rule that fires on one of these is too wide. */
const allowed: readonly Plant[] = [
  {from: ['core/main.ts', 'core/cli'], to: ['core/app.ts']},
  {
    from: ['core/app.ts'],
    to: ['core/http', 'core/protocols/mcp', 'core/api', 'core/store/postgres', 'core/auth'],
  },
  {from: ['core/http', 'core/protocols/mcp', 'core/jobs', 'core/packs'], to: ['core/api']},
  {from: ['core/jobs', 'core/packs', 'core/api'], to: ['core/pipeline']},
  {from: ['core/api'], to: ['core/recall', 'core/ledger', 'core/store', 'core/domain']},
  {
    from: ['core/pipeline', 'core/ledger', 'core/recall'],
    to: ['core/store', 'core/domain', 'core/text', 'shared/wire'],
  },
  {from: ['core/pipeline/gates'], to: ['core/domain', 'core/text', 'shared']},
  {from: ['core/store/postgres'], to: ['core/store', 'core/domain', 'pg', 'node:fs', 'bun']},
  {from: ['edge', 'core/domain', 'core/text'], to: ['shared', 'shared/wire', 'shared/ledger']},
  {from: ['shared/wire', 'shared/client'], to: ['shared', 'shared/ledger']},
];

const isFile = (place: string): boolean => place.endsWith('.ts');
const isOurs = (place: string): boolean => /^(core|edge|shared|test)(\/|$)/.test(place);

/** Files of a tree in which each pair of `plants` stands alone, by path. */
export type PlantedTree = {
  readonly files: ReadonlyMap<string, string>;
  readonly breaks: readonly Planted[];
};

function plantAll(groups: readonly (readonly [string, Plant])[]): PlantedTree {
  const files = new Map<string, string>();
  const breaks: Planted[] = [];
  // A folder stands for a file of its own, so that no two plants form a path by accident.
  const target = (place: string, name: string): string =>
    isFile(place) || !isOurs(place) ? place : `${place}/${name}-target.ts`;
  const specifier = (from: string, to: string): string =>
    isOurs(to) ? `${'../'.repeat(from.split('/').length - 1)}${to}`.replace(/^(?!\.)/, './') : to;

  for (const [rule, plant] of groups) {
    for (const [fromIndex, fromPlace] of plant.from.entries()) {
      for (const [toIndex, toPlace] of plant.to.entries()) {
        // One pair is imported as a value and the same pair as a type: both must be seen.
        for (const keyword of ['import', 'import type']) {
          const name = `${rule}-${fromIndex}-${toIndex}-${keyword === 'import' ? 'value' : 'type'}`;
          const from = isFile(fromPlace) ? fromPlace : `${fromPlace}/${name}.ts`;
          const to = toPlace === 'itself' ? `${fromPlace}/${name}-back.ts` : target(toPlace, name);
          const line = `${keyword} {a as a${files.size}} from '${specifier(from, to)}';\n`;
          files.set(from, `${files.get(from) ?? 'export const a = 1;\n'}${line}`);
          if (toPlace === 'itself') files.set(to, `export {a} from './${name}.ts';\n`);
          else if (isOurs(to) && !files.has(to)) files.set(to, 'export const a = 1;\n');
          breaks.push({rule, from, to});
        }
      }
    }
  }
  return {files, breaks};
}

/** A tree that breaks every rule, and the list of the breaks that must be found in it. */
export const brokenTree = (): PlantedTree => plantAll(Object.entries(plants));

/** A tree in which every import is legal. */
export const legalTree = (): PlantedTree => plantAll(allowed.map((plant) => ['legal', plant]));
