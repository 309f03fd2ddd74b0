// What is found, and that nothing is in the index twice, however often an agent sends it again.
import { expect, test } from 'vitest';

import { recordScript } from '../../test/support/record-script.ts';
import {
  assistantMessage,
  completed,
  created,
  itemDone,
  opening,
  plainAnswer,
  sse,
  userMessage,
} from '../../test/support/wire-script.ts';
import { Connection } from './connection.ts';
import { withLibrary } from './library.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';

const turn = 'turn-aaaa-1';
const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'exec', arguments: '{"cmd":"ls walrus"}' };
const output = { type: 'function_call_output', id: 'fco_1', call_id: 'call_1', output: 'walrus.md' };
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'A walrus, then.' }] };

const entriesOf = async (dbFile: string): Promise<string[]> => {
  const connection = await Connection.open(dbFile, 'read');
  const rows = await connection.all<{ call_id: string; role: string; text: string }>(
    `SELECT call_id, role, text FROM search_items JOIN search_text ON search_text.rowid = search_items.id ORDER BY id`,
  );
  await connection.close();
  return rows.map((row) => `${row.call_id} ${row.role}: ${row.text}`);
};

const find = (dbFile: string, ...terms: string[]): Promise<string[]> =>
  withLibrary(dbFile, async (library) =>
    (await library.search({ terms, limit: 100 })).map(
      ({ callId, snippet }) => `${callId}: ${snippet.map(({ text, isHit }) => (isHit ? `[${text}]` : text)).join('')}`,
    ),
  );

test('each thing that was said is in the index once, at the call where it was new', async () => {
  const history = [...opening(turn), userMessage('find the walrus', turn), reasoning, call, output];
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', { prompt: 'find the walrus' })
      .answer('c1', [created(), itemDone(reasoning), itemDone(call, 1), completed()])
      .call('c2', { input: history })
      // Cut off, and tried again with what was done before the cut.
      .head('c2')
      .data('c2', '')
      .abort('c2', 'upstream', { code: 'ECONNRESET', message: 'reset' })
      .call('c3', { input: history })
      .answer('c3', [created('r3'), itemDone(assistantMessage('The walrus is here.', 'msg_3')), completed('r3')])
      .call('c4', {
        turn: 'turn-2',
        input: [...history, assistantMessage('The walrus is here.', 'msg_3'), userMessage('thanks', 'turn-2')],
      })
      .answer('c4', plainAnswer('Welcome.', 'r4')),
  );

  expect(await entriesOf(dbFile)).toEqual([
    'c1 user: find the walrus',
    'c1 assistant: A walrus, then.',
    'c1 assistant: exec\n{"cmd":"ls walrus"}',
    'c2 tool: walrus.md',
    'c3 assistant: The walrus is here.',
    'c4 user: thanks',
    'c4 assistant: Welcome.',
  ]);
  expect(await find(dbFile, 'WALRUS')).toEqual([
    'c3: The [walrus] is here.',
    'c2: [walrus].md',
    'c1: exec\n{"cmd":"ls [walrus]"}',
    'c1: A [walrus], then.',
    'c1: find the [walrus]',
  ]);
  expect(await find(dbFile, 'walrus is')).toEqual(['c3: The [walrus is] here.']);
  expect(await find(dbFile, 'is', 'walrus', 'here')).toEqual(['c3: The [walrus] [is] [here].']);
  expect(await find(dbFile, 'walrus', 'thanks')).toEqual([]);
});

test('a sub-agent that starts with a copy of the conversation adds only what is its own', async () => {
  const history = [...opening(turn), userMessage('find the walrus', turn), call, output];
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', { prompt: 'find the walrus' })
      .answer('c1', [created(), itemDone(call), completed()])
      .call('c2', { input: history })
      .answer('c2', plainAnswer('On it.', 'r2'))
      .call('sub', {
        thread: 'thread-child',
        turn: 'turn-child',
        metadata: { parent_thread_id: 'session-aaaa-1' },
        input: [...history, { type: 'agent_message', id: 'am_1', content: [{ type: 'input_text', text: 'go south' }] }],
      })
      .answer('sub', plainAnswer('Gone.', 'r3')),
  );

  expect((await entriesOf(dbFile)).filter((entry) => entry.startsWith('sub '))).toEqual([
    'sub assistant: go south',
    'sub assistant: Gone.',
  ]);
});

test('a conversation that began before tapes did is found whole', async () => {
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', {
        input: [
          ...opening(turn),
          userMessage('old question', 'turn-0'),
          assistantMessage('old answer', 'm0'),
          userMessage('new', turn),
        ],
      })
      .answer('c1', plainAnswer('Yes.')),
  );
  expect(await find(dbFile, 'old')).toEqual(['c1: [old] answer', 'c1: [old] question']);
});

test('title requests are not found: they repeat prompts', async () => {
  const { dbFile } = await recordScript((script) =>
    script
      .call('t1', { session: 's-title', metadata: { thread_source: 'thread_title' }, prompt: 'walrus' })
      .answer('t1', plainAnswer('{"title":"walrus"}')),
  );
  expect(await find(dbFile, 'walrus')).toEqual([]);
});

