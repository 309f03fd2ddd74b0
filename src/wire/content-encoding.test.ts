import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { zstdCompress } from 'http-encoding';
import { describe, expect, it } from 'vitest';

import { chunkings, cutIntoChunks, randomJsonText } from '../../test/support/chunks.ts';
import { decodeBody, openBodyDecoder } from './index.ts';
import type { DecodedBody } from './index.ts';

const text = Buffer.from(randomJsonText(1, 9000));
const zstd = Buffer.from(await zstdCompress(text, 3));
const encoded: readonly (readonly [name: string, header: string, bytes: Buffer])[] = [
  ['gzip', 'gzip', gzipSync(text)],
  ['deflate with a zlib header', 'deflate', deflateSync(text)],
  ['raw deflate', 'deflate', deflateRawSync(text)],
  ['brotli', 'br', brotliCompressSync(text)],
  ['zstd', 'zstd', zstd],
  ['zstd in gzip', 'zstd, gzip', gzipSync(zstd)],
  ['two gzip members', 'gzip', Buffer.concat([gzipSync(text.subarray(0, 4000)), gzipSync(text.subarray(4000))])],
  [
    'two zstd frames',
    'zstd',
    Buffer.concat([await zstdCompress(text.subarray(0, 4000)), await zstdCompress(text.subarray(4000))]),
  ],
];

/** Whole; always as a Buffer, so that results compare. */
async function decodeWhole(...args: Parameters<typeof decodeBody>): Promise<DecodedBody> {
  const { bytes, problem } = await decodeBody(...args);
  return { bytes: Buffer.from(bytes), problem };
}

async function decodeChunks(
  chunks: readonly Uint8Array[],
  header: string | null,
  maxBytes?: number,
): Promise<DecodedBody & { parts: Uint8Array[] }> {
  const decoder = openBodyDecoder(header, maxBytes === undefined ? {} : { maxBytes });
  const parts: Uint8Array[] = [];
  for (const chunk of chunks) parts.push(await decoder.push(chunk));
  const { bytes, problem } = await decoder.end();
  return { bytes: Buffer.concat([...parts, bytes]), problem, parts };
}

describe.each(encoded)('%s', (_, header, bytes) => {
  it('decodes to what was encoded, however it is cut', async () => {
    expect(await decodeWhole(bytes, header)).toEqual({ bytes: text, problem: null });
    for (const { name, chunks } of chunkings(bytes)) {
      const { problem, bytes: decoded } = await decodeChunks(chunks, header);
      expect(problem, `with ${name}`).toBeNull();
      expect(Buffer.compare(decoded, text), `with ${name}`).toBe(0);
    }
  });

  it('keeps what decoded before it was cut short', async () => {
    const cut = bytes.subarray(0, bytes.length - 5);
    const whole = await decodeBody(cut, header);
    expect(whole.problem?.reason).toBe('truncated');
    expect(text.subarray(0, whole.bytes.length).equals(whole.bytes)).toBe(true);
    for (const { name, chunks } of chunkings(cut)) {
      const decoded = await decodeChunks(chunks, header);
      expect(decoded.problem, `with ${name}`).toEqual(whole.problem);
      expect(Buffer.compare(decoded.bytes, whole.bytes), `with ${name}`).toBe(0);
    }
  });

  it('is truncated at every place where it can be cut', async () => {
    for (let length = 1; length < bytes.length; length += 37) {
      const { problem, bytes: decoded } = await decodeBody(bytes.subarray(0, length), header);
      const isFirstOfTwo = problem === null && decoded.length === 4000;
      if (!isFirstOfTwo) expect(problem?.reason, `cut at ${length}`).toBe('truncated');
      expect(text.subarray(0, decoded.length).equals(decoded), `cut at ${length}`).toBe(true);
    }
  });

  it('names bytes that follow its end, and keeps the body', async () => {
    const decoded = await decodeBody(Buffer.concat([bytes, Buffer.from('<!-- footer -->')]), header);
    expect(decoded.problem?.reason).toBe('corrupt');
    expect(text.equals(decoded.bytes)).toBe(true);
  });

  it('stops at the cap', async () => {
    const whole = await decodeBody(bytes, header, { maxBytes: 1000 });
    expect(whole.problem?.reason).toBe('too-large');
    for (const { name, chunks } of chunkings(bytes)) {
      const { problem, bytes: decoded } = await decodeChunks(chunks, header, 1000);
      expect(problem?.reason, `with ${name}`).toBe('too-large');
      expect(decoded.length, `with ${name}`).toBeLessThanOrEqual(1000);
      expect(text.subarray(0, decoded.length).equals(decoded), `with ${name}`).toBe(true);
    }
  });

  it('takes a body of exactly the cap', async () => {
    expect(await decodeWhole(bytes, header, { maxBytes: text.length })).toEqual({ bytes: text, problem: null });
  });

  it('is empty and clean for an empty body, as HEAD and 204 have it', async () => {
    expect(await decodeWhole(new Uint8Array(0), header)).toEqual({ bytes: Buffer.alloc(0), problem: null });
    expect((await decodeChunks([], header)).problem).toBeNull();
  });
});

