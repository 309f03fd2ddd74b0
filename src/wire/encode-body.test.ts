// Bodies put back under their encodings: a decoder gives the same bytes, and the length is the one that was asked for.
import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { zstdCompress, zstdDecompress } from 'http-encoding';
import { describe, expect, it } from 'vitest';

import { randomJsonText } from '../../test/support/chunks.ts';
import { decodeBody } from './content-encoding.ts';
import { encodeBody } from './encode-body.ts';

const body = Buffer.from(randomJsonText(7, 30_000));

describe('a body', () => {
  it.each(['zstd', 'gzip', 'x-gzip', 'deflate', 'br', 'gzip, zstd', 'identity', ''])(
    'comes back from "%s"',
    async (encoding) => {
      const encoded = await encodeBody(body, encoding, null);
      expect(encoded!.hasLength).toBe(true);
      const decoded = await decodeBody(encoded!.bytes, encoding);
      expect(decoded.problem).toBeNull();
      expect(Buffer.from(decoded.bytes).equals(body)).toBe(true);
    },
  );

  it('is as long as it was, though a secret in it was masked', async () => {
    const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3Hd5Jf0Gs8Tc1Va7Xe4';
    const original = Buffer.from(`${body.toString()}${secret}`);
    const masked = Buffer.from(`${body.toString()}masked:0011aabb${'*'.repeat(secret.length - 15)}`);
    const wireBytes = (await zstdCompress(original, 3)).length;
    const encoded = await encodeBody(masked, 'zstd', wireBytes);
    expect(encoded).toMatchObject({ hasLength: true });
    expect(encoded!.bytes).toHaveLength(wireBytes);
    expect(Buffer.from((await decodeBody(encoded!.bytes, 'zstd')).bytes).equals(masked)).toBe(true);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 500])(
    'in zstd can be made %i bytes longer, and other programs read it',
    async (more) => {
      for (const text of [
        body,
        Buffer.from('short, so that its size is in one byte'),
        Buffer.from('middle '.repeat(100)),
      ]) {
        const { length } = (await encodeBody(text, 'zstd', null))!.bytes;
        const { bytes, hasLength } = (await encodeBody(text, 'zstd', length + more))!;
        expect([hasLength, bytes.length]).toEqual([true, length + more]);
        expect(Buffer.from((await decodeBody(bytes, 'zstd')).bytes).equals(text)).toBe(true);
        expect(execFileSync('zstd', ['-dc'], { input: bytes }).equals(text)).toBe(true);
        expect(Buffer.from(await zstdDecompress(bytes)).equals(text)).toBe(true);
      }
    },
  );

  it.each([1, 2, 40, 5000])('in gzip can be made %i bytes longer, and other programs read it', async (more) => {
    const { length } = (await encodeBody(body, 'gzip', null))!.bytes;
    const { bytes, hasLength } = (await encodeBody(body, 'gzip', length + more))!;
    expect([hasLength, bytes.length]).toEqual([true, length + more]);
    expect(gunzipSync(bytes).equals(body)).toBe(true);
    expect(execFileSync('gzip', ['-dc'], { input: bytes }).equals(body)).toBe(true);
  });

  it('that is too long for the library is stored, and one that cannot have its length says so', async () => {
    const large = Buffer.alloc(5 * 1024 * 1024, 'large ');
    const { bytes, hasLength } = (await encodeBody(large, 'zstd', 1000))!;
    expect(hasLength).toBe(false);
    expect(Buffer.from((await decodeBody(bytes, 'zstd')).bytes).equals(large)).toBe(true);
    expect((await decodeBody((await encodeBody(new Uint8Array(0), 'zstd', 40))!.bytes, 'zstd')).problem).toBeNull();
    expect(await encodeBody(body, 'rot13', null)).toBeNull();
  });
});
