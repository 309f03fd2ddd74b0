// Bodies under one or two encodings, damaged: a stream and a whole body say the same, and zlib itself agrees.
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';

import { zstdCompress } from 'http-encoding';

import { decodeBody, openBodyDecoder } from '../../../src/wire/index.ts';
import type { DecodedBody } from '../../../src/wire/index.ts';
import { cutCase } from '../case.ts';
import type { FuzzCase, FuzzTarget } from '../case.ts';
import { must, mustEqualBytes } from '../expectations.ts';

const maxBytes = 4096;
const text = Buffer.from('data: {"type":"response.output_text.delta","delta":"and so on and so on"}\n\n');
const zstd = Buffer.from(await zstdCompress(text, 3));
const bodies: readonly (readonly [string, Buffer])[] = [
  ['gzip', gzipSync(text)],
  ['br', brotliCompressSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['zstd', zstd],
  ['gzip, zstd', Buffer.from(await zstdCompress(gzipSync(text), 1))],
  ['zstd, gzip', gzipSync(zstd)],
  ['identity', text],
  ['br, nonsense', text],
];
const headers = [...new Set(bodies.map(([header]) => header)), null, '', ' GZIP ,, x-deflate', 'none, br'];

export const contentEncoding: FuzzTarget = {
  name: 'content-encoding',
  samples: [
    ...bodies.map(([, body]) => body),
    gzipSync(Buffer.alloc(100_000)),
    brotliCompressSync(Buffer.alloc(100_000)),
  ],
  words: ['\x1f\x8b\x08', '\x78\x9c', '\x28\xb5\x2f\xfd'],
  longest: 160,
  async check(fuzzed) {
    const header = headerOf(fuzzed);
    const reference = decodeByZlib(fuzzed.input, header);
    // A whole body costs most: what decodes before a fault is looked for byte by byte. Where zlib can be asked, a stream is held against it.
    const whole =
      reference === undefined || fuzzed.seed % 8 === 0 ? await decodeBody(fuzzed.input, header, { maxBytes }) : null;
    if (whole !== null) checkAgainst(reference, fuzzed.input, whole);
    if (whole !== null && fuzzed.seed % 2 === 0) return;
    const decoder = openBodyDecoder(header, { maxBytes });
    const parts: Uint8Array[] = [];
    for (const chunk of cutCase(fuzzed)) parts.push(await decoder.push(chunk));
    const { bytes: rest, problem } = await decoder.end();
    const streamed = Buffer.concat([...parts, rest]);
    checkAgainst(reference, fuzzed.input, { bytes: streamed, problem });
    if (whole === null) return;
    must((problem === null) === (whole.problem === null), 'a stream and a whole body differ in having a fault');
    if (problem === null) mustEqualBytes(streamed, whole.bytes, 'a stream gives other bytes than a whole body');
  },
};

function checkAgainst(reference: Buffer | null | undefined, input: Buffer, { bytes, problem }: DecodedBody): void {
  must(bytes.length <= Math.max(maxBytes, input.length), 'more came out than may');
  if (reference === undefined || input.length === 0) return;
  must((reference === null) === (problem !== null), 'zlib sees another fault');
  if (reference !== null) mustEqualBytes(bytes, reference, 'zlib gives other bytes');
}

/** The sample's own most often, so that most cases get past the first byte. */
function headerOf({ input, seed }: FuzzCase): string | null {
  const own = bodies.find(([, body]) => body.subarray(0, 3).equals(input.subarray(0, 3)))?.[0];
  return own !== undefined && seed % 4 !== 0 ? own : (headers[seed % headers.length] ?? null);
}

/** Undefined: not asked. Null: it throws. */
function decodeByZlib(bytes: Buffer, header: string | null): Buffer | null | undefined {
  const decode = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync }[header ?? ''];
  if (decode === undefined) return undefined;
  // Raw deflate is ours to tell, and zlib passes over what follows the end.
  if (header === 'deflate' && ((bytes[0] ?? 0) & 15) !== 8) return undefined;
  try {
    const { buffer, engine } = decode(bytes, { info: true, maxOutputLength: maxBytes }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return engine.bytesWritten < bytes.length ? undefined : buffer;
  } catch {
    return null;
  }
}
