// Exports that were damaged or made up: an import is refused in words, or it is whole. What decodes them is their lines' reader; the database behind
// it is tried too, in fewer cases, because each makes two databases.
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TapesError } from '../../../src/errors.ts';
import { Connection } from '../../../src/store/connection.ts';
import { importSessions } from '../../../src/store/index.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { nodeHash } from '../../../src/store/request-items.ts';
import { ImportLines } from '../../../src/store/transfer/import-lines.ts';
import type { ImportRecord } from '../../../src/store/transfer/import-lines.ts';
import { readColumns } from '../../../src/store/transfer/import-sessions.ts';
import { splitLines } from '../../../src/store/transfer/split-lines.ts';
import { cutCase } from '../case.ts';
import type { FuzzCase, FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapes-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const schema = await Connection.open('', 'create');
await migrate(schema, 'the temporary database');
const columns = await readColumns(schema);
await schema.close();

const head = '{"type":"tapes-export","version":2,"sessions":["s"]}\n';
const run =
  '{"type":"runs","id":"r","agent":"codex","argv":"[]","cwd":"/","version":"1","started_at":"2026-11-23T12:00:00.000Z"}\n';
const hash = createHash('sha256').update('x').digest();
const good = [
  `{"type":"items","hash":"${hash.toString('hex')}","bytes":1,"data":"x"}`,
  `{"type":"nodes","hash":"${nodeHash(null, hash).toString('hex')}","parent":null,"item":"${hash.toString('hex')}"}`,
  '{"type":"exchanges","id":"e","run_id":"r","request_headers":"[[\\"a\\",\\"b\\"]]","response_headers":null}',
  '{"type":"bodies","call_id":"c","side":"request","storage":"whole","data":{"base64":"/w=="},"chunk_times":null}',
  '{"type":"response_chunks","call_id":"c","seq":1,"at_ms":0.5,"data":"data: é\u2028\\n"}',
];

const shared: Pick<FuzzTarget, 'samples' | 'words' | 'longest'> = {
  samples: [
    `${head}{"type":"end","records":0}\n`,
    `${head}${run}{"type":"end","records":1}\n`,
    `${head}${run}{"type":"items","hash":"00","bytes":1,"text":"x"}\n{"type":"end","records":2}\n`,
    `${head}{"type":"sessions","id":"../../x","title":"'; DROP TABLE runs;--"}\n{"type":"end","records":1}\n`,
    ...good.map((line) => `${head}${line}\n{"type":"end","records":1}\n`),
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
    '"data":{"base64":"gA=="},',
    '"chunk_times":{"base64":"gP8BAg=="},',
    '"storage":"template",',
  ],
  longest: 500,
};

/** Of a line at most; some samples are longer. */
const maxBytes = 300;

export const importLines: FuzzTarget = {
  name: 'import',
  ...shared,
  async check(fuzzed) {
    const whole = await read([fuzzed.input]);
    // Most cases are decoded in one piece: cutting is the lines' own affair, and costs a turn of the loop for each.
    if (fuzzed.seed % 4 === 0) mustEqual(await read(cutCase(fuzzed)), whole, 'cut, the file says something else');
    checkRecords(fuzzed, whole);
  },
};

interface Read {
  readonly records: readonly ImportRecord[];
  readonly sessions: readonly string[] | null;
  readonly refused: string | null;
}

async function read(chunks: readonly Uint8Array[]): Promise<Read> {
  const lines = new ImportLines(columns);
  const records: ImportRecord[] = [];
  try {
    for await (const line of splitLines(chunks, 'a file', maxBytes)) {
      const record = lines.push(line);
      if (record !== null) records.push(record);
    }
    return { records, sessions: lines.end(), refused: null };
  } catch (error) {
    mustBeRefusal(error);
    return { records, sessions: null, refused: error.message };
  }
}

function checkRecords({ input }: FuzzCase, { records, sessions, refused }: Read): void {
  must((sessions === null) === (refused !== null), 'neither refused nor whole');
  for (const { table, row, number } of records) {
    const known = columns.get(table);
    must(known !== undefined && number >= 2, 'a record of no table, or of the first line');
    // What becomes part of a statement.
    must(
      Object.keys(row).every((column) => known.has(column)),
      'a column that is none of the table',
    );
    const bad = Object.entries(row).find(([column, value]) => value instanceof Uint8Array !== (known.get(column) === 'BLOB') && value !== null); // prettier-ignore
    must(bad === undefined, `a value is not of its column's type: ${bad?.[0]}`);
  }
  if (refused !== null) return;
  const lines = input.toString().split('\n');
  must(lines.filter((line) => line !== '').length === records.length + 2, 'a line was passed over');
  must(
    lines.every((line) => Buffer.byteLength(line) <= 3 * maxBytes),
    'a line is longer than it may be',
  );
}

function mustBeRefusal(error: unknown): asserts error is TapesError {
  must(error instanceof TapesError && error.code.startsWith('E_IMPORT'), `not refused in words: ${String(error)}`);
}

export const importDatabase: FuzzTarget = {
  name: 'import-database',
  ...shared,
  // Not a decoder: what it decodes with is tried above.
  casesInCi: 300,
  async check({ input }) {
    const file = join(folder, `${randomUUID()}.db`);
    try {
      await importSessions(file, splitLines([input], 'a file'));
    } catch (error) {
      mustBeRefusal(error);
    } finally {
      for (const ending of ['', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
    }
  },
};
