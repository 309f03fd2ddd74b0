import { isDeepStrictEqual } from 'node:util';

import { assert, property } from 'fast-check';
import { expect, test } from 'vitest';

import { anyConversation } from '../../../test/support/any-conversation.ts';
import { readRequestBody, retryKey } from '../../derive/index.ts';
import { countJsonValues, maxJsonValues } from '../../domain/index.ts';
import { takeApart } from '../request-items.ts';
import type { KnownRequest, ReadRequest } from './read-request.ts';
import { readRequest } from './read-request.ts';

const message = (text: string): object => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const bodyOf = (input: readonly unknown[], more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', input, ...more }));

/** All that is made of a request; of the JSON the order of its keys, too. */
const resultsOf = ({ body, taken, reading }: ReadRequest): object => ({
  body,
  taken,
  reading,
  json: JSON.stringify(reading.json),
  retryKey: retryKey(reading),
});

test('with an earlier request or without, and by its items or whole, a request is read the same', () => {
  let taken = 0;
  let known = 0;
  const check = (bodies: readonly Buffer[]): void => {
    let earlier: KnownRequest | null = null;
    for (const body of bodies) {
      const read: ReadRequest = readRequest(body, earlier);
      const whole = readRequestBody(new TextDecoder().decode(body));
      const alone = { body, taken: takeApart(body), reading: whole, known: null };
      // toEqual takes a hundred times as long over bytes.
      expect(isDeepStrictEqual(resultsOf(read), resultsOf(alone)), `body ${body.toString()}`).toBe(true);
      expect(isDeepStrictEqual(resultsOf(readRequest(body, null)), resultsOf(alone)), `body ${body.toString()}`).toBe(
        true,
      );
      if (read.taken !== null) taken += 1;
      if (read.known !== null) known += 1;
      earlier = read.known ?? earlier;
    }
  };
  assert(property(anyConversation, check), { numRuns: 400, seed: 1 });

  // Of what the requests are made of, both are met often.
  expect(known).toBeGreaterThan(500);
  expect(taken - known).toBeGreaterThan(100);
});

test('what an earlier request had at the same place is taken over', () => {
  const [first, second, third] = ['one', 'two', 'three'].map(message);
  const before = readRequest(bodyOf([first, second], { instructions: 'Be brief. '.repeat(100) }), null);
  const after = readRequest(bodyOf([first, second, third], { instructions: 'Be brief. '.repeat(100) }), before.known);
  const edited = readRequest(bodyOf([first, third, third]), after.known);

  const inputs = (read: ReadRequest): unknown[] => read.reading.inputItems.map(({ json }) => json);
  const hashes = (read: ReadRequest): unknown[] => read.taken!.nodes.map(({ hash }) => hash);
  for (const at of [0, 1]) {
    expect(inputs(after)[at]).toBe(inputs(before)[at]);
    expect(hashes(after)[at]).toBe(hashes(before)[at]);
  }
  expect(after.taken!.parts[0]!.hash).toBe(before.taken!.parts[0]!.hash);
  // The last one is where it was, behind another one.
  expect(inputs(edited)[2]).toBe(inputs(after)[2]);
  expect(edited.taken!.nodes[2]!.item).toBe(after.taken!.nodes[2]!.item);
  expect(hashes(edited)[2]).not.toEqual(hashes(after)[2]);
});

test('nothing of an earlier body is held on to, nor of a larger buffer that a body stood in', () => {
  const around = Buffer.alloc(1_000_000);
  const standIn = (body: Buffer): Buffer => around.subarray(0, body.copy(around));
  const before = readRequest(standIn(bodyOf([message('one')])), null);
  const after = readRequest(standIn(bodyOf([message('one'), message('two')])), before.known);

  const { body, nodes } = after.known!.taken;
  expect(body.buffer.byteLength).toBe(body.length);
  for (const { bytes } of nodes) expect(bytes.buffer).toBe(body.buffer);
});

test('a body of too many values is not read, however few are in each item', () => {
  const withNumbers = (...lengths: readonly number[]): Buffer =>
    bodyOf(lengths.map((length) => ({ n: Array<number>(length).fill(1) })));
  const shared = maxJsonValues - countJsonValues(withNumbers(1, 1, 300_000).toString());
  const full = withNumbers(300_000, shared - 300_000 + 2, 300_000);
  const over = withNumbers(300_000, shared - 300_000 + 2, 300_001);
  expect([full, over].map((body) => countJsonValues(body.toString()))).toEqual([maxJsonValues, maxJsonValues + 1]);

  const { known, reading } = readRequest(full, null);
  expect(reading).toMatchObject({ model: 'm', notRead: null });
  expect(known).not.toBeNull();
  const { known: none, reading: nothing } = readRequest(over, known);
  expect(none).toBeNull();
  expect(nothing).toEqual(readRequestBody(over.toString()));
  expect(nothing.notRead).toContain('more than');
});
