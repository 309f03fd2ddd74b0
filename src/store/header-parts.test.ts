import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { expect, test } from 'vitest';

import { seededRandom } from '../../test/support/any-json.ts';
import { copyIntoOlder } from '../../test/support/older-database.ts';
import { freshDatabase, openRunRecorder, recordScript } from '../../test/support/record-script.ts';
import { plainAnswer, WireScript } from '../../test/support/wire-script.ts';
import type { RawHeaders } from '../domain/index.ts';
import { Connection } from './connection.ts';
import { withLibrary } from './library.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { openForReading, openForWriting } from './open-database.ts';
import { rederive } from './rederive.ts';
import { SharedHeaders } from './header-parts.ts';

const installation = 'i'.repeat(300);

/** As Codex sends them: most are the same each time, one is long and the turn's, one is the call's. */
const requestOf = (call: number, more: RawHeaders = []): RawHeaders => [
  ['Version', '0.169.0'],
  ['x-codex-turn-metadata', JSON.stringify({ turn_id: `turn-${Math.floor(call / 5)}`, installation })],
  ['session-id', 'session-aaaa-1'],
  ['user-agent', 'codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)'],
  ['content-length', String(1000 + call)],
  ...more,
];

const responseOf = (call: number): RawHeaders => [
  ['Content-Type', 'text/event-stream; charset=utf-8'],
  ['Date', new Date(Date.UTC(2026, 10, 23, 12, 0, call)).toUTCString()],
  ['x-codex-primary-used-percent', '12'],
  ['x-codex-primary-window-minutes', '300'],
];

function writeCalls(script: WireScript, calls: number, request = requestOf): WireScript {
  for (let call = 0; call < calls; call++) {
    const id = `ex-${String(call).padStart(3, '0')}`;
    script.post(id, { headers: request(call) }, '{"input":[]}').head(id, { headers: responseOf(call) });
    script
      .data(
        id,
        plainAnswer('Hi.')
          .map((event) => `data: ${JSON.stringify(event)}\n\n`)
          .join(''),
      )
      .end(id);
  }
  return script;
}

interface ReadBack {
  readonly request: RawHeaders;
  readonly response: RawHeaders | null;
}

