import { readdirSync } from 'node:fs';

import { expect, test } from 'vitest';

import { readCase } from '../../test/corpus/read-case.ts';
import { freshDatabase, openRunRecorder, recordScript } from '../../test/support/record-script.ts';
import {
  codexRequest,
  completed,
  created,
  itemDone,
  opening,
  plainAnswer,
  requestHead,
  sse,
  textDelta,
  userMessage,
  WireScript,
} from '../../test/support/wire-script.ts';
import { Connection } from './connection.ts';
import { migrations } from './migrations/index.ts';
import { rederive } from './rederive.ts';

const turnId = 'turn-aaaa-1';
const nothingChanged = { sessions: 0, threads: 0, turns: 0, calls: 0, search: 0 };

async function withDatabase<T>(dbFile: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(dbFile, 'write');
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const derivedRows = (dbFile: string): Promise<Record<string, unknown[]>> =>
  withDatabase(dbFile, async (connection) => ({
    sessions: await connection.all('SELECT * FROM sessions ORDER BY id'),
    threads: await connection.all('SELECT * FROM threads ORDER BY id'),
    turns: await connection.all('SELECT * FROM turns ORDER BY thread_id, id'),
    calls: await connection.all('SELECT * FROM calls ORDER BY id'),
    // In the order in which they are found.
    search: await connection.all('SELECT call_id, item_key, type, role, text FROM search_entries'),
  }));

const damage = (dbFile: string, sql: string): Promise<void> =>
  withDatabase(dbFile, (connection) => connection.exec(`PRAGMA foreign_keys = OFF; ${sql}`));

const toolCall = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'exec', arguments: '{"cmd":"ls"}' };
const toolOutput = { type: 'function_call_output', id: 'fco_1', call_id: 'call_1', output: 'README.md' };

/** Turns with tools, retries, a prewarm, a sub-agent, a title, errors, a hang-up, and a call that the end of the recorder cuts. */
function writeSession(script: WireScript): void {
  const said = [...opening(turnId), userMessage('list the files', turnId)];
  script
    .call('ex-0', { kind: 'prewarm', turn: '', input: [] })
    .answer('ex-0', [created('resp_0'), completed('resp_0')])
    .call('ex-1')
    .head('ex-1')
    .data('ex-1', sse(created()) + sse(textDelta('Half')))
    .abort('ex-1', 'upstream', { code: 'ECONNRESET', message: 'reset by peer' })
    .wait(30)
    .call('ex-2')
    .answer('ex-2', [created(), itemDone(toolCall), completed()])
    .call('ex-3', { input: [...said, toolCall, toolOutput] })
    .call('ex-t', {
      session: 'session-title',
      turn: 'turn-title',
      metadata: { thread_source: 'thread_title' },
      prompt: 'Make a title.\n\nUser prompt:\nlist the files',
    })
    .answer('ex-t', plainAnswer('{"title":"List the files"}', 'resp_t'))
    .call('ex-s', {
      thread: 'thread-child',
      turn: 'turn-child',
      metadata: { parent_thread_id: 'session-aaaa-1', agent_name: '/root/task_one', subagent_kind: 'thread_spawn' },
    })
    .answer('ex-3', plainAnswer('One file.', 'resp_3'))
    .answer('ex-s', plainAnswer('Child.', 'resp_s'))
    .call('ex-4', { turn: 'turn-2', prompt: 'and now?' })
    .head('ex-4', { status: 429, headers: [['x-codex-primary-used-percent', '100']] })
    .data('ex-4', '{"error":{"type":"usage_limit_reached","message":"You have reached your limit."}}')
    .end('ex-4')
    .post('ex-5', { headers: [['content-encoding', 'zstd']] }, 'this is no zstd frame')
    .answer('ex-5', plainAnswer('All the same.', 'resp_5'))
    .call('ex-6', { turn: 'turn-3', prompt: 'stop' })
    .head('ex-6')
    .data('ex-6', sse(textDelta('So ')))
    .abort('ex-6', 'agent')
    .call('ex-7', { turn: 'turn-4', prompt: 'the last one' })
    .head('ex-7')
    .data('ex-7', sse(textDelta('Not yet ')));
}

