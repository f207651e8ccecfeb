/**
 * The rules of the house that no other tool checks, and a second, independent look at the layers.
 *
 * Imports are read with a regular expression, so that a checker that quietly sees no file (as
 * dependency-cruiser does under a TypeScript it does not know) is found out. Every rule is shown a
 * planted break of itself, and must find it.
 */
import {globSync, readFileSync} from 'node:fs';
import {builtinModules} from 'node:module';
import {join, posix} from 'node:path';
import {fileURLToPath} from 'node:url';
import ts from 'typescript';
import {describe, expect, test} from 'vitest';
import layers from './dependency-rules.cjs';
import {brokenTree, legalTree, type Planted} from './planted-breaks.ts';

/** Fewer files of product than this, and the search itself is broken. */
const minFilesCount = 10;
const longFileLines = 300;
const longFunctionLines = 70;

/** Files that nobody imports because somebody starts them; those of package.json are added. */
const entryPoints = ['core/main.ts', 'core/cli/start.ts', 'edge/worker.ts'];
/** Their hosts ask for a default export: wrangler and vitest. */
const defaultExports = ['edge/worker.ts', 'test/vitest.config.ts'];

type Tree = ReadonlyMap<string, string>;
type Rule = {
  readonly claim: string;
  readonly find: (tree: Tree) => readonly string[];
  readonly plants: readonly (readonly [path: string, text: string])[];
};

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const paths = globSync('{core,edge,shared,test}/**/*.{ts,cts,cjs}', {cwd: root}).toSorted();
const tree: Tree = new Map(paths.map((path) => [path, read(path)]));
const product = (path: string): boolean => /^(core|edge|shared)\//.test(path);

const importPatterns = [
  /^[ \t]*(?:import|export)\b[^;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g,
  /\bnew URL\(\s*['"](\.[^'"]+)['"],\s*import\.meta\.url/g,
];

/** What a file imports: our own files as paths from the root, packages by their specifier. */
function importsOf(path: string, text: string): readonly string[] {
  const found = importPatterns.flatMap((pattern) => [...text.matchAll(pattern)]);
  return found.map(([, specifier = '']) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
  );
}

// Bun lists modules of its own among the built-ins, and some of npm's that it replaces.
const builtins = new Set(builtinModules.filter((name) => !/^(bun|ws|undici)\b/.test(name)));
const isBuiltin = (name: string): boolean => name.startsWith('node:') || builtins.has(name);

function layerBreaks(files: Tree): readonly Planted[] {
  const graph = new Map<string, readonly string[]>();
  for (const [path, text] of files) if (product(path)) graph.set(path, importsOf(path, text));

  const isInCircle = (start: string): boolean => {
    const seen = new Set<string>();
    const open = [...(graph.get(start) ?? [])];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === start) return true;
      if (!seen.has(at)) open.push(...(graph.get(at) ?? []));
      seen.add(at);
    }
    return false;
  };
  const breaks: Planted[] = [];
  for (const {name: rule, from, to} of layers.forbidden) {
    const fromPath = new RegExp(from.path ?? '');
    const toPath = to.path === undefined ? undefined : new RegExp(to.path);
    for (const [path, targets] of graph) {
      if (!fromPath.test(path)) continue;
      if (to.circular === true && isInCircle(path)) breaks.push({rule, from: path, to: path});
      for (const target of targets) {
        const isBroken = toPath?.test(target) ?? (to.dependencyTypes && isBuiltin(target));
        if (isBroken === true) breaks.push({rule, from: path, to: target});
      }
    }
  }
  return breaks;
}

const nodesByText = new Map<string, readonly ts.Node[]>();

function nodesOf(path: string, text: string): readonly ts.Node[] {
  const known = nodesByText.get(text);
  if (known !== undefined) return known;
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true));
  nodesByText.set(text, nodes);
  return nodes;
}

const place = (path: string, text: string, offset: number): string =>
  `${path}:${text.slice(0, offset).split('\n').length}`;

/** Finds nodes of the syntax tree. */
const syntax =
  (isIn: (path: string) => boolean, isBreak: (node: ts.Node) => boolean): Rule['find'] =>
  (files) =>
    [...files].flatMap(([path, text]) =>
      !isIn(path)
        ? []
        : nodesOf(path, text)
            .filter(isBreak)
            .map(
              (node) => `${place(path, text, node.getStart())}: ${node.getText().split('\n')[0]}`,
            ),
    );