async function reading<T>(dbFile: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await openForReading(dbFile);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const readBack = (dbFile: string, ids: readonly string[]): Promise<ReadBack[]> =>
  withLibrary(dbFile, async (library) => {
    const all: ReadBack[] = [];
    for (const id of ids) {
      const { requestHeaders: request, responseHeaders: response } = (await library.readExchangeOf(id))!;
      all.push({ request, response });
    }
    return all;
  });

/** What somebody with the sqlite3 shell sees. */
const readView = (dbFile: string, ids: readonly string[]): Promise<ReadBack[]> =>
  reading(dbFile, async (connection) => {
    const all: ReadBack[] = [];
    for (const id of ids) {
      const sides = await Promise.all(
        ['request', 'response'].map((side) =>
          connection.all<{ name: string; value: string }>(
            'SELECT name, value FROM exchange_headers WHERE exchange_id = ? AND side = ? ORDER BY place',
            [id, side],
          ),
        ),
      );
      const [request, response] = sides.map((rows) => rows.map(({ name, value }) => [name, value] as const));
      all.push({ request: request!, response: response! });
    }
    return all;
  });

const idsOf = (dbFile: string): Promise<string[]> =>
  reading(dbFile, async (connection) => {
    const rows = await connection.all<{ id: string }>('SELECT id FROM exchanges ORDER BY id');
    return rows.map(({ id }) => id);
  });

const readSizes = (dbFile: string): Promise<{ parts: number; characters: number }> =>
  reading(dbFile, async (connection) => {
    const sizes = await connection.get<{ parts: number; characters: number }>(
      `SELECT (SELECT count(*) FROM header_parts) AS parts, (SELECT sum(length(headers)) FROM header_parts)
         + sum(length(request_headers) + length(response_headers)) AS characters FROM exchanges`,
    );
    return sizes!;
  });

const expected = (calls: number, request = requestOf): ReadBack[] =>
  Array.from({ length: calls }, (_, call) => ({ request: request(call), response: responseOf(call) }));

test('what the exchanges of a run share is kept once, and each comes back in its order and casing', async () => {
  const { dbFile, report } = await recordScript((script) => writeCalls(script, 50));
  const ids = await idsOf(dbFile);

  expect(report.problems).toEqual([]);
  expect(await readBack(dbFile, ids)).toEqual(expected(50));
  expect(await readView(dbFile, ids)).toEqual(expected(50));
  const whole = expected(50).reduce((sum, headers) => sum + JSON.stringify(headers).length, 0);
  const { parts, characters } = await readSizes(dbFile);
  // A list for each side, and the metadata of each turn behind the first.
  expect(parts).toBe(11);
  expect(characters).toBeLessThan(whole / 4);
});

test('secrets are masked in what is shared as in what is not', async () => {
  const secret = `sk-proj-${'Ab3dEf6hIj9kLm2n'.repeat(2)}`;
  const request = (call: number): RawHeaders => requestOf(call, [['Authorization', `Bearer ${secret}`]]);
  const { dbFile } = await recordScript((script) => writeCalls(script, 3, request));
  const [first, second] = await readBack(dbFile, await idsOf(dbFile));
  const parts = await reading(dbFile, (connection) => connection.all('SELECT headers FROM header_parts'));

  expect(first!.request.at(-1)).toEqual(['Authorization', expect.stringMatching(/^Bearer masked:/)]);
  expect(second!.request.at(-1)).toEqual(first!.request.at(-1));
  expect(JSON.stringify(parts)).toContain('masked:');
  expect(JSON.stringify(parts)).not.toContain(secret);
});

test('any headers come back as they were (40 runs of seeded ones)', async () => {
  const random = seededRandom(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const values = ['', '1', 'a', 'é', '"', '\\', '{}', '[]', 'null', 'x'.repeat(250), 'y'.repeat(300), `'; --`];
  const names = ['Accept', 'accept', 'x-a', 'X-A', 'set-cookie', 'set-cookie', '0', '$', '"q"'];
  const connection = await Connection.open('', 'create');
  await migrate(connection, 'a temporary database');
  for (let run = 0; run < 40; run++) {
    const shared = new SharedHeaders();
    const shapes = Array.from({ length: 3 }, () => Array.from({ length: Math.floor(random() * 9) }, () => pick(names)));
    for (let at = 0; at < 12; at++) {
      const headers: RawHeaders = pick(shapes).map((name) => [name, pick(values)]);
      const { parts, ...columns } = shared.share(headers);
      for (const { hash, headers: text } of parts) {
        await connection.run('INSERT INTO header_parts VALUES (?, ?) ON CONFLICT DO NOTHING', [hash, text]);
      }
      const id = `ex-${run}-${at}`;
      await connection.run(
        'INSERT OR IGNORE INTO runs (id, argv, cwd, version, hostname, pid, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        ['run', '[]', '/', '0', 'host', 1, ''],
      );
      await connection.run(
        `INSERT INTO exchanges (id, run_id, kind, method, scheme, host, port, path, http_version, request_headers, request_list,
           request_values, started_at, request_wire_bytes, response_wire_bytes, outcome)
         VALUES (?, 'run', 'http', 'GET', 'https', '', 443, '/', '2.0', ?, ?, ?, '', 0, 0, 'ended')`,
        [id, columns.headers, columns.list, columns.values],
      );
      const rows = await connection.all<{ name: string; value: string }>(
        'SELECT name, value FROM exchange_headers WHERE exchange_id = ? ORDER BY place',
        [id],
      );
      expect(rows.map(({ name, value }) => [name, value])).toEqual(headers);
    }
  }
  await connection.close();
});

test('where many values have come to stay, a newer list takes the place of the first', () => {
  const shared = new SharedHeaders();
  const listOf = (at: number): RawHeaders => [
    ['a', 'x'.repeat(100)],
    ['b', at === 0 ? 'old' : 'n'.repeat(150)],
    ['c', String(at)],
  ];
  const stored = Array.from({ length: 20 }, (_, at) => shared.share(listOf(at)));

  expect(new Set(stored.map(({ list }) => Buffer.from(list!).toString('hex'))).size).toBe(2);
  expect(stored[1]!.headers).toBe(JSON.stringify({ 1: 'n'.repeat(150), 2: '1' }));
  expect(stored[19]!.headers).toBe('{"2":"19"}');
});

test('a database of before is brought forward: its headers are read as they are, and new ones are shared', async () => {
  const { dbFile: source } = await recordScript((script) => writeCalls(script, 400));
  const ids = await idsOf(source);
  const dbFile = await freshDatabase();
  await mkdir(dirname(dbFile));
  const older = await Connection.open(dbFile, 'create');
  await older.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  await migrate(older, dbFile, migrations.slice(0, 3));
  const derived = ['runs', 'exchanges', 'sessions', 'threads', 'turns', 'calls'];
  await copyIntoOlder(older, source, [...derived, 'call_times', 'items', 'nodes', 'request_parts', 'bodies']);
  const [whole] = await older.all<{ request_headers: string }>('SELECT request_headers FROM exchanges ORDER BY id');
  expect(JSON.parse(whole!.request_headers)).toEqual(requestOf(0));
  await older.close();

  await (await openForWriting(dbFile, 1000)).close();
  expect(await readBack(dbFile, ids)).toEqual(expected(400));
  expect(await readView(dbFile, ids.slice(0, 20))).toEqual(expected(20));
  expect(await withLibrary(dbFile, (library) => library.verify(() => {}))).toMatchObject({
    exchanges: 400,
    problems: [],
  });
});

test.each([
  ['a part that is gone', "DELETE FROM header_parts WHERE headers LIKE '%content-length%'"],
  ['a part with other content', "UPDATE header_parts SET headers = '{}' WHERE headers LIKE '%content-length%'"],
  ['what is no JSON', "UPDATE exchanges SET request_headers = '{' WHERE request_list IS NOT NULL"],
])('%s is told and named, and no other headers are given', async (_, sql) => {
  const { dbFile } = await recordScript((script) => writeCalls(script, 2));
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(sql);
  await connection.close();

  await expect(readBack(dbFile, ['ex-001'])).rejects.toMatchObject({ code: 'E_BODY_DAMAGED' });
  const { problems } = await withLibrary(dbFile, (library) => library.verify(() => {}));
  expect(problems).toContainEqual(expect.objectContaining({ what: 'headers', id: 'ex-001' }));
  const { left } = await rederive(dbFile, () => {});
  expect(left.map(({ callId }) => callId)).toContain('ex-001');
  // The bodies are whole all the same.
  expect(await withLibrary(dbFile, (library) => library.readBody('ex-001', 'request'))).not.toBeNull();
});

test('a part with another hash is named', async () => {
  const { dbFile } = await recordScript((script) => writeCalls(script, 2));
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec("UPDATE header_parts SET headers = replace(headers, '0.169.0', '0.170.0')");
  await connection.close();

  const { problems } = await withLibrary(dbFile, (library) => library.verify(() => {}));
  expect(problems).toContainEqual(expect.objectContaining({ what: 'headers', message: 'this part has another hash' }));
});

test('a recorder counts on no part that was there before: each is put again with the exchange that names it', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile);
  await recorder.ready;
  const script = writeCalls(new WireScript(), 2);
  const [first, second] = [
    script.events.slice(0, script.events.length / 2),
    script.events.slice(script.events.length / 2),
  ];
  for (const event of first) recorder.push(event);
  await expect.poll(() => readEnded(dbFile)).toBe(1);
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec('DELETE FROM header_parts');
  await connection.close();
  for (const event of second) recorder.push(event);

  expect(await recorder.close()).toMatchObject({ problems: [] });
  expect(await readBack(dbFile, ['ex-001'])).toEqual(expected(2).slice(1));
});

