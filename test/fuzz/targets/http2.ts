// HTTP/2 as it is read from bytes that pass: frames and header blocks. What is read must not depend on how the bytes are cut, and a table must be
// what RFC 7541 says it is: held against an encoder that keeps a table of its own.
import { makeHpackDecoder } from '../../../src/proxy/http2/hpack.ts';
import { readHttp2, type Http2Event } from '../../../src/proxy/http2/messages.ts';
import { randomInt, seededRandom } from '../../support/chunks.ts';
import {
  block,
  flags,
  frame,
  goAway,
  headers,
  integer,
  kinds,
  number,
  preface,
  reset,
  settings,
} from '../../support/http2-frames.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
/** Of RFC 7541 appendix C: requests and answers, plain and coded. */
const blocks = [
  '828684410f7777772e6578616d706c652e636f6d828684be58086e6f2d6361636865',
  '828684418cf1e3c2e5f23a6ba0ab90f4ff',
  '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  '3fe1014803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54',
  '88c16196d07abe941054d444a820059504 0b8166e084a62d1bffc05a839bd9ab'.replace(' ', ''),
].map(hex);

const a1 = block({ a: '1' });
const talk = [
  settings([
    [1, 100],
    [5, 20_000],
  ]),
  headers(1, { ':method': 'GET', ':path': '/' }, flags.endStream),
  frame(kinds.headers, 3, Buffer.concat([Buffer.of(2), number(1), Buffer.of(16), a1, Buffer.alloc(2)]), 0x2c),
  frame(kinds.data, 3, Buffer.from('hello')),
  frame(kinds.data, 3, Buffer.from('\x02world\0\0', 'latin1'), flags.padded),
  frame(kinds.headers, 3, blocks[1]!.subarray(0, 5), flags.endStream),
  frame(kinds.continuation, 3, blocks[1]!.subarray(5), flags.endHeaders),
  frame(kinds.promise, 1, Buffer.concat([number(2), blocks[2]!]), flags.endHeaders),
  frame(kinds.ping, 0, Buffer.alloc(8)),
  frame(0xfe, 9, Buffer.from('unknown')),
  reset(3, 8),
  goAway(3, 0),
];

export const http2: FuzzTarget = {
  name: 'http2',
  samples: [
    Buffer.concat([preface, ...talk]),
    Buffer.concat(talk),
    Buffer.concat([preface, settings(), ...blocks.map((one, at) => frame(kinds.headers, 2 * at + 1, one, 4))]),
  ],
  words: [
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\0\0\0\x04\0\0\0\0\0',
    '\0\0\0\x09\x04\0\0\0\x03',
    '\0\0\0\0\x01\0\0\0\x03',
  ],
  longest: 300,
  check(fuzzed) {
    const side = fuzzed.input[0] === preface[0] ? 'agent' : 'provider';
    const whole = readHttp2(side);
    const wanted = told(whole.push(fuzzed.input));
    const reader = readHttp2(side);
    const found = told(cutCase(fuzzed).flatMap((piece) => reader.push(piece)));
    mustEqual(found, wanted, 'cut, it says something else');
    must(reader.isLost() === whole.isLost(), 'cut, it is lost elsewhere');
    if (!whole.isLost()) return;
    must(whole.push(fuzzed.input).length === 0, 'it goes on behind what makes no sense');
  },
};

class Body {
  readonly streamId: number;
  text = '';

  constructor(streamId: number, data: Buffer) {
    this.streamId = streamId;
    this.add(data);
  }

  add(data: Buffer): void {
    must(data.length > 0, 'a piece of nothing');
    this.text += data.toString('latin1');
  }
}

/** Pieces of one body that follow each other are one. */
function told(events: readonly Http2Event[]): unknown[] {
  const all: unknown[] = [];
  for (const event of events) {
    const last = all.at(-1);
    if (event.type !== 'data') all.push(event);
    else if (last instanceof Body && last.streamId === event.streamId) last.add(event.data);
    else all.push(new Body(event.streamId, event.data));
  }
  return all;
}

export const hpack: FuzzTarget = {
  name: 'hpack',
  samples: blocks,
  words: [
    '\x82',
    '\xbe',
    '\x3f\xe1\x01',
    '\x20',
    '\x40\x01a\x01b',
    '\x7f\x80\x01',
    '\xff\x80\x80\x80\x80\x00',
    '\x81\xff',
  ],
  longest: 120,
  check(fuzzed) {
    const decoder = makeHpackDecoder();
    for (const piece of cutCase(fuzzed)) {
      const list = decoder.decode(piece);
      must(decoder.tableBytes() <= 4096, 'a table larger than was allowed');
      if (list !== null) continue;
      must(
        decoder.decode(Buffer.of(0x82)) === null && decoder.tableBytes() === 0,
        'it goes on behind what makes no sense',
      );
      break;
    }
    mustReadBack(seededRandom(fuzzed.seed));
  },
};

type Field = readonly [name: string, value: string];

/** Some blocks of an encoder that chooses by chance, and keeps its table as the RFC says it: newest first. */
function mustReadBack(random: () => number): void {
  const decoder = makeHpackDecoder();
  const allowed = randomInt(random, 0, 400);
  decoder.allowTable(allowed);
  let limit = 4096;
  let table: Field[] = [];
  const sizeOf = (fields: readonly Field[]): number =>
    fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  const fit = (): void => {
    while (sizeOf(table) > limit) table = table.slice(0, -1);
  };
  for (let left = randomInt(random, 1, 4); left > 0; left -= 1) {
    const parts: Buffer[] = [];
    const wanted: Field[] = [];
    if (random() < 0.4) {
      limit = randomInt(random, 0, Math.max(allowed, 4096) * (random() < 0.5 ? 1 : 0.05));
      fit();
      parts.push(integer(limit, 5, 0x20));
    }
    for (let fields = randomInt(random, 0, 6); fields > 0; fields -= 1) {
      const known = table.length > 0 ? randomInt(random, 0, table.length - 1) : -1;
      const entry = table[known];
      if (entry !== undefined && random() < 0.4) {
        parts.push(integer(62 + known, 7, 0x80));
        wanted.push(entry);
        continue;
      }
      const value = 'v'.repeat(randomInt(random, 0, random() < 0.1 ? 300 : 30));
      const isNamed = entry !== undefined && random() < 0.5;
      const name = isNamed ? entry[0] : `n${randomInt(random, 0, 99)}`;
      const isKept = random() < 0.6;
      const nameIndex = isNamed ? 62 + known : 0;
      parts.push(isKept ? integer(nameIndex, 6, 0x40) : integer(nameIndex, 4, random() < 0.5 ? 0x10 : 0));
      for (const text of isNamed ? [value] : [name, value]) parts.push(integer(text.length, 7, 0), Buffer.from(text));
      wanted.push([name, value]);
      if (!isKept) continue;
      table = [[name, value], ...table];
      fit();
    }
    mustEqual(decoder.decode(Buffer.concat(parts)), wanted, 'another list is read than was written');
    must(decoder.tableBytes() === sizeOf(table), 'the table takes something else');
  }
}