describe('a large zstd body', () => {
  const large = Buffer.from(randomJsonText(9, 1_200_000));

  it('decodes as a small one does: whole, in two frames, cut, damaged, capped', async () => {
    const bytes = Buffer.from(await zstdCompress(large, 3));
    expect(bytes.length).toBeGreaterThan(200 * 1024);
    const whole = await decodeWhole(bytes, 'zstd');
    expect(whole.problem).toBeNull();
    expect(Buffer.compare(whole.bytes, large)).toBe(0);
    const twice = await decodeWhole(Buffer.concat([bytes, bytes]), 'zstd');
    expect(twice.problem).toBeNull();
    expect(Buffer.compare(twice.bytes, Buffer.concat([large, large]))).toBe(0);
    const cut = await decodeWhole(bytes.subarray(0, -1), 'zstd');
    expect(cut.problem?.reason).toBe('truncated');
    expect(cut.bytes.length).toBeGreaterThan(large.length / 2);
    expect(Buffer.compare(cut.bytes, large.subarray(0, cut.bytes.length))).toBe(0);
    const capped = await decodeWhole(bytes, 'zstd', { maxBytes: 100_000 });
    expect(capped.problem?.reason).toBe('too-large');
    expect(Buffer.compare(capped.bytes, large.subarray(0, 100_000))).toBe(0);
    const damaged = Buffer.from(bytes).fill(0xff, 150_000, 150_100);
    const salvaged = await decodeWhole(damaged, 'zstd');
    expect(salvaged.problem?.reason).toBe('corrupt');
    expect(salvaged.bytes.length).toBeGreaterThan(100_000);
    expect(Buffer.compare(salvaged.bytes, large.subarray(0, salvaged.bytes.length))).toBe(0);
  });
});

describe('a corrupt body', () => {
  const large = Buffer.from(randomJsonText(2, 200_000));

  it.each([
    ['gzip', gzipSync(large)],
    ['deflate', deflateSync(large)],
  ])('gives what decoded before the fault, to the byte (%s)', async (header, bytes) => {
    // All ones are no code of any table: what follows cannot be decoded.
    const middle = Math.floor(bytes.length / 2);
    const corrupt = Buffer.from(bytes).fill(0xff, middle, middle + 64);
    const { problem, bytes: decoded } = await decodeBody(corrupt, header);
    expect(problem?.reason).toBe('corrupt');
    const single = await decodeChunks(cutIntoChunks(corrupt, 0, 1), header);
    expect(Buffer.compare(decoded, single.bytes)).toBe(0);
    expect(decoded.length).toBeGreaterThan(large.length / 3);
  });

  it('is noticed by a wrong gzip check, with all of the content kept', async () => {
    const bytes = gzipSync(text);
    bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1;
    const { problem, bytes: decoded } = await decodeBody(bytes, 'gzip');
    expect(problem).toEqual({ encoding: 'gzip', reason: 'corrupt', message: 'incorrect data check' });
    expect(text.equals(decoded)).toBe(true);
  });

  it('is corrupt where the header promises an encoding that the body is not in', async () => {
    for (const header of ['gzip', 'zstd', 'br']) {
      const { problem, bytes } = await decodeBody(Buffer.from('{"plain":true}'), header);
      expect(problem?.reason, `with ${header}`).toMatch(/corrupt|truncated/);
      expect(bytes.length, `with ${header}`).toBe(0);
    }
  });
});