function writeSocket(script: WireScript): void {
  const exchangeId = 'ws';
  const { headers } = codexRequest({ session: 'session-ws' });
  const message = (from: 'agent' | 'upstream', event: object): unknown =>
    script.wait(7).add({
      type: 'socketMessage',
      exchangeId,
      from,
      isBinary: false,
      data: new TextEncoder().encode(JSON.stringify(event)),
    });
  const create = (turn: string, input: readonly object[], more: object = {}): unknown =>
    message('agent', {
      type: 'response.create',
      ...codexRequest({ session: 'session-ws', turn, input, body: more }).body,
    });
  script.add({
    type: 'socketOpened',
    exchangeId,
    request: requestHead({ method: 'GET', scheme: 'wss', headers }),
    response: { status: 101, reason: '', headers: [] },
  });
  create('turn-w', [...opening('turn-w'), userMessage('hello', 'turn-w')]);
  for (const event of [created('resp_w1'), itemDone(toolCall), completed('resp_w1')]) message('upstream', event);
  create('turn-w', [toolOutput], { previous_response_id: 'resp_w1' });
  message('upstream', textDelta('Given up '));
  create('turn-w', [toolOutput], { previous_response_id: 'resp_w1' });
  message('upstream', created('resp_w3'));
  script.add({ type: 'socketClosed', exchangeId, code: null, reason: '' });
}

async function record(): Promise<string> {
  const { dbFile } = await recordScript((script) => {
    writeSession(script);
    writeSocket(script);
  });
  const again = [...opening(turnId), userMessage('list the files', turnId), userMessage('resumed', 'turn-r', 'msg_r')];
  await recordScript(
    (script) =>
      script
        .call('ex-r', { turn: 'turn-r', input: again })
        .head('ex-r')
        .abort('ex-r', 'upstream', null)
        .call('ex-q', { turn: 'turn-r', input: again })
        .answer('ex-q', plainAnswer('Resumed.', 'resp_r')),
    { dbFile, run: { id: 'run-2', startedAt: Date.UTC(2026, 10, 24) }, at: Date.UTC(2026, 10, 24) },
  );
  return dbFile;
}

test('deriving again gives the same rows, in all their columns', async () => {
  const dbFile = await record();
  const before = await derivedRows(dbFile);
  const told: number[] = [];

  const report = await rederive(dbFile, ({ done }) => told.push(done));
  expect(await derivedRows(dbFile)).toEqual(before);
  expect(report).toEqual({ calls: 15, changed: nothingChanged, left: [] });
  expect(told.at(-1)).toBe(15);
  expect(before['calls']).toHaveLength(15);
  expect(before['calls']).toContainEqual(expect.objectContaining({ id: 'ex-2', attempt: 2 }));
  expect(before['sessions']).toContainEqual(expect.objectContaining({ title: 'List the files' }));
});

test('so it does for conversations that only their items tell apart', async () => {
  const say = (role: string, text: string): object => ({ type: 'message', role, content: [{ type: 'text', text }] });
  const ask = (input: object[], more: object = {}): string => JSON.stringify({ model: 'gpt-5', ...more, input });
  const { dbFile } = await recordScript((script) =>
    script
      .post('a-1', {}, ask([say('user', 'one')]))
      .post('b-1', {}, ask([say('user', 'two')]))
      .answer('b-1', plainAnswer('second', 'resp_b1'))
      .answer('a-1', plainAnswer('first', 'resp_a1'))
      .post('b-2', {}, ask([say('user', 'two'), say('assistant', 'second'), say('user', 'more')]))
      .answer('b-2', plainAnswer('third', 'resp_b2'))
      .post('a-2', {}, ask([say('user', 'on')], { previous_response_id: 'resp_a1' }))
      .answer('a-2', plainAnswer('fourth', 'resp_a2')),
  );
  const before = await derivedRows(dbFile);

  expect(before['threads']).toMatchObject([{ id: 'run-1' }, { id: 'run-1.2' }]);
  expect(await rederive(dbFile, () => {})).toEqual({ calls: 4, changed: nothingChanged, left: [] });
  expect(await derivedRows(dbFile)).toEqual(before);
});

