// `tapes export` and `tapes import` as they are typed: what was recorded on one machine is the same on another.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { codexRequest, opening, plainAnswer, userMessage } from '../../../test/support/wire-script.ts';
import { Connection } from '../../store/connection.ts';
import { openBodyReader } from '../../store/body-reader.ts';
import { withLibrary } from '../../store/index.ts';
import type { BodySide } from '../../store/index.ts';
import { maxLineBytes } from '../../store/transfer/split-lines.ts';

const token = 'token-of-the-test-that-is-secret-0123456789';
let home: string;
let file: string;
let lines: string[];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-export-'));
  file = join(home, 'a.jsonl');
  const turn = 'turn-aaaa-1';
  const base = [...opening(turn), userMessage('list\u2028the files \u{1f4fc}', turn)];
  const broken = Buffer.from(JSON.stringify(codexRequest({ session: 'session-a' }).body));
  broken[40] = 0xff;
  await recordScript(
    (script) =>
      script
        .call('a-1', { session: 'session-a', input: base, token, body: { instructions: 'Be kind. '.repeat(200) } })
        .answer('a-1', plainAnswer('One. '.repeat(3000)))
        .call('a-2', { session: 'session-a', input: [...base, userMessage(`my token: ${token}`, turn, 'm2')], token })
        .answer('a-2', plainAnswer('Two.', 'resp_2'))
        .post('a-3', { headers: codexRequest({ session: 'session-a' }).headers }, broken)
        .head('a-3', { status: 500 })
        .data('a-3', Uint8Array.of(0xff, 0x00, 0xfe))
        .end('a-3')
        .call('s-1', { session: 'session-a', thread: 'thread-sub', metadata: { parent_thread_id: 'session-a' } })
        .answer('s-1', plainAnswer('Sub.', 'resp_s'))
        .call('b-1', { session: 'session-b', input: base })
        .answer('b-1', plainAnswer('Of b.', 'resp_b')),
    { dbFile: join(home, 'tapes.db') },
  );
  const { error } = await runCommand('export', 'session-a', '-o', file, '--home', home);
  expect(error).toBeNull();
  lines = (await readFile(file, 'utf8')).split('\n');
  return () => rm(home, { recursive: true, force: true });
});

async function freshHome(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-import-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function readBodies(of: string): Promise<string[]> {
  const connection = await Connection.open(join(of, 'tapes.db'), 'read');
  const reader = openBodyReader(connection);
  const rows = await connection.all<{ call_id: string; side: BodySide }>(
    "SELECT * FROM bodies WHERE call_id <> 'b-1' ORDER BY call_id, side",
  );
  const hashes: string[] = [];
  for (const { call_id: id, side, ...facts } of rows) {
    const bytes = (await reader.readWhole(id, side)) ?? new Uint8Array(0);
    const hash = createHash('sha256').update(bytes).digest('hex');
    hashes.push(`${id} ${side} ${hash} ${JSON.stringify(facts)}`);
  }
  await connection.close();
  return hashes;
}

const showJson = async (of: string): Promise<unknown> =>
  JSON.parse((await runCommand('show', 'session-a', '--json', '--home', of)).stdout);

async function dump(of: string): Promise<unknown[]> {
  const connection = await Connection.open(join(of, 'tapes.db'), 'read');
  const rows: unknown[] = [];
  for (const table of [
    'runs',
    'exchanges',
    'sessions',
    'threads',
    'turns',
    'calls',
    'call_times',
    'items',
    'nodes',
    'header_parts',
  ])
    rows.push(await connection.all(`SELECT * FROM ${table} ORDER BY 1, 2`));
  await connection.close();
  return rows;
}

const readHeaders = (of: string): Promise<unknown[]> =>
  withLibrary(join(of, 'tapes.db'), async (library) => {
    expect((await library.verify(() => {})).problems).toEqual([]);
    const all: unknown[] = [];
    for (const id of ['a-1', 'a-2', 'a-3', 's-1']) {
      const { requestHeaders, responseHeaders } = (await library.readExchangeOf(id))!;
      all.push(requestHeaders, responseHeaders);
    }
    return all;
  });

test('an import in a fresh home has the same ids, bytes and answers; twice is once', async () => {
  const other = await freshHome();

  const first = await runCommand('import', file, '--json', '--home', other);
  expect(first.error).toBeNull();
  expect(JSON.parse(first.stdout)).toEqual({ sessions: ['session-a'], calls: 4, newCalls: 4 });
  const after = await dump(other);
  const bodies = await readBodies(other);
  expect(bodies).toHaveLength(8);
  expect(bodies).toEqual(await readBodies(home));
  expect(await showJson(other)).toEqual(await showJson(home));
  expect(await readHeaders(other)).toEqual(await readHeaders(home));
  const found = await runCommand('search', 'Two', '--json', '--home', other);
  expect(JSON.parse(found.stdout)).toMatchObject([{ callId: 'a-2' }]);

  const second = await runCommand('import', file, '--home', other);
  expect(second.stderr).toBe('tapes: imported 0 calls of 1 session, 4 were there already · tapes show session-a\n');
  expect(await dump(other)).toEqual(after);
  const again = await runCommand('export', 'session-a', '--home', other);
  expect(again.stdout.split('\n').slice(1)).toEqual(lines.slice(1));
});

test('the home that it came from is not changed by an import of its own export', async () => {
  const before = await dump(home);
  expect((await runCommand('import', file, '--home', home)).error).toBeNull();
  expect(await dump(home)).toEqual(before);
});

test('each line says what it is, the first the version; no secret and nothing of other sessions is in it', async () => {
  const types = lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as { type: string }).type);
  expect(JSON.parse(lines[0]!)).toMatchObject({ type: 'tapes-export', version: 3, sessions: ['session-a'] });
  expect(types.at(-1)).toBe('end');
  expect(new Set(types)).toContain('items');
  const text = lines.join('\n');
  expect(text).toContain('masked:');
  expect(text).not.toContain(token);
  expect(text).not.toContain('session-b');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a file that is there is replaced only with --force', async () => {
  const before = await readFile(file, 'utf8');
  const refused = await runCommand('export', 'session-b', '-o', file, '--home', home);
  expect(refused.error).toMatchObject({ code: 'E_FILE_EXISTS' });
  expect(await readFile(file, 'utf8')).toBe(before);
  const copy = join(await freshHome(), 'b.jsonl');
  await writeFile(copy, 'old');
  expect((await runCommand('export', 'session-b', '-o', copy, '--force', '--home', home)).stderr).toContain(
    'exported 1 session in ',
  );
  expect(await readFile(copy, 'utf8')).toContain('session-b');
});

