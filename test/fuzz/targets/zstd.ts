// zstd frames, damaged: nothing is thrown, nothing exceeds its bound, and cuts change nothing. A frame that is whole gives what was put in.
import { readFileSync } from 'node:fs';

import { zstdCompress } from 'http-encoding';

import { ZstdReader } from '../../../src/wire/zstd/zstd-reader.ts';
import { randomJsonText } from '../../support/chunks.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual, mustEqualBytes } from '../expectations.ts';

const maxBytes = 8192;
const texts = [
  Buffer.from('{"input":[{"role":"user","content":"list the files, then list the files once more"}]}'),
  Buffer.from(randomJsonText(3, 900)),
  Buffer.alloc(5000, 'ab'),
  Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 7919) % 251)),
];
const frames: Buffer[] = [];
const contents = new Map<string, Buffer>();
for (const text of texts) {
  for (const level of [1, 3, 9]) {
    const frame = Buffer.from(await zstdCompress(text, level));
    frames.push(frame);
    contents.set(frame.toString('latin1'), text);
  }
}
const handMade = [
  // Skippable, then raw, repeated and empty blocks in frames with and without sizes.
  Buffer.from('502a4d1803000000616263', 'hex'),
  Buffer.from('28b52ffd000019000061626331000061', 'hex'),
  Buffer.from('28b52ffd2003190000616263', 'hex'),
  Buffer.from('28b52ffd0038020010010000', 'hex'),
  readFileSync(new URL('../../corpus/zstd/long-window-2-gib.zst', import.meta.url)).subarray(0, 700),
  readFileSync(new URL('../../corpus/zstd/level-1-checksum.zst', import.meta.url)).subarray(0, 700),
];

export const zstd: FuzzTarget = {
  name: 'zstd',
  samples: [...frames, ...handMade],
  words: ['\x28\xb5\x2f\xfd', '\x00\x00\x00'],
  longest: 700,
  check(fuzzed) {
    const whole = read([fuzzed.input]);
    const cut = read(cutCase(fuzzed));
    must(whole.bytes.length <= maxBytes, 'more came out than may');
    mustEqual(cut.problem, whole.problem, 'cut, the frames have another fault');
    mustEqualBytes(cut.bytes, whole.bytes, 'cut, the frames give other bytes');
    const known = contents.get(fuzzed.input.toString('latin1'));
    if (known !== undefined) mustEqualBytes(whole.bytes, known, 'a whole frame gives other bytes than went in');
  },
};

function read(chunks: readonly Uint8Array[]): { bytes: Buffer; problem: ZstdReader['problem'] } {
  const reader = new ZstdReader(maxBytes);
  const parts = chunks.map((chunk) => Buffer.from(reader.push(chunk)));
  return { bytes: Buffer.concat([...parts, reader.end()]), problem: reader.problem };
}
