// Whole bodies put back under their encodings at a given length: decoders that are not ours give the same bytes, and no text is lost for it.
import { execFileSync } from 'node:child_process';
import { brotliCompressSync, brotliDecompressSync, constants, deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib'; // prettier-ignore
import { zstdDecompress } from 'http-encoding';
import { describe, expect, it } from 'vitest';

import { randomJsonText, seededRandom } from '../../test/support/chunks.ts';
import { starMarks } from '../redact/index.ts';
import { decodeBody } from './content-encoding.ts';
import { fitBody } from './fit-body.ts';

const body = Buffer.from(randomJsonText(7, 30_000));
const tool = (name: string, args: readonly string[], input: Uint8Array): Buffer =>
  execFileSync(name, args, { input, maxBuffer: 64 * 1024 * 1024 });
const brotli = (text: Buffer, level: number): Buffer =>
  brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: level } });

/** As a server would encode it, at each strength; and taken off again by another program, or the library that all have. */
type Case = readonly [name: string, encode: (text: Buffer) => Buffer, decode: (bytes: Uint8Array) => Buffer];
const cases = (name: string, levels: readonly number[], encode: (text: Buffer, level: number) => Buffer, decode: Case[2]): Case[] =>
  levels.map((level) => [`${name}, ${level}`, (text) => encode(text, level), decode]); // prettier-ignore
const encodings: readonly Case[] = [
  ...cases('zstd', [1, 3], (text, level) => tool('zstd', ['-qc', `-${level}`], text), (bytes) => tool('zstd', ['-qdc'], bytes)),
  ...cases('gzip', [1, 6, 9], (text, level) => gzipSync(text, { level }), (bytes) => tool('gzip', ['-dc'], bytes)),
  ...cases('deflate', [1, 6, 9], (text, level) => deflateSync(text, { level }), (bytes) => inflateSync(bytes)),
  ['deflate, raw', (text) => deflateRawSync(text), (bytes) => inflateRawSync(bytes)],
  ...cases('br', [1, 4, 5, 9, 11], brotli, (bytes) => brotliDecompressSync(bytes)),
]; // prettier-ignore
const nameOf = (encoding: string): string => encoding.split(',')[0]!;

/** A token of the kind that is masked, and the mark that stands for it. */
function token(seed: number, length: number): { readonly secret: string; readonly mark: string } {
  const random = seededRandom(seed);
  const sign = (signs: string): string => signs[Math.floor(random() * signs.length)]!;
  const take = (signs: string, count: number): string => Array.from({ length: count }, () => sign(signs)).join('');
  const secret = take('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', length);
  return { secret, mark: `masked:${take('0123456789abcdef', 8)}`.padEnd(length, '*').slice(0, length) };
}

