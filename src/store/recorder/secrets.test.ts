// Nothing secret may be in any file of the home: the whole of each file is searched, whatever is packed in it is unpacked.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { expect, test } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import {
  assistantMessage,
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
} from '../../../test/support/wire-script.ts';
import { unpackBody } from '../compression.ts';
import { Connection } from '../connection.ts';
import type { BodyRow, ItemRow } from '../rows.ts';

const turnId = 'turn-aaaa-1';
const bearer = 'tok-9f8e7d6c5b4a39281706-bearer';
const cookie = 'c00k1e-value-5566778899aabb';
const inUrl = 'url-token-1122334455667788';
const known = 'sk-known-before-the-start-000111222333';

/** All that a database holds, in every form in which it could be read: the files, each value, each body unpacked. */
async function readEverything(dbFile: string): Promise<string> {
  const folder = dirname(dbFile);
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')));
  const connection = await Connection.open(dbFile, 'read');
  const tables = await connection.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  for (const { name } of tables) texts.push(JSON.stringify(await connection.all(`SELECT * FROM ${name}`)));
  for (const item of await connection.all<ItemRow>('SELECT storage, data FROM items')) {
    texts.push(Buffer.from(await unpackBody(item)).toString('latin1'));
  }
  for (const { storage, data } of await connection.all<BodyRow>('SELECT storage, data FROM bodies')) {
    const packed = storage === 'template' ? 'deflate-1' : storage;
    if (packed !== 'chunks') texts.push(Buffer.from(await unpackBody({ storage: packed, data })).toString('latin1'));
  }
  await connection.close();
  return texts.join('\n');
}

/** The words of the full-text index, which keeps them taken apart: a secret would not be found whole. */
async function readIndexedWords(dbFile: string): Promise<string[]> {
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'search_text', 'row')");
  const words = await connection.all<{ term: string }>('SELECT term FROM words');
  await connection.close();
  return words.map(({ term }) => term);
}

test('no credential of a run is in the database, wherever it turned up', async () => {
  const leak = `OPENAI_API_KEY=${known} AUTH=${bearer}`;
  const output = {
    type: 'custom_tool_call_output',
    id: 'ctco_1',
    call_id: 'call_1',
    output: [{ type: 'input_text', text: leak }],
  };
  const { headers, body } = codexRequest({
    token: bearer,
    input: [...opening(turnId), userMessage(`my key is ${known}, use it`, turnId), output],
  });
  const answer = sse(itemDone(assistantMessage(`It prints ${bearer} and ${cookie}.`)));
  const middle = answer.indexOf(bearer) + 9;
  const { dbFile, report } = await recordScript(
    (script) => {
      script
        .post(
          'ex-1',
          {
            path: `/backend-api/codex/responses?access_token=${inUrl}`,
            headers: [...headers, ['cookie', `session=${cookie}; theme=dark`]],
          },
          JSON.stringify(body),
        )
        .head('ex-1', { headers: [['set-cookie', `renewed=${cookie}-more; HttpOnly`]] })
        .data('ex-1', sse(created()))
        // Cut in the middle of the secret, byte by byte around the cut.
        .data('ex-1', answer.slice(0, middle));
      for (const character of answer.slice(middle, middle + 4)) script.data('ex-1', character);
      script
        .data('ex-1', answer.slice(middle + 4) + sse(completed()))
        .end('ex-1')
        .call('ex-2', { token: bearer, turn: 'turn-2', prompt: `again with ${bearer}` })
        .head('ex-2')
        .data('ex-2', sse(textDelta(`deltas carry ${bearer.slice(0, 10)}`)) + sse(textDelta(bearer)))
        .abort('ex-2', 'upstream', { code: 'ECONNRESET', message: `could not send ${bearer}` })
        .call('ex-3', { token: bearer, turn: 'turn-3' })
        .head('ex-3', { status: 401 })
        .data('ex-3', JSON.stringify({ error: { code: 'invalid', message: `bad token ${bearer}` } }))
        .end('ex-3')
        .post('ex-4', { path: `/oauth?code=${inUrl}`, headers: [['x-api-key', known]] }, 'grant')
        .head('ex-4')
        .end('ex-4');
    },
    { secrets: [known], run: { argv: ['codex', 'exec', `use ${known} and ${bearer}`] } },
  );

  const everything = await readEverything(dbFile);
  expect(report.problems).toEqual([]);
  for (const secret of [bearer, cookie, inUrl, known]) {
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
    expect(everything).not.toContain(secret.slice(4, -4));
  }
  const words = await readIndexedWords(dbFile);
  expect(words).toEqual(expect.arrayContaining(['again', 'key', 'prints', 'auth']));
  for (const secret of [bearer, known]) {
    const parts = secret.split('-').filter((part) => part.length > 6 && part !== 'bearer');
    expect(words.filter((word) => parts.some((part) => word.includes(part)))).toEqual([]);
  }
  // Still there: what is not secret, and the fingerprints that tell equal secrets equal.
  expect(everything).toContain('theme=masked');
  expect(everything).toContain('again with masked:');
});

test('a secret that is learnt while the agent runs is masked from then on', async () => {
  const { openRunRecorder, freshDatabase } = await import('../../../test/support/record-script.ts');
  const { WireScript } = await import('../../../test/support/wire-script.ts');
  const dbFile = await freshDatabase();
  const recorder = openRunRecorder(dbFile, { run: { argv: ['codex', bearer] } });
  recorder.learnSecrets([bearer]);
  const script = new WireScript().call('ex-1', { prompt: `it is ${bearer}` }).answer('ex-1', plainAnswer(bearer));
  for (const event of script.events) recorder.push(event);
  await recorder.close();

  expect(await readEverything(dbFile)).not.toContain(bearer);
});

test('the hashes are those of the true bytes, and the sizes too', async () => {
  const { createHash } = await import('node:crypto');
  const { headers, body } = codexRequest({ token: bearer, prompt: `it is ${bearer}` });
  const text = JSON.stringify(body);
  const { dbFile } = await recordScript((script) =>
    script.post('ex-1', { headers }, text).answer('ex-1', plainAnswer('ok')).add({
      type: 'upgradeRefused',
      exchangeId: 'ex-2',
      status: 426,
      request: requestHead(),
    }),
  );

  const connection = await Connection.open(dbFile, 'read');
  const row = await connection.get<BodyRow>("SELECT * FROM bodies WHERE side = 'request'");
  await connection.close();
  expect(row).toMatchObject({
    decoded_bytes: text.length,
    stored_bytes: text.length,
    decoded_sha256: createHash('sha256').update(text).digest('hex'),
    masked: 1,
  });
  expect(row!.stored_sha256).not.toBe(row!.decoded_sha256);
});
