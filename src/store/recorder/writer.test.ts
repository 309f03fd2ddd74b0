import { expect, test } from 'vitest';

import type { ExchangeRow } from '../rows.ts';
import { Problems } from './problems.ts';
import { Writer } from './writer.ts';

/** A connection that fails as it is told, and remembers what was committed. */
class FakeConnection {
  readonly committed: unknown[][] = [];
  failures: (string | null)[];
  #open: unknown[][] = [];

  constructor(failures: (string | null)[] = []) {
    this.failures = failures;
  }

  async run(sql: string, values: readonly unknown[] = []): Promise<void> {
    this.#open.push([sql.split(' ').slice(0, 3).join(' '), ...values.slice(0, 2)]);
    await Promise.resolve();
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    this.#open = [];
    const result = await work();
    const failure = this.failures.shift();
    if (failure) throw Object.assign(new Error(`${failure}: as told`), { code: failure });
    this.committed.push(...this.#open);
    return result;
  }
}

const row = (id: string, outcome: ExchangeRow['outcome'] = 'open'): ExchangeRow => ({
  id,
  run_id: outcome,
  kind: 'http',
  method: 'POST',
  scheme: 'https',
  host: 'chatgpt.com',
  port: 443,
  path: '/',
  http_version: '2.0',
  request_headers: '[]',
  request_list: null,
  request_values: null,
  response_headers: null,
  response_list: null,
  response_values: null,
  status: null,
  reason: null,
  started_at: '2026-11-23T12:00:00.000Z',
  request_ended_ms: null,
  response_started_ms: null,
  ended_ms: null,
  request_wire_bytes: 0,
  response_wire_bytes: 0,
  messages_sent: 0,
  messages_received: 0,
  outcome,
  error_code: null,
  error_message: null,
  started_us: null,
  agent_connection: null,
  provider_connection: null,
  provider_heads: null,
  mark_lengths: null,
  provider_request_ms: null,
  provider_response_ms: null,
});

const open = (connection: FakeConnection, options = {}): { writer: Writer; problems: Problems } => {
  const problems = new Problems();
  return { writer: new Writer(connection, problems, { flushAfterMs: 5, retryAfterMs: 5, ...options }), problems };
};

test('a row that changes often is written once', async () => {
  const connection = new FakeConnection();
  const { writer } = open(connection);
  writer.put('exchanges', row('a'));
  writer.put('exchanges', row('b'));
  writer.put('exchanges', row('a', 'ended'));
  await writer.close();

  expect(connection.committed).toEqual([
    ['INSERT INTO exchanges', 'a', 'ended'],
    ['INSERT INTO exchanges', 'b', 'open'],
  ]);
});

test.each(['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_CANTOPEN'])(
  'after %s all is written once it has passed, the newest of each row',
  async (code) => {
    const connection = new FakeConnection([code, code]);
    const { writer, problems } = open(connection);
    writer.countEvent();
    writer.put('exchanges', row('a'));
    writer.appendChunk('call', 0, Buffer.from('one '));
    const first = writer.flush();
    writer.put('exchanges', row('a', 'ended'));
    writer.appendChunk('call', 9, Buffer.from('two'));
    expect(await first).toBe(false);
    await writer.close();

    expect(connection.committed).toEqual([
      ['INSERT INTO exchanges', 'a', 'ended'],
      ['INSERT INTO response_chunks', 'call', 0],
    ]);
    expect(problems.list()).toEqual([]);
  },
);

test('a disk that stays full is told once with what was lost', async () => {
  const connection = new FakeConnection(Array.from({ length: 1000 }, () => 'SQLITE_FULL'));
  const { writer, problems } = open(connection, { deadline: () => performance.now() - 1 });
  for (let at = 0; at < 12; at++) {
    writer.countEvent();
    writer.put('exchanges', row(`exchange-${at}`));
  }
  await writer.close();

  expect(problems.list()).toEqual(['the disk is full: 12 events lost']);
  expect(problems.dropped).toBe(12);
});

test('behind a row that must wait all others wait: none is written before what it refers to', async () => {
  // Something in the batch is refused; then, one by one, the first row meets a lock.
  const connection = new FakeConnection(['SQLITE_CONSTRAINT', 'SQLITE_BUSY']);
  const { writer, problems } = open(connection);
  writer.put('exchanges', row('a'));
  writer.put('exchanges', row('b'));
  writer.run('UPDATE calls', ['a']);
  expect(await writer.flush()).toBe(false);
  expect(connection.committed).toEqual([]);
  await writer.close();

  expect(connection.committed.map(([sql]) => sql)).toEqual([
    'INSERT INTO exchanges',
    'INSERT INTO exchanges',
    'UPDATE calls',
  ]);
  expect(problems.list()).toEqual([]);
});

test('a corrupt file ends writing, and what comes later is counted too', async () => {
  const connection = new FakeConnection(['SQLITE_CORRUPT']);
  const { writer, problems } = open(connection);
  writer.countEvent();
  writer.put('exchanges', row('a'));
  await writer.flush();
  for (let at = 0; at < 3; at++) {
    writer.countEvent();
    writer.put('exchanges', row('b'));
    writer.put('exchanges', row('c'));
  }
  await writer.room();
  await writer.close();

  expect(connection.committed).toEqual([]);
  expect(problems.list()).toEqual(['the database is corrupt: 4 events lost']);
});

test('chunks that are taken back were either written or are given, never both', async () => {
  const connection = new FakeConnection();
  const { writer } = open(connection);
  writer.appendChunk('call', 0, Buffer.from('one '));
  const flushing = writer.flush();
  writer.appendChunk('call', 1, Buffer.from('two '));
  writer.appendChunk('call', 2, Buffer.from('three'));
  const { rowsOnDisk, pending } = await writer.takeChunks('call');
  await flushing;
  await writer.close();

  expect(rowsOnDisk).toBe(1);
  expect(Buffer.concat([...pending]).toString()).toBe('two three');
  expect(connection.committed).toEqual([['INSERT INTO response_chunks', 'call', 0]]);
});

test('room is given once the disk has followed', async () => {
  const connection = new FakeConnection();
  const { writer } = open(connection, { flushAfterMs: 10_000, limitBytes: 100 });
  writer.appendChunk('call', 0, new Uint8Array(200));
  await writer.room();

  expect(connection.committed).toHaveLength(1);
});

test('what comes while a slow write is going on is written right after it', async () => {
  const connection = new FakeConnection();
  const { promise: slow, resolve: goOn } = deferred();
  const transaction = connection.transaction.bind(connection);
  const writing = deferred();
  connection.transaction = async (work) => {
    writing.resolve();
    await slow;
    return transaction(work);
  };
  const { writer } = open(connection, { flushAfterMs: 5 });
  writer.put('exchanges', row('ex-1'));
  await writing.promise;
  writer.put('exchanges', row('ex-2'));
  // The second batch becomes due meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 20));
  goOn();

  await expect.poll(() => connection.committed.map(([, id]) => id)).toEqual(['ex-1', 'ex-2']);
  await writer.close();
});

const never = 60 * 60 * 1000;

test('what must not wait is written after this turn of the event loop, with all that was put in it', async () => {
  const connection = new FakeConnection();
  const { writer } = open(connection, { flushAfterMs: never });
  writer.put('exchanges', row('a'));
  writer.hurry();
  writer.put('exchanges', row('b'));

  await expect.poll(() => connection.committed.map(([, id]) => id)).toEqual(['a', 'b']);
  await writer.close();
});

test('many that are in a hurry one after another share transactions', async () => {
  const connection = new FakeConnection();
  let transactions = 0;
  const transaction = connection.transaction.bind(connection);
  connection.transaction = (work) => {
    transactions += 1;
    return transaction(work);
  };
  const { writer } = open(connection, { flushAfterMs: never });
  const ids = Array.from({ length: 50 }, (_, at) => `ex-${at}`);
  for (const id of ids) {
    writer.put('exchanges', row(id));
    writer.hurry();
    await new Promise((resolve) => setImmediate(resolve));
  }

  await expect.poll(() => connection.committed.map(([, id]) => id)).toEqual(ids);
  expect(transactions).toBeLessThan(ids.length / 2);
  await writer.close();
});

test('however many are in a hurry while a slow write is going on, they share the next transaction', async () => {
  const connection = new FakeConnection();
  const { promise: slow, resolve: goOn } = deferred();
  const transaction = connection.transaction.bind(connection);
  let transactions = 0;
  connection.transaction = async (work) => {
    transactions += 1;
    if (transactions === 1) await slow;
    return transaction(work);
  };
  const { writer } = open(connection, { flushAfterMs: never });
  const ids = Array.from({ length: 20 }, (_, at) => `ex-${at}`);
  for (const id of ids) {
    writer.put('exchanges', row(id));
    writer.hurry();
    if (transactions === 0) await expect.poll(() => transactions).toBe(1);
  }
  goOn();

  await expect.poll(() => connection.committed.map(([, id]) => id)).toEqual(ids);
  expect(transactions).toBe(2);
  await writer.close();
});

test('a hurry does not press a database that is locked just now', async () => {
  const connection = new FakeConnection(['SQLITE_BUSY', 'SQLITE_BUSY']);
  const { writer, problems } = open(connection, { flushAfterMs: never, retryAfterMs: never });
  writer.put('exchanges', row('a'));
  expect(await writer.flush()).toBe(false);
  writer.hurry();
  writer.hurry();
  expect(connection.failures).toEqual(['SQLITE_BUSY']);
  // It is tried again as it would have been.
  expect(await writer.flush()).toBe(false);
  expect(await writer.flush()).toBe(true);

  expect(connection.committed.map(([, id]) => id)).toEqual(['a']);
  expect(problems.list()).toEqual([]);
  await writer.close();
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
