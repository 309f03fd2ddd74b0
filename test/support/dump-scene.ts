// A stand-in, a home for Codex, one for tapes, and a folder for its dumps: what a test of dumps from a real run of Codex opens with.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { startStandIn, type StandInOptions } from './chatgpt/index.ts';
import { makeCodexHome } from './codex.ts';
import { makeTapesHome, type Scene } from './tapes.ts';

export interface DumpScene extends Scene {
  readonly folder: string;
  close(): Promise<void>;
}

/** `options` may depend on the login that Codex has. */
export async function openDumpScene(
  options: StandInOptions | ((accessToken: string) => StandInOptions) = {},
): Promise<DumpScene> {
  const codex = makeCodexHome();
  const standIn = await startStandIn(typeof options === 'function' ? options(codex.tokens.accessToken) : options);
  const tapes = makeTapesHome();
  const folder = join(tapes.dir, 'dumps');
  mkdirSync(folder);
  return {
    standIn,
    codex,
    tapes,
    folder,
    async close() {
      tapes.remove();
      codex.remove();
      await standIn.close();
    },
  };
}
