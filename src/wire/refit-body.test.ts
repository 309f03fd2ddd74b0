// Bodies changed on their way: as long as they were under every encoding, whole to decoders that are not ours, whatever they hold.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants, deflateRawSync, deflateSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib'; // prettier-ignore
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { randomJsonText } from '../../test/support/chunks.ts';
import { openBodyDecoder } from './content-encoding.ts';
import { BodyRefit } from './refit-body.ts';
import { openSegmentEncoder } from './segment-encoder.ts';

const mib = 1024 * 1024;
const tool = (name: string, args: readonly string[], input: Uint8Array): Buffer =>
  execFileSync(name, args, { input, maxBuffer: 1024 * mib });

interface Encoding {
  readonly encode: (text: Uint8Array, isBest: boolean) => Buffer;
  /** By somebody else, or by the library that all have. */
  readonly decode: (bytes: Uint8Array) => Buffer;
}
const quality = (level: number): object => ({ params: { [constants.BROTLI_PARAM_QUALITY]: level } });
const encodings: Readonly<Record<string, Encoding>> = {
  zstd: {
    encode: (text, isBest) => tool('zstd', ['-q', '-c', isBest ? '-17' : '-3'], text),
    decode: (bytes) => tool('zstd', ['-q', '-d', '-c'], bytes),
  },
  gzip: {
    encode: (text, isBest) => gzipSync(text, { level: isBest ? 9 : 6 }),
    decode: (bytes) => tool('gzip', ['-d', '-c'], bytes),
  },
  deflate: {
    encode: (text, isBest) => deflateSync(text, { level: isBest ? 9 : 6 }),
    decode: (bytes) => inflateSync(bytes),
  },
  'deflate, raw': {
    encode: (text, isBest) => deflateRawSync(text, { level: isBest ? 9 : 6 }),
    decode: (bytes) => inflateRawSync(bytes),
  },
  br: {
    encode: (text, isBest) => brotliCompressSync(text, quality(isBest ? 9 : 5)),
    decode: (bytes) => brotliDecompressSync(bytes),
  },
};

const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';
const mask = `masked:0011aabb${'*'.repeat(secret.length - 15)}`;
/** With a secret at each boundary of a MiB, and elsewhere. */
function withSecrets(text: Buffer): Buffer {
  for (let at = mib - 9; at < text.length - secret.length; at += mib) text.write(secret, at);
  for (let at = 5000; at < text.length - secret.length; at += 777_777) text.write(secret, at);
  return text;
}
const texts: Readonly<Record<string, () => Buffer>> = {
  JSON: () =>
    withSecrets(Buffer.from(Array.from({ length: 150 }, (_, seed) => randomJsonText(seed, 30_000)).join('\n'))),
  'what cannot be compressed': () => withSecrets(randomBytes(6 * mib)),
  base64: () => withSecrets(Buffer.from(randomBytes(6 * mib).toString('base64'))),
  'the same words again and again': () =>
    withSecrets(
      Buffer.from(
        Array.from({ length: 20_000 }, (_, at) => `${at}: ${'and so on, and so forth; '.repeat(25)}\n`).join(''),
      ),
    ),
};

async function refit(
  body: Buffer,
  name: string,
  pieceBytes: number,
): Promise<{ readonly bytes: Buffer; readonly left: number }> {
  const encoding = name.split(',')[0]!;
  const decoder = openBodyDecoder(encoding);
  const fit = new BodyRefit(openSegmentEncoder(encoding, body)!);
  const parts: Uint8Array[] = [];
  // Equal length everywhere, so that what is cut between two pieces needs no care here.
  let held = Buffer.alloc(0);
  const change = (text: Uint8Array, isEnd: boolean): Buffer => {
    const all = Buffer.from(Buffer.concat([held, text]).toString('latin1').replaceAll(secret, mask), 'latin1');
    const keep = isEnd ? 0 : Math.min(all.length, secret.length - 1);
    held = all.subarray(all.length - keep);
    return all.subarray(0, all.length - keep);
  };
  let [came, said] = [0, 0];
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    came += piece.length;
    const out = await fit.push(change(await decoder.push(piece), false), piece.length);
    said += out.length;
    expect(said).toBeLessThanOrEqual(came);
    // No more waits than what the segments and the room kept for them take.
    expect(came - said).toBeLessThan(14 * mib);
    parts.push(out);
  }
  const last = await decoder.end();
  parts.push(await fit.push(change(last.bytes, true), 0), await fit.end());
  return { bytes: Buffer.concat(parts), left: fit.leftOutBytes };
}

