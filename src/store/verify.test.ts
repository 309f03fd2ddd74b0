import { expect, test } from 'vitest';

import { recordScript } from '../../test/support/record-script.ts';
import { opening, plainAnswer, userMessage } from '../../test/support/wire-script.ts';
import { Connection } from './connection.ts';
import { withLibrary } from './library.ts';
import type { VerifyProgress, VerifyReport } from './verify.ts';

const turnId = 'turn-aaaa-1';
const base = [...opening(turnId), userMessage('list the files', turnId)];

async function record(): Promise<string> {
  const { dbFile } = await recordScript((script) => {
    script.call('ex-1', { input: base }).answer('ex-1', plainAnswer('One.'));
    script.call('ex-2', { input: [...base, userMessage('more', turnId, 'msg_2')] }).answer('ex-2', plainAnswer('Two.'));
    script.post('ex-3', {}, 'no JSON at all').answer('ex-3', plainAnswer('Three.'));
  });
  return dbFile;
}

async function verify(dbFile: string, damage = ''): Promise<VerifyReport & { told: VerifyProgress[] }> {
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(`PRAGMA foreign_keys = OFF; ${damage}`);
  await connection.close();
  const told: VerifyProgress[] = [];
  const report = await withLibrary(dbFile, (library) => library.verify((progress) => told.push(progress)));
  return { ...report, told };
}

test('a recording as it was made has no problem, and all of it was looked at', async () => {
  const { told, ...report } = await verify(await record());

  expect(report).toMatchObject({ bodies: 6, items: 4, nodes: 4, wholeRequests: 1, problemCount: 0, problems: [] });
  expect(report.bodyBytes).toBeGreaterThan(3000);
  expect(told.findLast(({ what }) => what === 'bodies')).toEqual({ what: 'bodies', done: 6, all: 6 });
});

const last = "(SELECT hash FROM nodes WHERE hash IN (SELECT node FROM bodies WHERE call_id = 'ex-2'))";

test.each([
  [
    'an item with other bytes, and each body that holds it',
    "UPDATE items SET storage = 'plain', data = x'7b7d' WHERE rowid = 1",
    ['item: its bytes have another hash', 'body ex-1 request', 'body ex-2 request'],
  ],
  [
    'an item that is gone',
    'DELETE FROM items WHERE rowid = 4',
    ['is missing', 'body ex-2 request: it cannot be rebuilt: item'],
  ],
  [
    'a node with another parent',
    `UPDATE nodes SET parent = zeroblob(32) WHERE hash = ${last}`,
    ['node: it has another hash', 'node: its parent is missing', 'body ex-2 request: it cannot be rebuilt: 4 items'],
  ],
  [
    'a template with another byte',
    "UPDATE bodies SET data = CAST(x'0000' || substr(data, 3) AS BLOB) WHERE call_id = 'ex-2' AND side = 'request'",
    ['body ex-2 request: it cannot be rebuilt'],
  ],
  [
    'an answer with other bytes',
    "UPDATE bodies SET storage = 'plain', data = x'61' WHERE call_id = 'ex-1' AND side = 'response'",
    ['body ex-1 response: it cannot be rebuilt: its bytes are not those that were stored'],
  ],
  [
    'a hash that does not fit what passed',
    "UPDATE bodies SET decoded_sha256 = 'ab' WHERE call_id = 'ex-3' AND side = 'request'",
    ['body ex-3 request: its bytes are not those that passed'],
  ],
  [
    'a row whose session is gone',
    'DELETE FROM sessions WHERE rowid = 1',
    ['database threads', 'database turns', 'database calls'],
  ],
])('it finds %s', async (_, damage, expected) => {
  const { problems, problemCount } = await verify(await record(), damage);

  const found = problems.map(({ what, id, message }) =>
    what === 'item' || what === 'node' ? `${what}: ${message}` : `${what} ${id}: ${message}`,
  );
  expect(problemCount).toBe(problems.length);
  for (const text of expected) expect(found.join('\n')).toContain(text);
  expect(found.filter((line) => !expected.some((text) => line.includes(text)))).toEqual([]);
});
