// The import table of ARCHITECTURE.md, held against the code: who may import whom, who owns which dependency, and how large a file is.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '../src');

// Left may import right; folders in one row do not import each other.
const layers = [
  ['cli'],
  ['app'],
  ['proxy', 'launch', 'ca', 'store', 'dump', 'deliver', 'deck', 'provider'],
  ['wire', 'redact', 'derive', 'agents', 'processes'],
  ['domain'],
  ['errors.ts', 'version.ts'],
];

// A dependency is imported by its owners only, so that it can be replaced in one place.
const owners: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli'],
  mockttp: ['proxy'],
  'cross-spawn': ['launch'],
  'node-forge': ['ca'],
  tldts: ['ca'],
  'better-sqlite3': ['store'],
  'eventsource-parser': ['wire'],
  'http-encoding': ['wire'],
};

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly target: string;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
);
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from\s+|import\s+|import\()'([^'$]+)'/g)].map((match) => match[1]!);
  return specifiers.map((target) => ({ file, folder: file.split('/')[0]!, target }));
});
const local = imports
  .filter(({ target }) => target.startsWith('.'))
  .map((found) => ({ ...found, to: relative(source, resolve(source, dirname(found.file), found.target)) }));

const layerOf = (folder: string): number => layers.findIndex((row) => row.includes(folder));

describe('the layers', () => {
  it('know every folder of src', () => {
    const folders = [...new Set(files.map((file) => file.split('/')[0]!))];
    expect(folders.filter((folder) => layerOf(folder) === -1)).toEqual([]);
  });

  it('are imported from left to right only', () => {
    const wrong = local.filter(({ folder, to }) => {
      const target = to.split('/')[0]!;
      return target !== folder && layerOf(target) <= layerOf(folder);
    });
    expect(wrong.map(({ file, to }) => `${file} → ${to}`)).toEqual([]);
  });

  it("are entered through a folder's door", () => {
    const doors = new Set(['app', 'cli']); // one file a thing that users do: each is a door of its own
    const wrong = local.filter(({ folder, to }) => {
      const [target = '', ...rest] = to.split('/');
      return target !== folder && rest.length > 0 && !doors.has(target) && rest.join('/') !== 'index.ts';
    });
    expect(wrong.map(({ file, to }) => `${file} → ${to}`)).toEqual([]);
  });
});

describe('dependencies', () => {
  const external = imports.filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'));
  const nameOf = (target: string): string =>
    target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');

  it('have an owner, and are imported by it alone', () => {
    const wrong = external.filter(({ folder, target }) => !owners[nameOf(target)]?.includes(folder));
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  it('are the ones that package.json names, each with a reason in docs/dependencies.md', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(source, '../package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    expect(Object.keys(dependencies!).sort()).toEqual(Object.keys(owners).sort());
    const reasons = readFileSync(join(source, '../docs/dependencies.md'), 'utf8');
    const unexplained = [...Object.keys(dependencies!), ...Object.keys(devDependencies!)].filter(
      (name) => !reasons.includes(`\`${name}\``),
    );
    expect(unexplained).toEqual([]);
  });
});

describe('files', () => {
  it('open by saying what they are for, and stay small', () => {
    const silent = files.filter((file) => !/^(\/\/|\/\*)/.test(readFileSync(join(source, file), 'utf8')));
    const long = files.filter((file) => readFileSync(join(source, file), 'utf8').split('\n').length > 420);
    expect({ silent, long }).toEqual({ silent: [], long: [] });
  });
});