/** Finds passages of the text, comments included. */
const passage =
  (isIn: (path: string) => boolean, pattern: RegExp): Rule['find'] =>
  (files) =>
    [...files].flatMap(([path, text]) =>
      isIn(path)
        ? [...text.matchAll(pattern)].map(
            ({0: hit, index}) => `${place(path, text, index)}: ${hit}`,
          )
        : [],
    );

const named =
  (isBreak: (path: string) => boolean): Rule['find'] =>
  (files) =>
    [...files.keys()].filter(isBreak);

const everywhere = (path: string): boolean => path !== 'test/tidy.test.ts';
const fileName = (path: string): string => posix.basename(path);
const isAsset = (path: string): boolean => /\.(json|sql|txt|wasm)$/.test(path);
const isEmptyFunction = (node: ts.Node | undefined): boolean =>
  node !== undefined &&
  ts.isArrowFunction(node) &&
  (ts.isBlock(node.body) ? node.body.statements.length === 0 : node.body.getText() === 'undefined');

function isMember(node: ts.Node, object: string, member?: string): boolean {
  if (!ts.isPropertyAccessExpression(node) || node.expression.getText() !== object) return false;
  return member === undefined || node.name.text === member;
}

function orphans(files: Tree): readonly string[] {
  const started = [
    ...read('package.json').matchAll(/\b(?:core|edge|shared)\/[\w/-]+\.(?:ts|cjs)/g),
  ];
  const reached = new Set([...entryPoints, ...started.map(([path]) => path)]);
  for (const [path, text] of files) {
    for (const target of importsOf(path, text)) if (target !== path) reached.add(target);
  }
  return [...files.keys()].filter((path) => product(path) && !reached.has(path));
}