describe.each(Object.entries(encodings))('a body in %s', (name, { encode, decode }) => {
  it.each(Object.entries(texts))('of %s keeps its length, masked', async (kind, makeText) => {
    const text = makeText();
    const body = encode(text, false);
    const { bytes, left } = await refit(body, name, 100_003);
    expect(bytes.length).toBe(body.length);
    const decoded = decode(bytes);
    expect(decoded.length).toBe(text.length);
    const wanted = Buffer.from(text.toString('latin1').replaceAll(secret, mask), 'latin1');
    expect(decoded.includes(secret)).toBe(false);
    if (left === 0) expect(decoded.equals(wanted)).toBe(true);
    else {
      expect(left < 512 || decoded.includes('[tapes: ')).toBe(true);
    }
    // In base64 the mark brings a 65th sign, which makes all others longer; of what comes to a 390th, a hundred bytes hold much text.
    const mayLose: Readonly<Record<string, number>> = { base64: 40_000, 'the same words again and again': 200_000 };
    expect(left).toBeLessThanOrEqual((name === 'br' ? mayLose[kind] : undefined) ?? 16 * 1024);
  });

  it('that was compressed better than can be done here keeps its length, and what has no room is left out', async () => {
    // What repeats at a distance that only a large window sees, and much of it new.
    const block = randomBytes(700_000);
    const text = Buffer.concat([block, randomBytes(300_000), block, randomBytes(2_500_000), block, randomBytes(9)]);
    const body = encode(text, true);
    const given = name === 'zstd' || name === 'br' ? body : body.subarray(0, body.length);
    const { bytes, left } = await refit(given, name, 65_536);
    expect(bytes.length).toBe(body.length);
    const decoded = decode(bytes);
    expect(decoded.length).toBe(text.length);
    if (left > 0) expect(decoded.toString('latin1')).toMatch(/\[tapes: \d+ bytes are left out here\]|\*{100}/);
  });
});

describe('a real text in brotli', () => {
  /** Programs, and between them what hardly compresses and what compresses best: no part foretells the next one. */
  const parts: Buffer[] = [];
  const folders = [
    'src',
    'test',
    'docs',
    'node_modules/mockttp/dist',
    'node_modules/vite/dist',
    'node_modules/vitest/dist',
  ];
  const names = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).sort()); // prettier-ignore
  const program = Buffer.concat(
    names.filter((name) => /\.(ts|md|js|json)$/.test(name)).map((name) => readFileSync(name)),
  );
  for (let at = 0; at < program.length; at += mib) {
    parts.push(program.subarray(at, at + mib));
    if (at % (3 * mib) === mib) parts.push(Buffer.from(randomBytes(900_000).toString('base64')));
    if (at % (3 * mib) === 2 * mib) parts.push(Buffer.alloc(3 * mib, '{"type":"message","text":"and so on"}\n'));
  }
  expect(program.length).toBeGreaterThan(5 * mib);
  const mixed = withSecrets(Buffer.concat(parts));
  const plain = withSecrets(Buffer.from(program));

  it.each([
    ['plain', 4, 0],
    ['plain', 5, 0],
    ['plain', 9, 0.01],
    ['mixed', 1, 0],
    ['mixed', 4, 0],
    ['mixed', 5, 0],
    ['mixed', 9, 0.001],
  ] as const)(
    '(%s) of quality %i keeps its length, and of its text all but a part of %f',
    async (kind, level, mayLose) => {
      const text = kind === 'plain' ? plain : mixed;
      const body = brotliCompressSync(text, quality(level));
      const { bytes, left } = await refit(body, 'br', 16_384);
      expect(bytes.length).toBe(body.length);
      const decoded = brotliDecompressSync(bytes);
      expect(decoded.length).toBe(text.length);
      expect(left).toBeLessThanOrEqual(text.length * mayLose);
      if (left === 0) expect(decoded.equals(Buffer.from(text.toString('latin1').replaceAll(secret, mask), 'latin1'))).toBe(true); // prettier-ignore
    },
    60_000,
  );
});

describe('filler', () => {
  it('of brotli is as many stars as are asked for, at any length', () => {
    for (const bytes of [
      1,
      2,
      5,
      6,
      7,
      9,
      17,
      100,
      129,
      130,
      577,
      2113,
      2114,
      22_593,
      22_594,
      65_536,
      65_537,
      mib,
      mib + 1,
    ]) {
      const encoder = openSegmentEncoder('br', new Uint8Array(0))!;
      const body = Buffer.concat([encoder.head, encoder.filler(bytes), encoder.padding(3), encoder.end(4)]);
      expect(brotliDecompressSync(body).equals(Buffer.alloc(bytes, '*'))).toBe(true);
    }
  });

  it.each(Object.keys(encodings))('of %s: padding and ends of every length say nothing', (name) => {
    const encoding = name.split(',')[0]!;
    const start = name.endsWith('raw') ? Buffer.from([0, 0]) : Buffer.from([0x78, 0x9c]);
    for (let bytes = 0; bytes < 60; bytes += 1) {
      const encoder = openSegmentEncoder(encoding, start)!;
      const padding = encoder.padding(bytes);
      expect(padding.length).toBeLessThanOrEqual(bytes);
      const end = encoder.end(encoder.leastEndBytes + bytes);
      expect(end.length).toBe(encoder.leastEndBytes + bytes);
      const body = Buffer.concat([encoder.head, padding, end]);
      if (encoding === 'zstd' || encoding === 'gzip')
        expect(bytes % 20 === 0 ? encodings[name]!.decode(body).length : 0).toBe(0);
      else expect(encodings[name]!.decode(body).length).toBe(0);
    }
  });
});
