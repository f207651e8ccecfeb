import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {cruise, type ICruiseResult, type ICruiseOptions} from 'dependency-cruiser';
import {afterAll, describe, expect, test} from 'vitest';
import rules from './dependency-rules.cjs';
import {brokenTree, legalTree, type Planted} from './planted-breaks.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['core', 'edge', 'shared'];
const scratch: string[] = [];

afterAll(() => {
  for (const folder of scratch) rmSync(folder, {recursive: true});
});

type Looked = {readonly seen: ReadonlySet<string>; readonly broken: readonly Planted[]};

async function look(baseDir: string): Promise<Looked> {
  const options = {
    ...rules.options,
    baseDir,
    validate: true,
    ruleSet: {forbidden: rules.forbidden},
  } as ICruiseOptions;
  const present = folders.filter((folder) => existsSync(join(baseDir, folder)));
  const {output} = await cruise(present, options);
  const {modules, summary} = output as ICruiseResult;
  return {
    seen: new Set(modules.map(({source}) => source)),
    // A circle is reported once, from whichever of its files comes first.
    broken: summary.violations.flatMap(({rule, from, to, cycle}) =>
      [from, ...(cycle ?? []).map(({name}) => name)].map((at) => ({rule: rule.name, from: at, to})),
    ),
  };
}

function plant(files: ReadonlyMap<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  scratch.push(folder);
  for (const [path, text] of files) {
    mkdirSync(join(folder, dirname(path)), {recursive: true});
    writeFileSync(join(folder, path), text);
  }
  // Packages resolve as they do in the repository.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('the layers of the house', () => {
  test('no import goes against the flow, and no file went unseen', async () => {
    const {seen, broken} = await look(root);
    const onDisk = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, {cwd: root}));
    expect(broken).toEqual([]);
    expect(onDisk.length).toBeGreaterThan(0);
    expect(onDisk.filter((file) => !seen.has(file))).toEqual([]);
  });

  test('every planted break of every rule is found, also when it is only a type', async () => {
    const {files, breaks} = brokenTree();
    const {broken} = await look(plant(files));
    const found = new Set(broken.map(({rule, from}) => `${rule}: ${from}`));
    expect(breaks.filter(({rule, from}) => !found.has(`${rule}: ${from}`))).toEqual([]);
  });

  test('no rule is without a planted break', () => {
    const planted = new Set(brokenTree().breaks.map(({rule}) => rule));
    expect(rules.forbidden.map(({name}) => name).filter((name) => !planted.has(name))).toEqual([]);
  });

  test('an import that the flow allows breaks no rule', async () => {
    expect((await look(plant(legalTree().files))).broken).toEqual([]);
  });
});
