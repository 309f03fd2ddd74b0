import { assert, property } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { anyConversation } from '../../test/support/any-conversation.ts';
import { anyBody, seededRandom } from '../../test/support/any-json.ts';
import { readTemplate, writeTemplate } from './request-template.ts';
import { splitRequest } from './split-request.ts';
import type { Cut, CutBody, SplitOptions } from './split-request.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text);

function cutTexts(body: string | Buffer, options: SplitOptions = {}): Record<'items' | 'parts', string[]> | null {
  const bytes = typeof body === 'string' ? bytesOf(body) : body;
  const cuts = splitRequest(bytes, options);
  if (cuts === null) return null;
  const texts = (type: 'item' | 'part'): string[] =>
    cuts.filter((cut) => cut.type === type).map(({ start, end }) => bytes.subarray(start, end).toString('latin1'));
  return { items: texts('item'), parts: texts('part') };
}

function rebuild(bytes: Buffer, options: SplitOptions = {}): Buffer {
  const cuts = splitRequest(bytes, options) ?? [];
  const template = readTemplate(writeTemplate(bytes, cuts));
  const of = (type: 'item' | 'part'): Buffer[] =>
    cuts.filter((cut) => cut.type === type).map(({ start, end }) => bytes.subarray(start, end));
  expect([template.items, template.parts]).toEqual([of('item').length, of('part').length]);
  expect(template.fills(bytes, of('item'), of('part'))).toBe(true);
  const others = [bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte)), bytes.subarray(0, -1)];
  for (const other of others) expect(template.fills(other, of('item'), of('part'))).toBe(false);
  return Buffer.from(template.fill(of('item'), of('part')));
}

const long = (text: string): string => `"${text.repeat(Math.ceil(600 / text.length))}"`;
const first = '{"type":"message","text":"a, ] } \\" \\\\"}';
const second = '{"type": "message", "n": 12345678901234567890.10e+3 }';

describe('the elements of input', () => {
  test.each([
    ['without spaces', `{"model":"m","input":[${first},${second}],"stream":true}`],
    ['with spaces and line breaks', `\n {\t"input" :\r\n [ ${first}\n ,  ${second} ] , "stream": true }\n`],
    ['behind a byte order mark', `\ufeff{"input":[${first},${second}]}`],
    ['under a key with escapes', `{"in\\u0070ut":[${first},${second}]}`],
    [
      'where the key comes twice, of the last',
      `{"input":[{"type":"the earlier one, not it"}],"input":[${first},${second}]}`,
    ],
    ['where the key stands in another object too', `{"tools":{"input":[1,2,3]},"input":[${first},${second}]}`],
  ])('are found %s', (_, body) => {
    expect(cutTexts(body)).toEqual({ items: [first, second], parts: [] });
    expect(rebuild(bytesOf(body)).toString()).toBe(body);
  });

  test('may be under another key', () => {
    expect(cutTexts(`{"messages":[${first}]}`, { itemsKey: 'messages' })?.items).toEqual([first]);
  });

  test('are found in bytes that are no UTF-8', () => {
    const body = Buffer.concat([
      bytesOf('{"input":[{"type":"message","text":"'),
      Buffer.of(0xff, 0xc3, 0x28),
      bytesOf('"}]}'),
    ]);
    expect(cutTexts(body)?.items).toHaveLength(1);
    expect(rebuild(body).equals(body)).toBe(true);
  });

  test('are not cut where they are smaller than what would name them', () => {
    const numbers = `[${Array.from({ length: 5000 }, (_, at) => at).join(',')}]`;
    expect(cutTexts(`{"input":${numbers}}`)).toEqual({ items: [], parts: [numbers] });
  });

  test.each(['{"input":"just a text"}', '{"model":"m"}', '{"input":[]}', '{"input":{"a":1}}', '{}'])(
    'are none in %s',
    (body) => expect(cutTexts(body)).toEqual({ items: [], parts: [] }),
  );

  test.each(['', '[1,2]', '"text"', '{"input":[1,2', '{"a":1} trailing', '{"a"}', '{a:1}', '{"a":}', '{"a":"', 'null'])(
    'are not looked for in what is no whole JSON object: %s',
    (body) => expect(cutTexts(body)).toBeNull(),
  );

  test('may be nested deeper than a call stack', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(cutTexts(`{"input":[${deep}]}`)?.items).toEqual([deep]);
  });
});