const readEnded = (dbFile: string): Promise<number> =>
  reading(dbFile, async (connection) => {
    const sql = "SELECT count(*) AS ended FROM exchanges WHERE outcome = 'ended'";
    return (await connection.get<{ ended: number }>(sql))!.ended;
  });

test('a recorder of before that is still at work writes its lists whole, and they count', async () => {
  const { dbFile } = await recordScript((script) => writeCalls(script, 2));
  const connection = await Connection.open(dbFile, 'write');
  await connection.run("UPDATE exchanges SET request_headers = ? WHERE id = 'ex-001'", [JSON.stringify(requestOf(77))]);
  await connection.close();

  expect(await readBack(dbFile, ['ex-001'])).toEqual([{ request: requestOf(77), response: responseOf(1) }]);
  expect(await readView(dbFile, ['ex-001'])).toEqual([{ request: requestOf(77), response: responseOf(1) }]);
});

test('one exchange is looked up in the view without reading the others', async () => {
  const { dbFile } = await recordScript((script) => writeCalls(script, 2));
  const plan = await reading(dbFile, (connection) =>
    connection.all<{ detail: string }>(
      "EXPLAIN QUERY PLAN SELECT * FROM exchange_headers WHERE exchange_id = 'ex-001'",
    ),
  );

  expect(plan.filter(({ detail }) => detail.startsWith('SCAN exchanges'))).toEqual([]);
  expect(plan.filter(({ detail }) => detail.startsWith('SEARCH exchanges USING INDEX'))).toHaveLength(2);
});
