import {globSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('every function that the story of a query names is there', () => {
  const story = readFileSync(`${root}/core/recall/README.md`, 'utf8');
  const named = [...story.matchAll(/`([a-z]+[A-Z]\w*|search|fill|gather|prepare)`/g)].map(
    ([, name]) => name,
  );
  const code = globSync('core/**/*.ts', {cwd: root}).map((path) =>
    readFileSync(`${root}/${path}`, 'utf8'),
  );
  expect(named.length).toBeGreaterThan(15);
  for (const name of named) {
    const declared = new RegExp(`function ${name}\\b|const ${name}\\b`);
    expect({name, isThere: code.some((text) => declared.test(text))}).toEqual({
      name,
      isThere: true,
    });
  }
});
