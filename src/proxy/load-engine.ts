// Loads the engine. The published program has it as one script, with mockttp in it, and V8's code cache of that script may be kept in the
// home: 60 ms instead of 200. From sources, and wherever that script is missing, it is imported as any module.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

import { openCodeCache, type CodeCache } from './code-cache.ts';

export interface LoadedEngine {
  readonly startEngine: (typeof import('./engine.ts'))['startEngine'];
  /** Keeps compiled code for the next run, if there is any to keep. `didServe`: the code of exchanges has run, too. Never throws. */
  keepCode(didServe: boolean): void;
}

/** `cacheFolder`: where compiled code is kept; null keeps none. Rejects where mockttp cannot be loaded. */
export async function loadEngine(cacheFolder: string | null): Promise<LoadedEngine> {
  const file = fileURLToPath(new URL('engine.cjs', import.meta.url));
  try {
    const source = readFileSync(file);
    return runScript(file, source, cacheFolder === null ? null : openCodeCache(cacheFolder, 'engine', source));
  } catch {
    const { startEngine } = await import('./engine.ts');
    return { startEngine, keepCode: () => undefined };
  }
}

function runScript(file: string, source: Buffer, cache: CodeCache | null): LoadedEngine {
  // esbuild writes ASCII only: one byte a character.
  const code = `(function (exports, require, module) {${source.toString('latin1')}\n})`;
  const script = new Script(code, { filename: file, ...(cache?.data ? { cachedData: cache.data } : {}) });
  const module = { exports: {} as Pick<LoadedEngine, 'startEngine'> };
  // What is not in the script is found as mockttp finds it, wherever a package manager has put that.
  const require = createRequire(createRequire(import.meta.url).resolve('mockttp/dist/server/http-combo-server'));
  (script.runInThisContext() as (...given: unknown[]) => void)(module.exports, require, module);
  const isRejected = script.cachedDataRejected === true;
  return {
    startEngine: module.exports.startEngine,
    keepCode(didServe) {
      if (cache === null || (cache.data !== null && !isRejected && (cache.didServe || !didServe))) return;
      cache.write(() => script.createCachedData(), didServe);
    },
  };
}