const rules: readonly Rule[] = [
  {
    claim: 'no file is named for nothing in particular',
    find: named((path) => /\b(utils?|helpers?|managers?|common|misc)\b/.test(path)),
    plants: [
      ['core/api/utils.ts', ''],
      ['core/helpers/a.ts', ''],
      ['shared/pack-manager.ts', ''],
      ['test/support/common.ts', ''],
      ['core/misc.ts', ''],
    ],
  },
  {
    claim: 'no folder has a barrel',
    find: named((path) => /^index\.\w+$/.test(fileName(path))),
    plants: [['core/domain/index.ts', '']],
  },
  {
    claim: 'file names are kebab-case',
    find: named((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(fileName(path))),
    plants: [
      ['core/appendEvents.ts', ''],
      ['core/append_events.ts', ''],
    ],
  },
  {
    claim: 'product code logs through the logger',
    find: syntax(
      (path) => product(path) && !path.startsWith('core/cli/'),
      (node) => isMember(node, 'console'),
    ),
    plants: [['core/app.ts', 'console.log(1);']],
  },
  {
    claim: 'a known gap is an issue, not a comment',
    find: passage(everywhere, /\b(TODO|FIXME)\b.*/g),
    plants: [
      ['core/app.ts', '// TODO later'],
      ['core/main.ts', '/* FIXME */'],
    ],
  },
  {
    claim: 'a message says what was attempted and why it did not happen',
    find: syntax(
      product,
      (node) =>
        (ts.isStringLiteralLike(node) || ts.isTemplateTail(node)) &&
        /\sfailed[.!]?$/i.test(node.text),
    ),
    plants: [
      ['core/a.ts', "throw new Error('commit failed');"],
      ['core/b.ts', 'throw new Error(`${name} Failed.`);'],
    ],
  },
  {
    claim: 'exports have names',
    find: syntax(
      (path) => path.endsWith('.ts') && !defaultExports.includes(path),
      (node) => ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword,
    ),
    plants: [
      ['core/a.ts', 'export default 1;'],
      ['core/b.ts', 'export default function f() {}'],
    ],
  },
  {
    claim: 'no any, no non-null assertion, no enum',
    find: syntax(
      everywhere,
      (node) =>
        node.kind === ts.SyntaxKind.AnyKeyword ||
        ts.isNonNullExpression(node) ||
        ts.isEnumDeclaration(node),
    ),
    plants: [
      ['core/a.ts', 'const a = b as any;'],
      ['core/b.ts', 'const a = b!.c;'],
      ['core/c.ts', "enum A {b = 'b'}"],
    ],
  },
  {
    claim: 'no catch swallows what it caught',
    find: syntax(
      product,
      (node) =>
        (ts.isCatchClause(node) && node.block.statements.length === 0) ||
        (ts.isCallExpression(node) &&
          node.expression.getText().endsWith('.catch') &&
          isEmptyFunction(node.arguments[0])),
    ),
    plants: [
      ['core/a.ts', 'try { a(); } catch { /* fine */ }'],
      ['core/b.ts', 'a().catch(() => {});'],
      ['core/c.ts', 'a().catch(() => undefined);'],
    ],
  },
  {
    claim: 'a check is switched off with a reason',
    find: passage(
      everywhere,
      /(?:(?:ox|es)lint-disable(?!.* -- \S)|@ts-(?:ignore|nocheck)|@ts-expect-error(?! \S{3,})).*/g,
    ),
    plants: [
      ['core/a.ts', '// oxlint-disable-next-line eqeqeq'],
      ['core/b.ts', '// @ts-ignore because'],
      ['core/c.ts', '// @ts-expect-error'],
    ],
  },
  {
    claim: 'the environment is read once, in core/config.ts',
    find: syntax(
      (path) => product(path) && !/^core\/(config\.ts|cli\/)/.test(path),
      (node) => ['process', 'Bun', 'import.meta'].some((object) => isMember(node, object, 'env')),
    ),
    plants: [
      ['core/a.ts', 'export const url = process.env.URL;'],
      ['core/b.ts', "export const url = Bun.env['URL'];"],
    ],
  },
  {
    claim: 'every import of our own names a file that is there',
    find: (files) =>
      [...files].flatMap(([path, text]) =>
        (product(path) ? importsOf(path, text) : [])
          .filter((target) => product(target) && !files.has(target) && !isAsset(target))
          .map((target) => `${path}: ${target}`),
      ),
    plants: [
      ['core/a.ts', "import {b} from './b.ts';"],
      ['core/c.ts', "import {d} from './c';"],
    ],
  },
  {
    claim: 'every file is imported by another or is an entry point',
    find: orphans,
    plants: [['core/domain/forgotten.ts', 'export const a = 1;']],
  },
];

describe('the house is tidy', () => {
  for (const {claim, find, plants} of rules) {
    test(claim, () => expect(find(tree)).toEqual([]));

    test(`found when planted: ${claim}`, () => {
      expect(plants.filter((plant) => find(new Map([plant])).length === 0)).toEqual([]);
    });
  }
});

describe('the layers, read a second time', () => {
  test('no import goes against the flow', () => expect(layerBreaks(tree)).toEqual([]));

  test('every planted break of every rule is found', () => {
    const {files, breaks} = brokenTree();
    const found = new Set(layerBreaks(files).map(({rule, from}) => `${rule}: ${from}`));
    expect(breaks.filter(({rule, from}) => !found.has(`${rule}: ${from}`))).toEqual([]);
  });

  test('an import that the flow allows breaks no rule', () => {
    expect(layerBreaks(legalTree().files)).toEqual([]);
  });

  test('the search saw the files of the house', () => {
    expect(paths.filter(product).length).toBeGreaterThan(minFilesCount);
  });

  test('the regular expression misses no import that a parser sees', () => {
    const missed = [...tree].flatMap(([path, text]) => {
      const found = new Set(importPatterns.flatMap((p) => [...text.matchAll(p)].map(([, s]) => s)));
      const names = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
      return names.filter((name) => !found.has(name)).map((name) => `${path}: ${name}`);
    });
    expect(missed).toEqual([]);
  });
});

test('files and functions that want a second look are reported, and nothing more', () => {
  const long: string[] = [];
  for (const [path, text] of tree) {
    if (!product(path)) continue;
    const lines = text.split('\n').length - 1;
    if (lines > longFileLines) long.push(`${path}: ${lines} lines`);
    for (const node of nodesOf(path, text).filter(ts.isFunctionLike)) {
      const [start, end] = [node.getStart(), node.getEnd()];
      const height = text.slice(start, end).split('\n').length;
      if (height > longFunctionLines) {
        long.push(`${place(path, text, start)}: a function of ${height} lines`);
      }
    }
  }
  if (long.length > 0) console.info(`Look twice:\n  ${long.join('\n  ')}`);
});
