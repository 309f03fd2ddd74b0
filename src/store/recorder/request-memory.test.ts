import { assert, array, asyncProperty, constantFrom, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';

import { anyConversation } from '../../../test/support/any-conversation.ts';
import { query } from '../../../test/support/query.ts';
import { recordScript } from '../../../test/support/record-script.ts';
import { codexRequest, plainAnswer } from '../../../test/support/wire-script.ts';
import { rederive } from '../rederive.ts';
import type { ReadRequest } from './read-request.ts';
import { RequestMemory } from './request-memory.ts';

const bodyOf = (...texts: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify({ input: texts.map((text) => ({ type: 'message', role: 'user', content: text })) }));
const long = 'a long text '.repeat(50);

/** Is the first item the very object that it was in the request before? */
const isTakenOver = (memory: RequestMemory, conversation: string, before: ReadRequest, next: Buffer): boolean =>
  memory.read(conversation, next).reading.inputItems[0] === before.reading.inputItems[0];

test('what is remembered stays in its bounds, whatever comes', () => {
  const names = constantFrom('a', 'b', 'c', 'd', 'e');
  let most = 0;
  const check = (conversations: readonly (readonly [string, readonly Buffer[]])[]): void => {
    const memory = new RequestMemory({ bytes: 12_000, conversations: 3 });
    for (const [name, bodies] of conversations) {
      for (const body of bodies) {
        memory.read(name, body);
        expect(memory.bytes).toBeLessThanOrEqual(12_000);
        expect(memory.conversations).toBeLessThanOrEqual(3);
        most = Math.max(most, memory.bytes);
      }
    }
  };
  assert(property(array(tuple(names, anyConversation), { maxLength: 8 }), check), {
    numRuns: 100,
    seed: 2,
    endOnFailure: true,
  });
  expect(most).toBeGreaterThan(9000);
});

test('the conversation that was met longest ago makes room', () => {
  const memory = new RequestMemory({ bytes: 1_000_000, conversations: 2 });
  const [, b, a] = ['a', 'b', 'a', 'c'].map((name) => memory.read(name, bodyOf(name)));

  expect(isTakenOver(memory, 'a', a!, bodyOf('a', 'more'))).toBe(true);
  expect(isTakenOver(memory, 'b', b!, bodyOf('b', 'more'))).toBe(false);
});

test('a request that is too large to be remembered still has what the one before it had', () => {
  const memory = new RequestMemory({ bytes: 1700, conversations: 2 });
  const before = memory.read('a', bodyOf(long));
  const size = memory.bytes;

  expect(isTakenOver(memory, 'a', before, bodyOf(long, long, long))).toBe(true);
  expect(isTakenOver(memory, 'a', before, bodyOf(long, 'other'))).toBe(true);
  expect(memory.bytes).toBeGreaterThan(size);
});

test('many small values count for more than their bytes', () => {
  const memory = new RequestMemory({ bytes: 100_000, conversations: 2 });
  const body = Buffer.from(JSON.stringify({ input: [{ a: Array.from({ length: 5000 }, () => ({})) }] }));
  expect(body.length).toBeLessThan(20_000);
  memory.read('a', body);
  expect(memory.bytes).toBe(0);
});

test('a recorder remembers each thread apart, and together what names none', async () => {
  const requestMemory = new RequestMemory();
  const anonymous = { headers: [] };
  await recordScript(
    (script) =>
      script
        .call('ex-1')
        .call('ex-2', { thread: 'thread-child' })
        .call('ex-3', { turn: 'turn-2' })
        .post('ex-4', anonymous, bodyOf('one'))
        .post('ex-5', anonymous, bodyOf('another')),
    { requestMemory },
  );
  expect(requestMemory.conversations).toBe(3);
});

/** What it gives may be given again: whoever changes it fails. */
class FrozenMemory extends RequestMemory {
  override read(conversation: string, bytes: Uint8Array): ReadRequest {
    const read = super.read(conversation, bytes);
    for (const { input } of read.known?.items ?? []) freeze(input);
    return read;
  }
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}

function readAll(dbFile: string): Record<string, unknown[]> {
  // Migrations know when they were applied.
  const tables = query(
    dbFile,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations' ORDER BY name",
  ) as { readonly name: string }[];
  return Object.fromEntries(tables.map(({ name }) => [name, query(dbFile, `SELECT * FROM "${name}"`)]));
}

test('a recording has the same rows with a memory and without, and they are derived again the same', async () => {
  const record = async (
    conversations: readonly (readonly Buffer[])[],
    requestMemory: RequestMemory,
  ): Promise<string> => {
    const { dbFile, report } = await recordScript(
      (script) => {
        // One of a session, one whose requests say nothing, and both take turns.
        const steps = conversations.flatMap((bodies, which) => bodies.map((body, at) => ({ which, body, at })));
        for (const { which, body, at } of steps.toSorted((a, b) => a.at - b.at)) {
          const id = `ex-${which}-${at}`;
          const { headers } = which === 0 ? codexRequest({}) : { headers: [] };
          script.post(id, { headers }, body);
          if (at % 4 === 3) script.abort(id, 'upstream', { code: 'ECONNRESET', message: 'reset by peer' });
          else script.answer(id, plainAnswer(`Answer ${at}.`, `resp_${which}_${at}`));
        }
      },
      { requestMemory },
    );
    expect(report).toMatchObject({ problems: [], dropped: 0 });
    return dbFile;
  };
  let recorded = 0;
  const check = async (conversations: readonly (readonly Buffer[])[]): Promise<void> => {
    recorded += conversations.flat().length;
    const dbFile = await record(conversations, new FrozenMemory());
    expect(readAll(dbFile)).toEqual(
      readAll(await record(conversations, new RequestMemory({ bytes: 0, conversations: 0 }))),
    );
    const { changed, left } = await rederive(dbFile, () => {});
    expect({ changed, left }).toEqual({
      changed: { sessions: 0, threads: 0, turns: 0, calls: 0, search: 0 },
      left: [],
    });
  };
  await assert(asyncProperty(tuple(anyConversation, anyConversation), check), {
    numRuns: 12,
    seed: 3,
    endOnFailure: true,
  });
  expect(recorded).toBeGreaterThan(80);
});