describe('a body', () => {
  it.each(['zstd', 'gzip', 'x-gzip', 'deflate', 'br', 'gzip, zstd', 'identity', ''])(
    'comes back from "%s"',
    async (encoding) => {
      const { bytes } = (await fitBody(body, encoding, null))!;
      const decoded = await decodeBody(bytes, encoding);
      expect(decoded.problem).toBeNull();
      expect(Buffer.from(decoded.bytes).equals(body)).toBe(true);
    },
  );

  it.each(encodings)('in %s is as long as it was, and whole, though secrets in it were masked', async (name, encode, decode) => { // prettier-ignore
    let plainer = 0;
    for (let seed = 0; seed < 40; seed += 1) {
      const size = [40, 200, 1000, 5000, 40_000][seed % 5]!;
      const { secret, mark } = token(seed, [16, 22, 40, 160][seed % 4]!);
      const text = randomJsonText(seed, size);
      const say = (said: string): Buffer => Buffer.from(`{"token":"${said}","text":"${text}","again":"${said}"}`);
      const original = encode(say(secret));
      const masked = say(mark);
      const fitted = await fitBody(masked, nameOf(name), original.length, { original, plainer: starMarks(masked) });
      expect(fitted).toMatchObject({ leftOutBytes: 0 });
      expect(fitted!.bytes).toHaveLength(original.length);
      const wanted = fitted!.isPlainer ? Buffer.from(starMarks(masked)!) : masked;
      expect(decode(fitted!.bytes).equals(wanted)).toBe(true);
      plainer += fitted!.isPlainer ? 1 : 0;
    }
    // Marks lose their fingerprints only where a body is so small that a few bytes decide.
    expect(plainer).toBeLessThanOrEqual(6);
  }, 60_000); // prettier-ignore

  it.each([['gzip, zstd'], ['deflate, br'], ['br, gzip'], ['zstd, deflate']])(
    'under two encodings, %s, is as long as it was',
    async (encoding) => {
      const { secret, mark } = token(1, 40);
      const say = (said: string): Buffer => Buffer.from(`${body.toString()}${said} and ${said}`);
      const original = Buffer.from((await fitBody(say(secret), encoding, null))!.bytes);
      for (const options of [{ original }, {}]) {
        const fitted = await fitBody(say(mark), encoding, original.length, options);
        expect(fitted!.bytes).toHaveLength(original.length);
        const { bytes, problem } = await decodeBody(fitted!.bytes, encoding);
        expect([problem, bytes.length]).toEqual([null, say(mark).length]);
        expect(fitted!.leftOutBytes).toBe(0);
        expect(Buffer.from(bytes).equals(say(mark))).toBe(true);
      }
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 500])(
    'in zstd can be made %i bytes longer, and other programs read it',
    async (more) => {
      for (const text of [
        body,
        Buffer.from('short, so that its size is in one byte'),
        Buffer.from('middle '.repeat(100)),
      ]) {
        const { length } = (await fitBody(text, 'zstd', null))!.bytes;
        const { bytes } = (await fitBody(text, 'zstd', length + more))!;
        expect(bytes).toHaveLength(length + more);
        expect(Buffer.from((await decodeBody(bytes, 'zstd')).bytes).equals(text)).toBe(true);
        expect(execFileSync('zstd', ['-dc'], { input: bytes }).equals(text)).toBe(true);
        expect(Buffer.from(await zstdDecompress(bytes)).equals(text)).toBe(true);
      }
    },
  );

  it.each([1, 2, 40, 5000])('in gzip can be made %i bytes longer, and other programs read it', async (more) => {
    const { length } = (await fitBody(body, 'gzip', null))!.bytes;
    const { bytes } = (await fitBody(body, 'gzip', length + more))!;
    expect(bytes).toHaveLength(length + more);
    expect(gunzipSync(bytes).equals(body)).toBe(true);
    expect(execFileSync('gzip', ['-dc'], { input: bytes }).equals(body)).toBe(true);
  });

  it.each(encodings)('in %s that has much less room than it needs decodes to as many bytes, and says how many it lost', async (name, encode, decode) => { // prettier-ignore
    for (const share of [0.97, 0.7, 0.2]) {
      const room = Math.floor(encode(body).length * share);
      const { bytes, leftOutBytes } = (await fitBody(body, nameOf(name), room, { original: encode(body) }))!;
      expect(bytes).toHaveLength(room);
      const decoded = decode(bytes);
      expect(decoded).toHaveLength(body.length);
      const lost = decoded.findIndex((byte, at) => byte !== body[at]);
      expect(lost === -1 ? 0 : body.length - lost).toBeLessThanOrEqual(leftOutBytes);
      expect(leftOutBytes).toBeLessThan(body.length * (1.05 - share / 1.05) + 200);
    }
  }); // prettier-ignore

  it('of several megabytes has its length too, and one that has no room at all is null', async () => {
    const large = Buffer.alloc(5 * 1024 * 1024, 'large ');
    const { bytes, leftOutBytes } = (await fitBody(large, 'zstd', 20_000))!;
    expect([bytes.length, leftOutBytes]).toEqual([20_000, 0]);
    expect((await decodeBody(bytes, 'zstd')).bytes).toHaveLength(large.length);
    expect((await decodeBody((await fitBody(new Uint8Array(0), 'zstd', 40))!.bytes, 'zstd')).problem).toBeNull();
    expect(await fitBody(body, 'gzip', 12)).toBeNull();
    expect(await fitBody(body, 'rot13', null)).toBeNull();
  });
});
