// Puts a whole body back under the content encodings that its header names, in just as many bytes as it had there, so that content-length and chunks
// stay true: padding that a decoder skips stands for what became shorter. What comes out longer is compressed harder; the last resort is to leave out text.
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';

import { brotliWhole, qualities } from './brotli-segments.ts';
import { decodeBody } from './content-encoding.ts';
import { joinBytes, noBytes } from './layer.ts';
import { BodyRefit } from './refit-body.ts';
import { openSegmentEncoder } from './segment-encoder.ts';
import { encodingNames } from './stacked-refit.ts';
import { encodeZstd } from './zstd-frame.ts';

export interface FittedBody {
  readonly bytes: Uint8Array;
  /** Bytes of text for which there was no room: `*` stands for them. */
  readonly leftOutBytes: number;
  /** The other text had to be taken. */
  readonly isPlainer: boolean;
}

interface FitOptions {
  /** The body as it was, if that is known: it tells a dialect of deflate, and lengths between encodings. */
  readonly original?: Uint8Array;
  /** Another text, as long, to be taken where the first one has no room. */
  readonly plainer?: Uint8Array | null;
}

/** The best compression of brotli takes two seconds for a megabyte. */
const maxStrongestBytes = 4 * 1024 * 1024;
/** By how much an inner encoding is made shorter, in bytes, until the outer one has room for it. */
const shorterBy = [0, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144];

/** Null where an encoding is not known, or nothing at all has room in so few bytes. `lengthBytes`: what it comes to; null where any will do. */
export async function fitBody(
  text: Uint8Array,
  contentEncoding: string | null,
  lengthBytes: number | null,
  options: FitOptions = {},
): Promise<FittedBody | null> {
  const names = encodingNames(contentEncoding ?? '');
  if (names.some((name) => openSegmentEncoder(name, noBytes) === null)) return null;
  if (lengthBytes !== null) return fitLayers(text, names, lengthBytes, options);
  return { bytes: await encodeAtAnyLength(text, names), leftOutBytes: 0, isPlainer: false };
}

async function fitLayers(
  text: Uint8Array,
  names: readonly string[],
  lengthBytes: number,
  options: FitOptions,
): Promise<FittedBody | null> {
  const [outer, inner] = [names.at(-1), names.slice(0, -1)];
  if (outer === undefined) {
    return text.length === lengthBytes ? { bytes: text, leftOutBytes: 0, isPlainer: false } : null;
  }
  if (inner.length === 0) return fitLayer(text, outer, lengthBytes, options);
  const was = options.original === undefined ? null : (await decodeBody(options.original, outer)).bytes;
  const innerBytes = was?.length ?? (await encodeAtAnyLength(text, inner)).length;
  const innerOptions = was === null ? options : { ...options, original: was };
  for (const less of [...shorterBy.filter((by) => by < innerBytes / 2), Math.ceil(innerBytes / 2)]) {
    const within = await fitLayers(text, inner, innerBytes - less, innerOptions);
    if (within === null) break;
    const whole = await fitLayer(within.bytes, outer, lengthBytes, { ...options, plainer: null });
    if (whole?.leftOutBytes === 0) return { ...within, bytes: whole.bytes };
  }
  return null;
}

async function fitLayer(
  text: Uint8Array,
  name: string,
  lengthBytes: number,
  { original = noBytes, plainer = null }: FitOptions,
): Promise<FittedBody | null> {
  let best: FittedBody | null = null;
  for (const said of plainer === null ? [text] : [text, plainer]) {
    const isPlainer = said !== text;
    const whole = await encodeWhole(said, name, lengthBytes);
    if (whole?.length === lengthBytes) return { bytes: whole, leftOutBytes: 0, isPlainer };
    for (const isStrong of [false, true]) {
      if (isStrong && name === 'br' && text.length > maxStrongestBytes) continue;
      const encoder = openSegmentEncoder(name, original, isStrong);
      if (encoder === null || lengthBytes < encoder.head.length + encoder.leastEndBytes) return null;
      const refit = new BodyRefit(encoder);
      const bytes = joinBytes([await refit.push(said, lengthBytes), await refit.end()]);
      const { leftOutBytes } = refit;
      if (leftOutBytes === 0) return { bytes, leftOutBytes, isPlainer };
      if (best === null || leftOutBytes < best.leftOutBytes) best = { bytes, leftOutBytes, isPlainer };
    }
  }
  return best;
}

/** In one piece, which takes a few bytes less than segments do. Null: only segments can have a given length. */
async function encodeWhole(text: Uint8Array, name: string, lengthBytes: number): Promise<Uint8Array | null> {
  if (name === 'zstd') return encodeZstd(text, lengthBytes);
  if (name === 'gzip') return encodeGzip(text, lengthBytes);
  if (name !== 'br') return null;
  for (const quality of qualities) {
    if (quality === 11 && text.length > maxStrongestBytes) break;
    const encoded = brotliWhole(text, quality, lengthBytes);
    if (encoded !== null) return encoded;
  }
  return null;
}

async function encodeAtAnyLength(text: Uint8Array, names: readonly string[]): Promise<Uint8Array> {
  let bytes = text;
  for (const name of names) {
    if (name === 'zstd') bytes = await encodeZstd(bytes, null);
    else if (name === 'gzip') bytes = gzipSync(bytes);
    else if (name === 'deflate') bytes = deflateSync(bytes);
    else bytes = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  }
  return bytes;
}

/** A gzip head may hold a comment (RFC 1952, section 2.3): it takes up what is left. */
function encodeGzip(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  const usual = gzipSync(bytes);
  const encoded = usual.length > lengthBytes ? gzipSync(bytes, { level: 9 }) : usual;
  const missing = lengthBytes - encoded.length;
  if (missing <= 0) return encoded;
  const head = Buffer.from(encoded.subarray(0, 10));
  head[3] = 0x10;
  return Buffer.concat([head, Buffer.alloc(missing - 1, '*'), Buffer.alloc(1), encoded.subarray(10)]);
}
