// Exports that were damaged or made up: an import is refused in words, or it is whole. Each case makes two databases, so there are few in CI.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TapesError } from '../../../src/errors.ts';
import { importSessions } from '../../../src/store/index.ts';
import type { FuzzTarget } from '../case.ts';
import { must } from '../expectations.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapes-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const head = '{"type":"tapes-export","version":2,"sessions":["s"]}\n';
const run =
  '{"type":"runs","id":"r","agent":"codex","argv":"[]","cwd":"/","version":"1","started_at":"2026-11-23T12:00:00.000Z"}\n';

export const importing: FuzzTarget = {
  name: 'import',
  samples: [
    `${head}{"type":"end","records":0}\n`,
    `${head}${run}{"type":"end","records":1}\n`,
    `${head}${run}{"type":"items","hash":"00","bytes":1,"text":"x"}\n{"type":"end","records":2}\n`,
    `${head}{"type":"sessions","id":"../../x","title":"'; DROP TABLE runs;--"}\n{"type":"end","records":1}\n`,
  ].map((text) => Buffer.from(text)),
  words: [
    '"type":"bodies",',
    '"__proto__":1,',
    '"id":"\\u0000",',
    '"argv":{},',
    '}\n{',
    'null',
    '"version":99',
    '"started_at); --":1,',
  ],
  longest: 500,
  casesInCi: 300,
  async check({ input }) {
    const file = join(folder, `${randomUUID()}.db`);
    const lines = input.toString().split('\n');
    if (lines.at(-1) === '') lines.pop();
    try {
      await importSessions(file, iterate(lines));
    } catch (error) {
      must(error instanceof TapesError && error.code.startsWith('E_IMPORT'), `not refused in words: ${String(error)}`);
    } finally {
      for (const ending of ['', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
    }
  },
};

async function* iterate(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}
