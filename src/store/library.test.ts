import { beforeAll, describe, expect, test } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { recordScript } from '../../test/support/record-script.ts';
import { plainAnswer } from '../../test/support/wire-script.ts';
import { TapesError } from '../errors.ts';
import { Connection } from './connection.ts';
import { withLibrary } from './library.ts';
import type { Library } from './library.ts';

// Ids as Codex makes them: they begin with the time, so those of one session, and of sessions of one minute, begin alike.
const sessions = ['01a20768-c76b-7cd0', '01a20768-d111-7aaa', '01a30000-0000-7bbb'];
const turns = ['01a20768-c7f9-7961', '01a20768-d222-7ccc', '01a30000-1111-7ddd'];
const calls = ['0c9f3a71d2', '0c9fe6aa01', '77aa1b2c3d'];

let folder: string;
let dbFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapes-library-'));
  dbFile = join(folder, 'tapes.db');
  for (const [at, session] of sessions.entries()) {
    const call = calls[at]!;
    await recordScript((script) => script.call(call, { session, turn: turns[at]! }).answer(call, plainAnswer('Yes.')), {
      dbFile,
      at: Date.UTC(2026, 10, 20 + at),
      run: { id: `run-${at}`, agent: at === 2 ? 'other' : 'codex', startedAt: Date.UTC(2026, 10, 20 + at) },
    });
  }
  return () => rm(folder, { recursive: true, force: true });
});

const look = <T>(work: (library: Library) => Promise<T>): Promise<T> => withLibrary(dbFile, work);

const find = (id: string): Promise<unknown> =>
  look((library) => library.find(id, ['session', 'thread', 'turn', 'call'])).catch((error: unknown) =>
    error instanceof TapesError ? { code: error.code, message: error.message, hint: error.hint } : error,
  );

describe('finding by what a person types', () => {
  test('a whole id, a prefix that is alone, and last', async () => {
    expect(await find(sessions[0]!)).toMatchObject({ kind: 'session', id: sessions[0] });
    expect(await find('01a3')).toMatchObject({ kind: 'session', id: sessions[2] });
    expect(await find('01a20768-d2')).toMatchObject({ kind: 'turn', id: turns[1], sessionId: sessions[1] });
    expect(await find('77')).toMatchObject({ kind: 'call', id: calls[2], sessionId: sessions[2] });
    expect(await find('last')).toMatchObject({ kind: 'session', id: sessions[2] });
    expect(await look((library) => library.find('last', ['call']))).toMatchObject({ kind: 'call', id: calls[2] });
  });

  test('a prefix of several names them, one of none says where to look', async () => {
    expect(await find('01a207')).toEqual({
      code: 'E_AMBIGUOUS',
      message: 'more than one session begins with "01a207"',
      hint: `type more of one of these: ${sessions[1]}, ${sessions[0]}`,
    });
    expect(await find('0c9f')).toMatchObject({ code: 'E_AMBIGUOUS' });
    expect(await find('zzz')).toEqual({
      code: 'E_NOT_FOUND',
      message: 'no recorded session, thread, turn or call begins with "zzz"',
      hint: 'tapes sessions',
    });
    for (const odd of ['', '%', '_', "'", '01a2%']) expect(await find(odd)).toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('short ids name their thing alone', async () => {
    const listed = await look((library) => library.listSessions({ limit: 10, all: true }));
    const recorded = await Promise.all(listed.map(({ id }) => look((library) => library.readSession(id))));
    const short = [
      ...listed.map(({ shortId }) => shortId),
      ...recorded.flatMap(({ shortIds }) => [...shortIds.values()]),
    ];

    expect(listed.map(({ shortId }) => shortId)).toEqual(['01a30000', '01a20768-d', '01a20768-c']);
    expect(short).toHaveLength(9);
    const found = (await Promise.all(short.map(find))) as { id: string }[];
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set([...sessions, ...turns, ...calls]));
  });
});

describe('listing', () => {
  test('the newest come first, and limit, agent and since choose', async () => {
    const list = async (filter: object): Promise<string[]> =>
      (await look((library) => library.listSessions({ limit: 10, all: false, ...filter }))).map(({ id }) => id);

    expect(await list({})).toEqual([sessions[2], sessions[1], sessions[0]]);
    expect(await list({ limit: 1 })).toEqual([sessions[2]]);
    expect(await list({ agent: 'codex' })).toEqual([sessions[1], sessions[0]]);
    expect(await list({ since: '2026-11-21T00:00:00.000Z' })).toEqual([sessions[2], sessions[1]]);
    expect(await list({ agent: 'nobody' })).toEqual([]);
  });

  test('runs have their counts', async () => {
    const runs = await look((library) => library.listRuns({ limit: 10, all: false }));
    const codex = await look((library) =>
      library.listRuns({ limit: 1, all: false, agent: 'codex', since: '2026-11-21T00:00:00.000Z' }),
    );

    expect(runs.map(({ id, calls, exchanges, status }) => [id, calls, exchanges, status])).toEqual([
      ['run-2', 1, 1, 'ended'],
      ['run-1', 1, 1, 'ended'],
      ['run-0', 1, 1, 'ended'],
    ]);
    expect(codex.map(({ id }) => id)).toEqual(['run-1']);
  });
});

test('reading writes nothing, also where another process has the database locked for writing', async () => {
  const writer = await Connection.open(dbFile, 'write');
  await writer.exec("BEGIN IMMEDIATE; UPDATE runs SET label = 'not yet'");
  const [run] = await look((library) => library.listRuns({ limit: 1, all: false }));
  await writer.exec('ROLLBACK');
  await writer.close();

  expect(run!.label).toBeNull();
});
