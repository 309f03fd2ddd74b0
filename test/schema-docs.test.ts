// docs/schema.md is what the migrations make, and every query in it runs.
import { readFileSync } from 'node:fs';
import { onTestFinished, describe, expect, it, vi } from 'vitest';
import { Connection } from '../src/store/connection.ts';
import { freshDatabase, openRunRecorder } from './support/record-script.ts';
import { listTables, listViews, makeSchemaDocs, remakeSchemaDocs, withEmptyDatabase } from './support/schema-docs.ts';
import { schemaExamples } from './support/schema-examples.ts';
import { created, plainAnswer, sse, textDelta, userMessage, WireScript } from './support/wire-script.ts';

const document = readFileSync(new URL('../docs/schema.md', import.meta.url), 'utf8');
const documented = [...document.matchAll(/^## (\w+)$/gm)].map(([, name]) => name!);

describe('docs/schema.md', () => {
  it('is what the migrations make now', async () => {
    expect((await makeSchemaDocs()) === document, `docs/schema.md is stale: run ${remakeSchemaDocs}`).toBe(true);
  });

  it('has a section with an example for each table and view, and none for one that is gone', async () => {
    const tables = await withEmptyDatabase(async (connection) =>
      [...(await listTables(connection)), ...(await listViews(connection))].sort(),
    );
    expect(Object.keys(schemaExamples).sort(), 'change test/support/schema-examples.ts').toEqual(tables);
    for (const [table, { question, sql }] of Object.entries(schemaExamples)) {
      const section = document.split(/^## /m).find((text) => text.startsWith(`${table}\n`)) ?? '';
      expect(section).toContain(`${question}:\n\n\`\`\`sql\n${sql}\n\`\`\``);
      expect(sql).toMatch(new RegExp(`\\b${table}\\b`));
    }
    expect(documented).toEqual(expect.arrayContaining(tables));
  });

  it('says of each column what the comment in the SQL says, also of added ones and of tables that were altered', () => {
    expect(document).toContain('| `pid_started` | TEXT | tells this process from a later one with the same pid |');
    expect(document).toContain('| `side` | TEXT PRIMARY KEY (2) | request \\| response |');
    expect(document).toContain('| `node` | BLOB |');
    expect(document).toMatch(/^Request and response of a call: .*\. Storage may now be deflate-1, or template: /m);
    expect(document).toContain('- index `bodies_size` on (side, decoded_bytes)');
  });
});

describe('the example queries', () => {
  it('run on a database in which nothing has been recorded', async () => {
    await withEmptyDatabase(async (connection) => {
      for (const { sql } of Object.values(schemaExamples)) expect(await connection.all(sql)).toBeInstanceOf(Array);
    });
  });

  it('find something in a recording', async () => {
    const connection = await recordABit();
    const empty: string[] = [];
    for (const [table, { sql }] of Object.entries(schemaExamples)) {
      if ((await connection.all(sql)).length === 0) empty.push(table);
    }
    // Nothing puts a row there yet.
    expect(empty).toEqual(['meta']);
  });
});

/** A run that still goes on: two calls of one conversation, a sub-agent's, and one that streams. */
async function recordABit(): Promise<Connection> {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, { run: { startedAt: Date.now() } });
  onTestFinished(() => recorder.close().then(() => undefined));
  const script = new WireScript(Date.now());
  const body = { instructions: 'Answer in few words. '.repeat(200) };
  const input = [userMessage('list the files', 'turn-1')];
  const client = { address: '127.0.0.1', port: 50_000 };
  script
    .open('agent', client)
    .call('ex-1', { turn: 'turn-1', input, body, client })
    .answer('ex-1', plainAnswer('Two.'))
    .call('ex-2', { turn: 'turn-2', input: [...input, userMessage('and now?', 'turn-2')], body })
    .answer('ex-2', plainAnswer('Still two.', 'resp_2'))
    .call('ex-3', { thread: 'thread-sub', turn: 'turn-3', metadata: { parent_thread_id: 'session-aaaa-1' } })
    .answer('ex-3', plainAnswer('Done.', 'resp_3'))
    .call('ex-4', { turn: 'turn-4', prompt: 'count' })
    .head('ex-4')
    .data('ex-4', sse(created('resp_4')))
    .data('ex-4', sse(textDelta('1 ')));
  for (const event of script.events) recorder.push(event);
  await recorder.ready;
  const connection = await Connection.open(dbFile, 'read');
  onTestFinished(() => connection.close());
  await vi.waitFor(async () => {
    expect(await connection.all("SELECT 1 FROM response_chunks WHERE call_id = 'ex-4'")).not.toEqual([]);
  });
  return connection;
}
