import { describe, expect, it } from 'vitest';
import { sayOverHttp2 } from '../../../test/support/http2-bytes.ts';
import type { RawHeaders } from '../../domain/index.ts';
import { makeHpackDecoder, type HpackDecoder } from './hpack.ts';
import { decodeHuffman } from './huffman.ts';
import { readHttp2 } from './messages.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const lines = (headers: RawHeaders | null): string[] | null =>
  headers?.map(([name, value]) => `${name}: ${value}`) ?? null;

const requests = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const date = (second: number): string => `date: Mon, 21 Oct 2013 20:13:${second} GMT`;
const location = 'location: https://www.example.com';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const answers = [
  [':status: 302', 'cache-control: private', date(21), location],
  [':status: 307', 'cache-control: private', date(21), location],
  [':status: 200', 'cache-control: private', date(22), location, 'content-encoding: gzip', cookie],
];
/** The examples of an answer are of a table of 256 bytes. */
const smallTable = '3fe101';

const examples: { name: string; blocks: string[]; lists: string[][]; tables: number[] }[] = [
  {
    name: 'C.2.1 literal, kept',
    blocks: ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    lists: [['custom-key: custom-header']],
    tables: [55],
  },
  {
    name: 'C.2.2 literal, not kept',
    blocks: ['040c 2f73 616d 706c 652f 7061 7468'],
    lists: [[':path: /sample/path']],
    tables: [0],
  },
  {
    name: 'C.2.3 literal, never kept',
    blocks: ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    lists: [['password: secret']],
    tables: [0],
  },
  { name: 'C.2.4 indexed', blocks: ['82'], lists: [[':method: GET']], tables: [0] },
  {
    name: 'C.3 requests, plain',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    lists: requests,
    tables: [57, 110, 164],
  },
  {
    name: 'C.4 requests, Huffman',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    lists: requests,
    tables: [57, 110, 164],
  },
  {
    name: 'C.5 answers, plain, with evictions',
    blocks: [
      `${smallTable} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ],
    lists: answers,
    tables: [222, 222, 215],
  },
  {
    name: 'C.6 answers, Huffman, with evictions',
    blocks: [
      `${smallTable} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
    lists: answers,
    tables: [222, 222, 215],
  },
];

describe('the examples of RFC 7541', () => {
  it.each(examples)('$name', ({ blocks, lists, tables }) => {
    const decoder = makeHpackDecoder();
    for (const [at, block] of blocks.entries()) {
      expect(lines(decoder.decode(hex(block)))).toEqual(lists[at]);
      expect(decoder.tableBytes()).toBe(tables[at]);
    }
  });
});

describe("what Node's encoder writes", () => {
  it('is read for every byte that it lets into a value', async () => {
    const values = Array.from({ length: 256 }, (_, byte) => byte)
      .filter((byte) => (byte >= 32 && byte !== 127) || byte === 9)
      // Among short codes, so that the whole is worth coding.
      .map((byte) => `${'0'.repeat(20)}${String.fromCharCode(byte)}1`);
    const { agent } = await sayOverHttp2([{ headers: { 'x-value': values } }]);
    const found = readHttp2('agent')
      .push(agent)
      .flatMap((event) => (event.type === 'headers' ? event.headers : []));
    expect(found.filter(([name]) => name === 'x-value').map(([, value]) => value)).toEqual(values);
  });

  it('is read across two hundred requests, with a table that is always too small', async () => {
    const asked = Array.from({ length: 200 }, (_, at) => ({
      headers: { ':path': `/${at}`, 'x-same': 'same', [`x-${at % 37}`]: `${'v'.repeat(at * 3)}${at}` },
    }));
    const { agent, seen } = await sayOverHttp2(asked);
    const found = readHttp2('agent')
      .push(agent)
      .flatMap((event) => (event.type === 'headers' ? [event.headers] : []));
    expect(found).toHaveLength(200);
    expect(found).toEqual(seen);
  });
});

describe('a decoder', () => {
  const nothing: [name: string, block: string, decoder?: () => HpackDecoder][] = [
    ['index 0', '80'],
    ['an index beyond the table', 'be'],
    ['a name beyond the table', '7f00 0161'],
    ['an integer without an end', 'ff'],
    ['an integer beyond all bounds', 'ffff ffff ffff ffff ff7f'],
    ['a string that is cut', '400a 6375'],
    ['a string that is longer than its block', '007f ffff ff7f'],
    ['a value that is missing', '4001 61'],
    ['a table larger than was allowed', '3fe2 1f'],
    ['another size of the table behind a field', '8220'],
    ['padding of a whole byte', '4001 6181 ff'],
    ['padding that is not ones', '4001 6181 00'],
    ['the end of a string within it', '4001 6184 ffff ffff'],
  ];
  it.each(nothing)('reads nothing of %s, and nothing behind it', (_, block) => {
    const decoder = makeHpackDecoder();
    expect(decoder.decode(hex(block))).toBeNull();
    expect(decoder.decode(hex('82'))).toBeNull();
    expect(decoder.tableBytes()).toBe(0);
  });

  it('takes a larger table once it is allowed', () => {
    const decoder = makeHpackDecoder();
    decoder.allowTable(65_536);
    expect(lines(decoder.decode(hex('3fe1ff03 82')))).toEqual([':method: GET']);
  });

  it('forgets what a smaller table has no room for', () => {
    const decoder = makeHpackDecoder();
    decoder.decode(hex('4001 610162 4001 630164'));
    expect(decoder.tableBytes()).toBe(68);
    expect(lines(decoder.decode(hex('3f03 be')))).toEqual(['c: d']);
    expect(decoder.tableBytes()).toBe(34);
    expect(decoder.decode(hex('bf'))).toBeNull();
  });

  it('keeps no list beyond a megabyte, however few bytes it comes in', () => {
    const decoder = makeHpackDecoder();
    const value = 'v'.repeat(3_900);
    decoder.decode(Buffer.concat([hex('4001 617f bd1d'), Buffer.from(value)]));
    expect(decoder.tableBytes()).toBe(1 + 3_900 + 32);
    expect(decoder.decode(Buffer.alloc(200, 0xbe))).toHaveLength(200);
    expect(decoder.decode(Buffer.alloc(16_000, 0xbe))).toBeNull();
  });

  it('keeps no table beyond a megabyte, whatever was allowed', () => {
    const decoder = makeHpackDecoder();
    decoder.allowTable(2 ** 32 - 1);
    // A size of 2^31, and fields of 64 kB, each of which is kept.
    expect(decoder.decode(hex('3fe1 ffff ff07'))).toEqual([]);
    const field = Buffer.concat([hex('4001 617f 81ff 03'), Buffer.alloc(65_536, 'v')]);
    let kept = 0;
    while (kept < 100 && decoder.decode(field) !== null) kept += 1;
    expect(kept).toBe(15);
    expect(decoder.tableBytes()).toBe(0);
  });
});

describe('a Huffman string', () => {
  it('of nothing is nothing', () => expect(decodeHuffman(Buffer.alloc(0))).toBe(''));
});