describe('other large values', () => {
  test('are parts: texts and arrays whole, of an object its large members', () => {
    const [instructions, tools, metadata] = [long('Be brief. '), `[${long('tool ')}]`, long('{\\"turn\\":1} ')];
    const body = `{"instructions":${instructions},"input":[${first}],"tools":${tools},"client_metadata":{"a":"1","m":${metadata}},"b":2}`;
    expect(cutTexts(body)).toEqual({ items: [first], parts: [instructions, tools, metadata] });
    expect(rebuild(bytesOf(body)).toString()).toBe(body);
  });

  test('an object of many small members is a part whole', () => {
    const object = JSON.stringify(Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`key ${at}`, at])));
    expect(cutTexts(`{"schema":${object}}`)?.parts).toEqual([object]);
  });

  test('a long input text is one', () => {
    const text = long('tell me ');
    expect(cutTexts(`{"input":${text}}`)).toEqual({ items: [], parts: [text] });
  });
});

test('a template does not grow with the number of items', () => {
  const sizeWith = (items: number, gap: string): number => {
    const body = bytesOf(`{"input":[${Array.from({ length: items }, () => first).join(gap)}],"stream":true}`);
    return writeTemplate(body, splitRequest(body)!).length;
  };
  for (const gap of [',', ',\n    ']) expect(sizeWith(5000, gap) - sizeWith(5, gap)).toBeLessThan(10);
});

test('whatever the body, its pieces are the body again (2000 seeded bodies, half of them damaged)', () => {
  for (let seed = 0; seed < 2000; seed += 1) {
    const random = seededRandom(seed);
    const body = anyBody(random);
    if (seed % 2 === 1) {
      for (let count = 0; count < 3; count += 1) body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
    }
    const options = { partBytes: 1 + Math.floor(random() * 100) };
    expect(rebuild(body, options).equals(body), `seed ${seed}`).toBe(true);
  }
});

describe('with an earlier body', () => {
  test('the cuts are those that they are without', () => {
    const check = (bodies: readonly Buffer[]): void => {
      let earlier: CutBody | null = null;
      for (const body of bodies) {
        const cuts: readonly Cut[] | null = splitRequest(body, { earlier });
        expect(cuts, `body ${body.toString()}`).toEqual(splitRequest(body));
        if (cuts !== null && cuts.length > 0) earlier = { body, cuts };
      }
    };
    assert(property(anyConversation, check), { numRuns: 1000, seed: 1 });
  });

  test('an element that may go on is looked at again', () => {
    const body = bytesOf(`{"input":[${first},${'1'.repeat(40)}]}`);
    const longer = bytesOf(`{"input":[${first},${'1'.repeat(41)},{}]}`);
    const cuts = splitRequest(longer, { earlier: { body, cuts: splitRequest(body)! } });
    expect(cuts).toHaveLength(3);
    expect(cuts).toEqual(splitRequest(longer));
  });

  test('what stands between two elements is looked at', () => {
    const body = bytesOf(`{"input":[${first},${second}]}`);
    const other = bytesOf(`{"input":[${first};${second}]}`);
    expect(splitRequest(other, { earlier: { body, cuts: splitRequest(body)! } })).toEqual(splitRequest(other));
  });

  test('what both begin with is not looked through: its cuts are taken as they are', () => {
    const body = bytesOf(`{"input":[${first},${second}],"a":1}`);
    const asOne: Cut = { type: 'item', start: 10, end: 10 + first.length + 1 + second.length };
    const next = bytesOf(`{"model":"m","input": [${first},${second},${first}]}`);
    const cuts = splitRequest(next, { earlier: { body, cuts: [asOne] } })!;
    expect(cuts.map(({ start, end }) => next.toString('utf8', start, end))).toEqual([`${first},${second}`, first]);
  });
});
