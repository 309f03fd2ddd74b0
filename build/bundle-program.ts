// Makes the program that is published (`program/`) of the sources: a few files instead of two hundred, because each module costs what runs it
// 0.4 ms, and the engine's packages 150 ms (docs/discoveries/start-up.md). Types are checked by `tsc`, and nothing is renamed or left out.
//   npx tsx build/bundle-program.ts
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const target = join(root, 'program');

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.17',
  outdir: target,
  logLevel: 'warning',
};

/** What mockttp needs for certificates, which tapes does not ask it for: loaded when it is first touched. */
const loadedWhenTouched = ['@peculiar/asn1-schema', '@peculiar/asn1-x509', '@peculiar/x509'];

const wasMet = new Set<string>();

/** In the place of such a package: its exports, each of which loads it. Names are read from the package, so that none can be missing. */
const whenTouched: Plugin = {
  name: 'load-when-touched',
  setup(bundle) {
    const filter = new RegExp(`^(${loadedWhenTouched.join('|')})$`);
    bundle.onResolve({ filter }, ({ path, kind, resolveDir, namespace }) => {
      if (namespace === 'when-touched') return { path, external: true };
      wasMet.add(path);
      if (kind !== 'require-call') throw new Error(`${path} is asked for by ${kind}, which cannot be put off`);
      return { path, namespace: 'when-touched', pluginData: resolveDir };
    });
    bundle.onLoad({ filter, namespace: 'when-touched' }, ({ path, pluginData }) => {
      const module: unknown = createRequire(join(pluginData as string, 'file.js'))(path);
      if (typeof module !== 'object' || module === null) throw new Error(`${path} exports no object`);
      const contents = `
        let module;
        const load = () => (module ??= require('${path}'));
        for (const name of ${JSON.stringify(Object.keys(module))}) {
          Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });
        }`;
      return { contents, resolveDir: pluginData as string };
    });
  },
};

rmSync(target, { recursive: true, force: true });
const modules = {
  ...shared,
  format: 'esm',
  metafile: true,
  // What every command needs is in the bundle, too; these are loaded by those that need them, or belong to the engine.
  external: ['cross-spawn', 'http-encoding', 'mockttp', 'node-forge', 'better-sqlite3', 'tldts'],
  // For packages in CommonJS.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
} as const satisfies BuildOptions;
const program = await build({ ...modules, splitting: true, entryPoints: { main: 'src/cli/main.ts' } });
// A thread reads one file, and shares none with the commands: what two of them share would be cut into more.
const threads = await build({
  ...modules,
  entryPoints: {
    'recorder-thread': 'src/store/recorder/recorder-thread.ts',
    'dump-thread': 'src/dump/live/dump-thread.ts',
  },
});
// One script with mockttp in it, which a code cache can be kept of (src/proxy/load-engine.ts).
const engine = await build({
  ...shared,
  entryPoints: { engine: 'src/proxy/engine.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  plugins: [whenTouched],
});
const unmet = loadedWhenTouched.filter((name) => !wasMet.has(name));
if (unmet.length > 0) throw new Error(`mockttp does not ask for ${unmet.join(', ')} any more: look at what it loads`);
writeFileSync(join(target, 'licenses.txt'), licensesOf([program.metafile, threads.metafile, engine.metafile]));

/** The licence of each package that is in a bundle, as it asks for. */
function licensesOf(bundles: readonly Metafile[]): string {
  const inputs = bundles.flatMap((bundle) => Object.keys(bundle.inputs));
  const folders = new Set(inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
        readonly name: string;
        readonly version: string;
        readonly license?: string;
      };
      const files = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
      const texts = files.map((file) => join(root, folder, file)).filter((file) => existsSync(file));
      return [`${name} ${version}: ${license ?? 'see below'}`, ...texts.map((file) => readFileSync(file, 'utf8'))].join(
        '\n\n',
      );
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}