const change = (at: number, to: (line: string) => string): string =>
  lines.map((line, index) => (index === at ? to(line) : line)).join('\n');
const lineOf = (type: string): number => lines.findIndex((line) => line.startsWith(`{"type":"${type}"`));

describe('refuses with the number of the line, and changes nothing', () => {
  test.each([
    ['a line that is no JSON', () => change(3, (line) => line.slice(0, 20)), 4],
    ['a file that was cut off', () => lines.slice(0, 8).join('\n'), 9],
    ['a missing record', () => [...lines.slice(0, -3), ...lines.slice(-2)].join('\n'), null],
    ['an item with other bytes', () => change(lineOf('items'), (l) => l.replace('"data":"', '"data":" ')), 'items'],
    ['a node of another parent', () => change(lineOf('nodes'), (l) => l.replace(/"item":"../, '"item":"00')), 'nodes'],
    [
      'a body with another hash',
      () => change(lineOf('bodies'), (l) => l.replace(/_sha256":".{8}/g, '_sha256":"00000000')),
      'bodies',
    ],
    [
      'headers that are none',
      () => change(lineOf('exchanges'), (l) => l.replace('"request_headers":"[[', '"request_headers":"[')),
      'exchanges',
    ],
    [
      'headers in parts',
      () =>
        change(lineOf('exchanges'), (l) =>
          l.replace('"request_headers"', `"request_list":"${'0'.repeat(64)}","request_headers"`),
        ),
      'exchanges',
    ],
    ['a field that is not known', () => change(lineOf('calls'), (l) => l.replace('"id"', '"x) --"')), 'calls'],
    ['a call without its exchange', () => lines.filter((l) => !l.startsWith('{"type":"exchanges"')).join('\n'), null],
    ['something else', () => '{"hello":1}\n', 1],
    ['nothing', () => '', 1],
  ])('%s', async (_, make, where) => {
    const other = await freshHome();
    const bad = join(other, 'bad.jsonl');
    await writeFile(bad, make());

    const { error } = await runCommand('import', bad, '--home', other);

    const number = where === null ? '\\d+' : typeof where === 'string' ? lineOf(where) + 1 : where;
    expect(error).toMatchObject({
      code: 'E_IMPORT_DAMAGED',
      message: expect.stringMatching(new RegExp(`^line ${number} of the file is damaged: `)) as string,
    });
    expect((await runCommand('sessions', '--home', other)).error).toMatchObject({ code: 'E_DB_MISSING' });
  });

  test('a line without an end', async () => {
    const other = await freshHome();
    const bad = join(other, 'long.jsonl');
    await writeFile(bad, `${lines[0]}\n${lines[1]}\n`);
    // NUL bytes that take no room on disk.
    await truncate(bad, maxLineBytes + 1024 * 1024);
    const { error } = await runCommand('import', bad, '--home', other);
    expect(error).toMatchObject({
      code: 'E_IMPORT_DAMAGED',
      message: `line 3 of ${bad} is longer than ${maxLineBytes} bytes, which is more than tapes export writes`,
      hint: expect.stringContaining('tapes export SESSION') as string,
    });
    expect((await runCommand('sessions', '--home', other)).error).toMatchObject({ code: 'E_DB_MISSING' });
  });

  test('a newer format', async () => {
    const other = await freshHome();
    const bad = join(other, 'new.jsonl');
    await writeFile(
      bad,
      change(0, (line) => line.replace('"version":3', '"version":4')),
    );
    const { error } = await runCommand('import', bad, '--home', other);
    expect(error).toMatchObject({ code: 'E_IMPORT_NEWER' });
  });

  test('other formats, files that are not there, sessions that are not known', async () => {
    const markdown = await runCommand('export', 'last', '--format', 'markdown', '--home', home);
    expect(markdown.error).toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('jsonl') as string });
    const missing = await runCommand('import', join(home, 'none'), '--home', home);
    expect(missing.error).toMatchObject({ code: 'E_FILE_UNUSABLE' });
    const folder = await runCommand('export', 'last', '-o', join(home, 'no', 'x'), '--home', home);
    expect(folder.error).toMatchObject({ code: 'E_FILE_UNUSABLE' });
    expect((await runCommand('export', 'zzz', '--home', home)).error).toMatchObject({ code: 'E_NOT_FOUND' });
  });
});