test('so it does for each case of the corpus, in one recording', async () => {
  const corpus = new URL('../../test/corpus/codex/', import.meta.url);
  const names = readdirSync(corpus).sort();
  const { dbFile, report } = await recordScript((script) => {
    for (const name of names) {
      const { exchange, requestText, answer } = readCase(new URL(`${name}/`, corpus));
      script
        .post(name, { path: exchange.path, headers: exchange.requestHeaders }, requestText)
        .wait(25)
        .head(name, { status: exchange.status, headers: exchange.responseHeaders })
        .data(name, answer);
      if (exchange.ended === 'responseEnded') script.end(name);
      else script.abort(name, exchange.ended === 'agentHungUp' ? 'agent' : 'upstream');
    }
  });
  const before = await derivedRows(dbFile);

  expect(report.problems).toEqual([]);
  expect(await rederive(dbFile, () => {})).toEqual({ calls: names.length, changed: nothingChanged, left: [] });
  expect(await derivedRows(dbFile)).toEqual(before);
});

test.each([
  [
    'columns',
    "UPDATE calls SET output = '[]', status = 'failed', model = NULL, attempt = 9, turn_id = NULL, new_items = 0",
  ],
  [
    'titles and prompts',
    "UPDATE sessions SET title = NULL, cwd = 'elsewhere', last_at = '2020'; UPDATE turns SET prompt = NULL",
  ],
  ['a call', "DELETE FROM calls WHERE id = 'ex-2'"],
  ['sessions, threads and turns', 'DELETE FROM sessions; DELETE FROM threads; DELETE FROM turns'],
  ['what can be searched for', 'DELETE FROM search_items'],
  ['words', "UPDATE search_text SET text = 'other' WHERE rowid = 2; UPDATE search_items SET type = 'x' WHERE id = 3"],
  ['entries that nobody said', "INSERT INTO search_entries VALUES ('ex-2', 7, 'message', 'user', 'never said', 1)"],
  [
    'rows that nothing belongs to',
    "INSERT INTO turns VALUES ('session-aaaa-1', 'no-turn', 'session-aaaa-1', 'x', '2026')",
  ],
])('%s that were damaged are as they were again', async (_, sql) => {
  const dbFile = await record();
  const before = await derivedRows(dbFile);
  await damage(dbFile, sql);
  expect(await derivedRows(dbFile)).not.toEqual(before);

  const { changed } = await rederive(dbFile, () => {});
  expect(await derivedRows(dbFile)).toEqual(before);
  expect(Object.values(changed).some((count) => count > 0)).toBe(true);
  expect(await rederive(dbFile, () => {})).toMatchObject({ changed: nothingChanged });
});

test('what the migration knows of an older recording is enough', async () => {
  const dbFile = await record();
  const before = await derivedRows(dbFile);
  const { sql } = migrations[1]!;
  await damage(dbFile, `DELETE FROM call_times; ${sql.slice(sql.indexOf('WITH events'))}`);

  await rederive(dbFile, () => {});
  expect(await derivedRows(dbFile)).toEqual(before);
});

test('a call whose body is damaged is named, and its session stays as it was', async () => {
  const dbFile = await record();
  const before = await derivedRows(dbFile);
  await damage(dbFile, "UPDATE bodies SET storage = 'plain', data = x'61' WHERE call_id = 'ex-3' AND side = 'request'");

  const { left, changed } = await rederive(dbFile, () => {});
  expect(left).toEqual([{ callId: 'ex-3', message: expect.stringContaining('cannot be rebuilt') as string }]);
  expect(changed).toEqual(nothingChanged);
  expect(await derivedRows(dbFile)).toEqual(before);
});

test('nothing is derived while a run is being recorded', async () => {
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile);
  await recorder.ready;
  const script = new WireScript().call('ex-1');
  for (const event of script.events) recorder.push(event);

  const refusal = await rederive(dbFile, () => {}).catch((error: unknown) => error);
  await recorder.close();
  expect(refusal).toMatchObject({ code: 'E_DB_IN_USE' });
});

test('where nothing was recorded, nothing is made', async () => {
  await expect(rederive(await freshDatabase(), () => {})).rejects.toMatchObject({ code: 'E_DB_MISSING' });
});
