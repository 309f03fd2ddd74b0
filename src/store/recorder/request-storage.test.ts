import { brotliCompressSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { anyBody, seededRandom } from '../../../test/support/any-json.ts';
import { copyIntoOlder } from '../../../test/support/older-database.ts';
import { freshDatabase, recordScript } from '../../../test/support/record-script.ts';
import { codexRequest, opening, plainAnswer, userMessage } from '../../../test/support/wire-script.ts';
import { openBodyReader } from '../body-reader.ts';
import { Connection } from '../connection.ts';
import { migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { openForReading } from '../open-database.ts';
import { Problems } from './problems.ts';
import { RequestMemory } from './request-memory.ts';
import { RequestStorage } from './request-storage.ts';
import { Writer } from './writer.ts';

const turnId = 'turn-aaaa-1';
const base = [...opening(turnId), userMessage('list the files', turnId)];
const said = (text: string, id: string): object => userMessage(text, turnId, id);

async function reading<T>(dbFile: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(dbFile, 'write');
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const count = async (connection: Connection, table: string): Promise<number> =>
  (await connection.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`))!.count;

const readRequest = async (dbFile: string, callId: string): Promise<string> =>
  reading(dbFile, async (connection) =>
    Buffer.from((await openBodyReader(connection).readWhole(callId, 'request'))!).toString(),
  );

test('what calls repeat is kept once; an edit and a compaction are other branches of one tree', async () => {
  const inputs = [
    base,
    [...base, said('and now?', 'msg_2')],
    [...base, said('and now?', 'msg_2'), said('more', 'msg_3')],
    [...base, said('edited', 'msg_2')],
    [base[0]!, said('summary', 'msg_4')],
  ];
  const { dbFile } = await recordScript((script) => {
    inputs.forEach((input, at) =>
      script.call(`ex-${at}`, { input }).answer(`ex-${at}`, plainAnswer('Yes.', `resp_${at}`)),
    );
  });

  for (const [at, input] of inputs.entries()) {
    expect(await readRequest(dbFile, `ex-${at}`)).toBe(JSON.stringify(codexRequest({ input }).body));
  }
  await reading(dbFile, async (connection) => {
    const forms = await connection.all("SELECT DISTINCT storage FROM bodies WHERE side = 'request'");
    const ends = await connection.all("SELECT DISTINCT node FROM bodies WHERE side = 'request'");
    expect(forms).toEqual([{ storage: 'template' }]);
    // Three opening items and five that came later.
    expect(await count(connection, 'nodes')).toBe(7);
    expect(await count(connection, 'items')).toBe(7);
    expect(ends).toHaveLength(5);
  });
});

test('instructions and tools of older versions are kept once', async () => {
  const instructions = 'You are a coding agent. '.repeat(500);
  const body = {
    instructions,
    tools: Array.from({ length: 40 }, (_, at) => ({ type: 'function', name: `tool_${at}` })),
  };
  const { dbFile } = await recordScript((script) => {
    for (const id of ['ex-1', 'ex-2', 'ex-3']) {
      script.call(id, { input: [...base, said(id, id)], body }).answer(id, plainAnswer('Yes.', id));
    }
  });

  expect(await readRequest(dbFile, 'ex-3')).toContain(instructions);
  await reading(dbFile, async (connection) => {
    expect(await connection.all('SELECT call_id, count(*) AS count FROM request_parts GROUP BY call_id')).toEqual(
      ['ex-1', 'ex-2', 'ex-3'].map((id) => ({ call_id: id, count: 2 })),
    );
    expect(await connection.all('SELECT count(DISTINCT item) AS count FROM request_parts')).toEqual([{ count: 2 }]);
    const longest = await connection.get("SELECT max(length(data)) AS bytes FROM bodies WHERE side = 'request'");
    expect(longest).toMatchObject({ bytes: expect.toSatisfy((bytes: number) => bytes < 1000) as number });
  });
});

test('nothing is put before the rows of the call itself: what refers to them would be refused, however busy the machine is', async () => {
  const { dbFile } = await recordScript(() => {});
  const body = Buffer.from(JSON.stringify({ instructions: 'Answer in few words. '.repeat(200), input: base }));
  await reading(dbFile, async (connection) => {
    const problems = new Problems();
    // Writes at once what it is given.
    const writer = new Writer(connection, problems, { flushAfterMs: 0 });
    const { columns } = await new RequestStorage(writer).store('ex-1', new RequestMemory().read('', body));
    await writer.close();

    expect(columns.storage).toBe('template');
    expect(problems.list()).toEqual([]);
    expect(await count(connection, 'items')).toBe(0);
    expect(await count(connection, 'request_parts')).toBe(0);
  });
});

test('any body comes back byte for byte (150 seeded ones, damaged ones among them)', async () => {
  const { headers } = codexRequest({});
  const bodies = Array.from({ length: 150 }, (_, seed) => {
    const random = seededRandom(seed);
    const body = anyBody(random);
    if (seed % 5 === 0) body[Math.floor(random() * body.length)] = 0xff;
    return body;
  });
  const { dbFile, report } = await recordScript((script) => {
    bodies.forEach((body, at) => {
      script.post(`ex-${at}`, { headers }, body).answer(`ex-${at}`, plainAnswer('Yes.', `resp_${at}`));
    });
  });

  expect(report.problems).toEqual([]);
  await reading(dbFile, async (connection) => {
    const reader = openBodyReader(connection, 1_000_000);
    for (const [at, body] of bodies.entries()) {
      const stored = await reader.readWhole(`ex-${at}`, 'request');
      expect(Buffer.from(stored ?? []).equals(body), `body ${at}`).toBe(true);
    }
    const whole = await connection.get(
      "SELECT count(*) AS count FROM bodies WHERE side = 'request' AND storage <> 'template'",
    );
    expect(whole).toMatchObject({ count: expect.toSatisfy((found: number) => found > 5 && found < 100) as number });
  });
});

test('a new run goes on where the conversation on disk ends', async () => {
  const { dbFile } = await recordScript((script) =>
    script.call('ex-1', { input: base }).answer('ex-1', plainAnswer('Yes.')),
  );
  const input = [...base, said('again', 'msg_2')];
  await recordScript((script) => script.call('ex-2', { input }).answer('ex-2', plainAnswer('Yes.', 'resp_2')), {
    dbFile,
    run: { id: 'run-2' },
  });

  expect(await readRequest(dbFile, 'ex-2')).toBe(JSON.stringify(codexRequest({ input }).body));
  await reading(dbFile, async (connection) => expect(await count(connection, 'nodes')).toBe(4));
});

test.each([
  ['an item that is gone', 'DELETE FROM items WHERE rowid = 2'],
  ['an item with other bytes', "UPDATE items SET storage = 'plain', data = x'7b7d' WHERE rowid = 2"],
  ['a node that is its own parent', 'UPDATE nodes SET parent = hash'],
  ['a template that is none', "UPDATE bodies SET data = x'00' WHERE storage = 'template'"],
])('%s makes an error that says so, not other bytes', async (_, damage) => {
  const { dbFile } = await recordScript((script) => script.call('ex-1').answer('ex-1', plainAnswer('Yes.')));
  await reading(dbFile, (connection) => connection.exec(damage));

  await expect(readRequest(dbFile, 'ex-1')).rejects.toMatchObject({ code: 'E_BODY_DAMAGED' });
});

test('a database of the first schema is brought forward with all that is in it', async () => {
  const { dbFile: source } = await recordScript((script) =>
    script.call('ex-1', { input: base }).wait(40).answer('ex-1', plainAnswer('Yes.')),
  );
  const body = JSON.stringify(codexRequest({ input: base }).body);
  const dbFile = await freshDatabase();
  await recordScript(() => null, { dbFile });
  await reading(dbFile, async (connection) => {
    const tables = await connection.all<{ name: string }>(
      // A virtual table first: it takes its shadow tables with it.
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC",
    );
    await connection.exec('PRAGMA foreign_keys = OFF; DROP VIEW search_entries; DROP VIEW exchange_headers');
    for (const { name } of tables) await connection.exec(`DROP TABLE IF EXISTS ${name}`);
    await connection.exec('PRAGMA user_version = 0; PRAGMA foreign_keys = ON');
    await migrate(connection, dbFile, migrations.slice(0, 1));
    await copyIntoOlder(connection, source, ['runs', 'exchanges', 'sessions', 'threads', 'turns', 'calls']);
    await connection.run(
      `INSERT INTO bodies SELECT call_id, side, content_encoding, wire_bytes, wire_sha256, decoded_bytes, decoded_sha256,
         stored_bytes, stored_sha256, masked, problem, 'brotli', ? FROM source.bodies WHERE side = 'request'`,
      [brotliCompressSync(body)],
    );
  });

  const connection = await openForReading(dbFile);
  const times = await connection.all('SELECT * FROM call_times');
  await connection.close();
  expect(await readRequest(dbFile, 'ex-1')).toBe(body);
  expect(times).toMatchObject([
    { call_id: 'ex-1', exchange_id: 'ex-1', request_order: 1, end_order: 2, first_token_ms: 70, ended: 'agentHungUp' },
  ]);
});