test.each([
  ['"'],
  ['a" OR text:b'],
  ['NEAR(walrus, 2)'],
  ['walrus*'],
  ['text : walrus'],
  ['{text} : walrus'],
  ['^walrus'],
  ['walrus AND NOT x'],
  ["'; DROP TABLE search_items; --"],
  ['\ud800zebra'],
  ['x'.repeat(100_000)],
])('what looks like syntax is looked for as it is: %j', async (term) => {
  const { dbFile } = await recordScript((script) =>
    script.call('c1', { prompt: 'walrus text b' }).answer('c1', plainAnswer('x')),
  );
  const found = await find(dbFile, term).catch((error: unknown) => error);
  expect(found).toEqual(/^[^\p{L}]*walrus[^\p{L}]*$/u.test(term) ? ['c1: [walrus] text b'] : []);
});

test('a thousand words are no problem', async () => {
  const { dbFile } = await recordScript((script) =>
    script.call('c1', { prompt: 'walrus' }).answer('c1', plainAnswer('x')),
  );
  expect(await find(dbFile, ...Array<string>(1000).fill('walrus'))).toHaveLength(1);
});

test('filters choose by session, role, type and time', async () => {
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', { prompt: 'walrus one' })
      .answer('c1', [created(), itemDone(call), completed()])
      .wait(60_000)
      .call('c2', { session: 'session-b', turn: 'turn-b', prompt: 'walrus two' })
      .answer('c2', plainAnswer('a walrus', 'r2')),
  );
  const count = (filter: object): Promise<number> =>
    withLibrary(dbFile, async (library) => (await library.search({ terms: ['walrus'], limit: 9, ...filter })).length);

  expect(await count({})).toBe(4);
  expect(await count({ limit: 3 })).toBe(3);
  expect(await count({ sessionId: 'session-b' })).toBe(2);
  expect(await count({ role: 'user' })).toBe(2);
  expect(await count({ type: 'message' })).toBe(3);
  expect(await count({ type: 'call' })).toBe(1);
  expect(await count({ type: 'function_call' })).toBe(1);
  expect(await count({ type: '*' })).toBe(0);
  expect(await count({ since: '2026-11-23T12:00:30.000Z' })).toBe(2);
});

test('what is deleted is found no more', async () => {
  const { dbFile } = await recordScript((script) =>
    script.call('c1', { prompt: 'walrus' }).answer('c1', plainAnswer('x')).call('c2', { turn: 't2', prompt: 'seal' }),
  );
  const connection = await Connection.open(dbFile, 'write');
  await connection.run("DELETE FROM calls WHERE id = 'c1'");
  await connection.close();
  expect(await find(dbFile, 'walrus')).toEqual([]);
  expect(await find(dbFile, 'seal')).toHaveLength(1);
});

test('what a dead run had of an answer is found once the next one has put it in order', async () => {
  const { dbFile } = await recordScript((script) =>
    script.call('c1', { prompt: 'seal' }).answer('c1', plainAnswer('x')),
  );
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(`
    UPDATE runs SET pid = 999999, pid_started = 'long ago', ended_at = NULL;
    UPDATE calls SET status = 'streaming', output = '[]';
    DELETE FROM search_items WHERE role = 'assistant';
    DELETE FROM bodies WHERE side = 'response';`);
  await connection.run("INSERT INTO response_chunks VALUES ('c1', 0, 5, ?)", [
    Buffer.from(sse(created()) + sse(itemDone(assistantMessage('a walrus')))),
  ]);
  await connection.close();
  expect(await find(dbFile, 'walrus')).toEqual([]);
  await recordScript(() => {}, { dbFile, run: { id: 'run-2' } });

  expect(await find(dbFile, 'walrus')).toEqual(['c1: a [walrus]']);
});

test('recordings from before there was an index are indexed when they are brought up to date', async () => {
  const history = [...opening(turn), userMessage('find the walrus', turn), reasoning, call, output];
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', { prompt: 'find the walrus' })
      .answer('c1', [created(), itemDone(reasoning), itemDone(call, 1), completed()])
      .call('c2', { input: history })
      .answer('c2', plainAnswer('Here.', 'r2')),
  );
  const before = await entriesOf(dbFile);
  const index = migrations.findIndex(({ name }) => name === '003-index-questions');
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(`
    DROP VIEW search_entries; DROP TABLE search_items; DROP TABLE search_text;
    DROP INDEX calls_sums; DROP INDEX calls_without_turn; DROP INDEX bodies_size;
    CREATE INDEX calls_session ON calls (session_id); CREATE INDEX calls_turn ON calls (turn_id);
    ALTER TABLE runs DROP COLUMN kind; ALTER TABLE runs DROP COLUMN proxy_run_id;
    DELETE FROM migrations WHERE name >= '003-index-questions'; PRAGMA user_version = ${index}`);
  await migrate(connection, dbFile);
  await connection.close();

  expect(await entriesOf(dbFile)).toEqual(before);
});
