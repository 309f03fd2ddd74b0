// Starts a module of ours in a thread, from a build or from sources.
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * `module`: beside `base`, without its ending. Nothing that the thread might print reaches the agent's terminal, and it does not keep the
 * process alive.
 */
export function startThread(module: string, base: string, workerData: unknown): Worker {
  const { code, isSource } = threadCode(module, base);
  const worker = new Worker(code, { workerData, eval: isSource, execArgv: [], stdout: true, stderr: true });
  worker.stdout.resume();
  worker.stderr.resume();
  worker.unref();
  return worker;
}

/** A build has plain JavaScript. From sources (tests, development) tsx must be registered first: Node 20 ignores --import in a worker. */
function threadCode(module: string, base: string): { code: URL | string; isSource: boolean } {
  if (!fileURLToPath(base).endsWith('.ts')) return { code: new URL(`${module}.js`, base), isSource: false };
  // require.resolve finds the CommonJS twin of the module that is meant.
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const file = new URL(`${module}.ts`, base).href;
  return { code: `import('${loader}').then((tsx) => { tsx.register(); return import('${file}'); })`, isSource: true };
}