describe('the header', () => {
  it.each([null, '', 'identity', 'Identity', ' , identity', 'none'])('%j leaves bytes untouched', async (header) => {
    expect((await decodeBody(text, header)).bytes).toBe(text);
    expect(await openBodyDecoder(header).push(text)).toBe(text);
  });

  it.each(['GZIP', 'x-gzip', 'X-GZip', ' gzip ', 'identity, gzip', 'gzip,identity'])('%j is gzip', async (header) => {
    expect(await decodeWhole(gzipSync(text), header)).toEqual({ bytes: text, problem: null });
  });

  it('lists encodings in the order in which they were applied', async () => {
    expect(await decodeWhole(brotliCompressSync(gzipSync(zstd)), 'zstd,gzip ,BR')).toEqual({
      bytes: text,
      problem: null,
    });
  });

  it.each(['compress', 'aws-chunked, gzip', 'gzip, toString', 'constructor'])(
    '%j leaves the bytes as they came, with a problem',
    async (header) => {
      const bytes = gzipSync(text);
      const decoded = await decodeBody(bytes, header);
      expect(decoded.bytes).toBe(bytes);
      expect(decoded.problem?.reason).toBe('unsupported');
      const streamed = await decodeChunks([bytes], header);
      expect(streamed.problem?.reason).toBe('unsupported');
      expect(bytes.equals(streamed.bytes)).toBe(true);
    },
  );

  it('may not name more than five encodings', async () => {
    expect((await decodeBody(text, 'gzip,'.repeat(6))).problem?.reason).toBe('unsupported');
  });
});

/** A frame of 128 KiB blocks that each repeat one byte. */
function zstdOfZeros(blocks: number): Buffer {
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])];
  for (let block = 1; block <= blocks; block += 1) {
    const header = Buffer.alloc(4);
    header.writeUIntLE((131_072 << 3) | 2 | (block === blocks ? 1 : 0), 0, 3);
    parts.push(header);
  }
  return Buffer.concat(parts);
}

describe('a bomb', () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);

  it('costs no more memory than the cap, stacked or not', async () => {
    const gzip = gzipSync(zeros);
    const zstdBomb = zstdOfZeros(512);
    const bombs: readonly (readonly [string, Uint8Array])[] = [
      ['gzip', gzip],
      ['gzip, gzip', gzipSync(gzip)],
      ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
      ['zstd', zstdBomb],
      ['zstd, gzip', gzipSync(zstdBomb)],
    ];
    for (const [header, bytes] of bombs) {
      const before = process.memoryUsage();
      const { problem, bytes: decoded } = await decodeBody(bytes, header, { maxBytes: 1_000_000 });
      const after = process.memoryUsage();
      expect(problem?.reason, `with ${header}`).toBe('too-large');
      expect(decoded.length, `with ${header}`).toBe(1_000_000);
      expect(after.arrayBuffers - before.arrayBuffers, `with ${header}`).toBeLessThan(16_000_000);
    }
  });
});

describe('a body that is still arriving', () => {
  it.each([
    ['gzip', constants.Z_SYNC_FLUSH],
    ['deflate', constants.Z_SYNC_FLUSH],
    ['br', constants.BROTLI_OPERATION_FLUSH],
  ])('gives each event as soon as it is there (%s)', async (header, flush) => {
    const zlib = await import('node:zlib');
    const encoder =
      header === 'gzip' ? zlib.createGzip() : header === 'br' ? zlib.createBrotliCompress() : zlib.createDeflate();
    const decoder = openBodyDecoder(header);
    for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      encoder.write(event);
      await new Promise<void>((resolve) => encoder.flush(flush, resolve));
      const sent: Buffer[] = [];
      for (let part: Buffer | null; (part = encoder.read() as Buffer | null) !== null;) sent.push(part);
      expect(Buffer.from(await decoder.push(Buffer.concat(sent))).toString()).toBe(event);
    }
    encoder.destroy();
    expect((await decoder.end()).problem?.reason).toBe('truncated');
  });

  it.each(encoded)('may be pushed without waiting (%s)', async (_, header, bytes) => {
    const decoder = openBodyDecoder(header);
    const pushed = cutIntoChunks(bytes, 8, 50).map((chunk) => decoder.push(chunk));
    const { bytes: rest, problem } = await decoder.end();
    expect(problem).toBeNull();
    expect(text.equals(Buffer.concat([...(await Promise.all(pushed)), rest]))).toBe(true);
  });

  it('gives zstd blocks as soon as they are whole', async () => {
    // Two uncompressed blocks by hand: magic, a header without sizes (window 1 KiB), then header and bytes of each block.
    const start = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00]);
    const block = (data: string, isLast: boolean): Buffer => {
      const header = Buffer.alloc(3);
      header.writeUIntLE((data.length << 3) | (isLast ? 1 : 0), 0, 3);
      return Buffer.concat([header, Buffer.from(data)]);
    };
    const decoder = openBodyDecoder('zstd');
    expect(Buffer.from(await decoder.push(Buffer.concat([start, block('one', false)]))).toString()).toBe('one');
    expect(Buffer.from(await decoder.push(block('two', true))).toString()).toBe('two');
    expect((await decoder.end()).problem).toBeNull();
  });
});
