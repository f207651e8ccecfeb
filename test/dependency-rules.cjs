/**
 * Who may import whom: the direction of the flow, as a table.
 *
 * Read twice, so that neither reader can fail silently: `layers.test.ts` gives it to
 * dependency-cruiser, `tidy.test.ts` applies it to imports found by a regular expression. Both plant
 * a break of each rule (`planted-breaks.ts`) and fail when it is not found; a new rule needs a plant.
 */
const pure = '^(core/(domain|text|pipeline/gates)|shared)/';
const keep = (name, from, outOf) => ({
  name,
  severity: 'error',
  from: {path: from},
  to: {path: outOf},
});

module.exports = {
  forbidden: [
    {name: 'no-circles', severity: 'error', from: {}, to: {circular: true}},
    {
      name: 'pure-code-has-no-io',
      severity: 'error',
      from: {path: pure},
      to: {dependencyTypes: ['core']},
    },
    // Bun's own modules are not in the checker's list of built-ins.
    keep('pure-code-knows-no-runtime', pure, '^(bun$|bun:)|node_modules/(@types/)?bun/'),
    keep(
      'pure-code-loads-no-driver',
      pure,
      '(^|node_modules/)(@types/)?(pg|lmdb|drizzle-orm|@electric-sql|@neondatabase)(/|$)',
    ),
    keep('shared-is-a-leaf', '^shared/', '^(core|edge|test)/'),
    keep('ledger-is-pure', '^shared/ledger/', '^shared/(?!ledger/)'),
    keep('edge-knows-only-shared', '^edge/', '^core/'),
    keep('core-knows-no-edge', '^core/', '^edge/'),
    keep('domain-is-pure', '^core/domain/', '^core/(?!domain/)'),
    keep('text-is-pure', '^core/text/', '^core/(?!text/)'),
    keep('gates-are-pure', '^core/pipeline/gates/', '^core/(?!domain/|text/|pipeline/gates/)'),
    keep(
      'store-serves',
      '^core/store/',
      '^core/(pipeline|ledger|recall|api|http|protocols|jobs|auth|packs|cli)/',
    ),
    keep(
      'pipeline-below-surfaces',
      '^core/(pipeline|ledger)/',
      '^core/(recall|api|http|protocols|jobs|packs|cli)/',
    ),
    keep(
      'recall-below-surfaces',
      '^core/recall/',
      '^core/(pipeline|ledger|api|http|protocols|jobs|packs|cli)/',
    ),
    keep('api-knows-no-surface', '^core/api/', '^core/(http|protocols|cli)/'),
    keep('protocols-never-import-routes', '^core/protocols/', '^core/http/'),
    keep('routes-never-import-protocols', '^core/http/', '^core/protocols/'),
    keep(
      'surfaces-go-through-api',
      '^core/(http|protocols|auth)/',
      '^core/(pipeline|ledger|recall|store)/',
    ),
    // They change state as anyone does: through api or pipeline.run. Only api calls recall.
    keep(
      'jobs-and-packs-go-through-api',
      '^core/(jobs|packs)/',
      '^core/(recall|http|protocols|cli)/',
    ),
    keep('only-roots-compose', '^core/(?!(app|main)\\.ts$|cli/)', '^core/(app|main)\\.ts$'),
    keep('no-tests-in-product', '^(core|edge|shared)/', '^test/'),
  ],
  // tsPreCompilationDeps sees `import type`. No tsConfig: one below the root makes the run fail.
  options: {tsPreCompilationDeps: true, doNotFollow: {path: 'node_modules'}},
};
