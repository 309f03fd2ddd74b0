import { readFile } from 'node:fs/promises';

import { zstdCompress, zstdDecompress } from 'http-encoding';
import { describe, expect, it } from 'vitest';

import { chunkings, randomInt, randomJsonText, seededRandom } from '../../../test/support/chunks.ts';
import { ZstdReader } from './zstd-reader.ts';

const corpus = new URL('../../../test/corpus/zstd/', import.meta.url);
const corpusText = Buffer.from(randomJsonText(7, 12_000));

function read(chunks: readonly Uint8Array[], maxBytes = 2 ** 28): { bytes: Buffer; problem: ZstdReader['problem'] } {
  const reader = new ZstdReader(maxBytes);
  const parts = chunks.map((chunk) => Buffer.from(reader.push(chunk)));
  return { bytes: Buffer.concat([...parts, reader.end()]), problem: reader.problem };
}

describe('frames of the zstd command line tool', () => {
  it.each(['level-1-checksum', 'level-19-no-check', 'fast-5', 'long-window-2-gib', 'with-size-and-checksum'])(
    '%s decodes, however it is cut',
    async (name) => {
      const bytes = await readFile(new URL(`${name}.zst`, corpus));
      for (const { name: chunking, chunks } of chunkings(bytes)) {
        const decoded = read(chunks);
        expect(decoded.problem, `with ${chunking}`).toBeNull();
        expect(Buffer.compare(decoded.bytes, corpusText), `with ${chunking}`).toBe(0);
      }
    },
  );

  it('says which dictionary a frame needs', async () => {
    const { problem } = read([await readFile(new URL('needs-dictionary.zst', corpus))]);
    expect(problem?.reason).toBe('unsupported');
    expect(problem?.message).toMatch(/^a frame needs dictionary \d+$/);
  });

  it('notices a wrong checksum, with the content kept', async () => {
    const bytes = await readFile(new URL('level-1-checksum.zst', corpus));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const { bytes: decoded, problem } = read([bytes]);
    expect(problem).toEqual({ encoding: 'zstd', reason: 'corrupt', message: 'the checksum of a frame differs' });
    expect(decoded.equals(corpusText)).toBe(true);
  });

  it('notices a wrong content size', async () => {
    const bytes = await readFile(new URL('with-size-and-checksum.zst', corpus));
    // The high byte of a size of two bytes.
    bytes[6] = (bytes[6] ?? 0) + 1;
    expect(read([bytes]).problem?.message).toMatch(/^a frame says \d+ bytes and holds \d+$/);
  });
});

it('agrees with the library on random bodies', { timeout: 120_000 }, async () => {
  const random = seededRandom(11);
  for (let round = 0; round < 60; round += 1) {
    const size = Math.floor(random() ** 3 * 400_000);
    const text = Buffer.from(randomJsonText(round, size));
    // Incompressible stretches make raw and repeated blocks.
    const noiseBytes = round % 3 === 0 ? Math.floor(size / 3) : 0;
    for (let at = 0; at < noiseBytes; at += 1) text[at] = randomInt(random, 0, 255);
    if (round % 4 === 0) text.fill(0x20, Math.floor(size / 2), Math.floor(size * 0.8));
    const compressed = await zstdCompress(text, [1, 3, 5, 7, 9][round % 5] ?? 3);
    const { bytes, problem } = read([compressed]);
    expect(problem, `round ${round}`).toBeNull();
    expect(Buffer.compare(bytes, Buffer.from(await zstdDecompress(compressed))), `round ${round}`).toBe(0);
  }
});

it('never throws and never exceeds its cap on damaged frames', async () => {
  const random = seededRandom(12);
  const good = await zstdCompress(Buffer.from(randomJsonText(3, 30_000)), 3);
  const reasons = new Set<string | undefined>();
  for (let round = 0; round < 3000; round += 1) {
    const bytes = Buffer.from(good);
    for (let damage = randomInt(random, 0, 3); damage > 0; damage -= 1) {
      const reach = random() < 0.5 ? 60 : bytes.length;
      bytes[randomInt(random, 0, reach - 1)] = randomInt(random, 0, 255);
    }
    const end = random() < 0.3 ? randomInt(random, 1, bytes.length) : bytes.length;
    const { bytes: decoded, problem } = read([bytes.subarray(0, end)], 20_000);
    expect(decoded.length).toBeLessThanOrEqual(20_000);
    reasons.add(problem?.reason);
  }
  expect([...reasons].filter((reason) => reason !== undefined).sort()).toEqual(
    expect.arrayContaining(['corrupt', 'too-large', 'truncated']),
  );
});

it('passes over skippable frames, between and around', async () => {
  const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 6, 0, 0, 0]), Buffer.from('hidden')]);
  const frame = await zstdCompress(Buffer.from('seen '));
  const bytes = Buffer.concat([skippable, frame, skippable, frame, skippable]);
  for (const { name, chunks } of chunkings(bytes)) {
    expect(read(chunks), `with ${name}`).toEqual({ bytes: Buffer.from('seen seen '), problem: null });
  }
});

it('gives the part that came of an uncompressed block that was cut', () => {
  const bytes = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x51, 0, 0]), Buffer.from('half')]);
  expect(read([bytes]).bytes.toString()).toBe('half');
  expect(read([bytes]).problem?.reason).toBe('truncated');
});

it('keeps its memory when a long stream passes through a small window', async () => {
  const frame = await zstdCompress(Buffer.from(randomJsonText(5, 300_000)), 1);
  const reader = new ZstdReader(2 ** 40);
  const before = process.memoryUsage().arrayBuffers;
  let decodedBytes = 0;
  for (let round = 0; round < 100; round += 1) decodedBytes += reader.push(frame).length;
  expect(decodedBytes).toBeGreaterThanOrEqual(30_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32_000_000);
});

it('keeps readers apart that are at work together, for frames take over the memory of those that have ended', async () => {
  const random = seededRandom(23);
  // Several blocks in most.
  const texts = Array.from({ length: 20 }, (_, at) =>
    Buffer.from(randomJsonText(at, randomInt(random, 1000, 900_000))),
  );
  const open = await Promise.all(
    texts.map(async (text) => {
      // Two frames: the second one begins where the first has left what it had.
      const [first, second] = [text.subarray(0, text.length / 3), text.subarray(text.length / 3)];
      const bytes = Buffer.concat([await zstdCompress(first), await zstdCompress(second)]);
      return { text, bytes, reader: new ZstdReader(2 ** 28), parts: [] as Uint8Array[], at: 0 };
    }),
  );
  for (let left = [...open]; left.length > 0; left = left.filter(({ bytes, at }) => at < bytes.length)) {
    const one = left[randomInt(random, 0, Math.min(4, left.length - 1))]!;
    const end = one.at + randomInt(random, 1, 40_000);
    one.parts.push(one.reader.push(one.bytes.subarray(one.at, end)));
    one.at = end;
  }
  for (const { text, reader, parts } of open) {
    expect(Buffer.concat([...parts, reader.end()]).equals(text)).toBe(true);
    expect(reader.problem).toBeNull();
  }
});
