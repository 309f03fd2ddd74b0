// Undoes a content-encoding header, layer by layer, for a whole body or for one that is still arriving.
// Never throws for what came over the wire: what decoded is kept, and the fault is named.
import { joinBytes, noBytes } from './layer.ts';
import type { DecodeProblem, Layer } from './layer.ts';
import { salvageZlib, ZlibLayer } from './zlib-layer.ts';
import type { ZlibEncoding } from './zlib-layer.ts';
import { ZstdLayer } from './zstd-layer.ts';

export type { DecodeProblem } from './layer.ts';

/** `bytes` is all that decoded; `problem` is null where that is the whole body. */
export interface DecodedBody {
  readonly bytes: Uint8Array;
  readonly problem: DecodeProblem | null;
}

interface DecodeOptions {
  /** The most that any layer may decode to; 256 MiB unless told. Of bytes at once never more than 16 MiB or 64 times their length. */
  readonly maxBytes?: number;
}

/** A body that is still arriving. Calls take their turn, so that a caller need not wait for one before it makes the next. */
export interface BodyDecoder {
  /** Nothing is to be undone: what is pushed is what comes out. */
  readonly isPlain: boolean;
  /** Takes bytes as they came, gives what they decode to (nothing after a fault). */
  push(chunk: Uint8Array): Promise<Uint8Array>;
  /** Gives the rest, and the fault if there was one. */
  end(): Promise<DecodedBody>;
}

type KnownEncoding = ZlibEncoding | 'zstd';

const defaultMaxBytes = 256 * 1024 * 1024;
/**
 * What may come of one chunk: this much, or so many times its length. An answer is seldom above 10 times, a bomb a thousand and more; and
 * what comes at once is in memory at once.
 */
const roomAtOnceBytes = 16 * 1024 * 1024;
const maxRatio = 64;
const roomFor = (chunk: Uint8Array): number => Math.max(roomAtOnceBytes, maxRatio * chunk.length);
/** Nobody sends more than two; a long list is an attack on memory. */
const maxLayers = 5;
const aliases: Readonly<Record<string, KnownEncoding>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  'x-deflate': 'deflate',
  br: 'br',
  zstd: 'zstd',
};

/**
 * Undoes every layer of a content-encoding header ("zstd", "gzip, zstd", any case, x-gzip, identity). What decoded before a
 * fault is kept, with the problem named. A layer that is not known leaves the bytes as they came, with a problem.
 */
export async function decodeBody(
  bytes: Uint8Array,
  contentEncoding: string | null,
  options: DecodeOptions = {},
): Promise<DecodedBody> {
  const maxBytes = Math.min(options.maxBytes ?? defaultMaxBytes, roomFor(bytes));
  const parsed = parseContentEncoding(contentEncoding);
  if (parsed.problem !== null) return { bytes, problem: parsed.problem };
  let decoded: DecodedBody = { bytes, problem: null };
  for (const encoding of parsed.encodings) {
    const inner = await decodeLayer(decoded.bytes, encoding, maxBytes);
    // The outermost fault is the cause; an inner layer cut short by it is only the consequence.
    decoded = { bytes: inner.bytes, problem: decoded.problem ?? inner.problem };
  }
  return decoded;
}

/** The same for a body that is still arriving: identity passes through untouched, the others give what they have after each chunk. */
export function openBodyDecoder(contentEncoding: string | null, options: DecodeOptions = {}): BodyDecoder {
  const { maxBytes = defaultMaxBytes } = options;
  const parsed = parseContentEncoding(contentEncoding);
  const layers = parsed.encodings.map((encoding) => openLayer(encoding, maxBytes));
  const push = async (chunk: Uint8Array): Promise<Uint8Array> => {
    let bytes = chunk;
    const roomBytes = roomFor(chunk);
    for (const layer of layers) bytes = await layer.push(bytes, roomBytes);
    return bytes;
  };
  const end = async (): Promise<DecodedBody> => {
    let bytes: Uint8Array = noBytes;
    let problem = parsed.problem;
    for (const layer of layers) {
      const before = await layer.push(bytes, roomAtOnceBytes);
      const last = await layer.end(roomAtOnceBytes);
      bytes = joinBytes([before, last].filter((part) => part.length > 0));
      problem ??= layer.problem;
    }
    return { bytes, problem };
  };
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result;
    return result;
  };
  return { isPlain: layers.length === 0, push: (chunk) => inTurn(() => push(chunk)), end: () => inTurn(end) };
}

/** Does this header name encodings that can be undone? Without any there is nothing to undo. */
export function canDecode(contentEncoding: string): boolean {
  return parseContentEncoding(contentEncoding).encodings.length > 0;
}

async function decodeLayer(bytes: Uint8Array, encoding: KnownEncoding, maxBytes: number): Promise<DecodedBody> {
  const layer = openLayer(encoding, maxBytes);
  const pushed = await layer.push(bytes, maxBytes);
  const decoded = joinBytes([pushed, await layer.end(maxBytes)].filter((part) => part.length > 0));
  if (layer.problem?.reason !== 'corrupt' || encoding === 'zstd') return { bytes: decoded, problem: layer.problem };
  return { bytes: await salvageZlib(bytes, encoding, maxBytes), problem: layer.problem };
}

function openLayer(encoding: KnownEncoding, maxBytes: number): Layer {
  return encoding === 'zstd' ? new ZstdLayer(maxBytes) : new ZlibLayer(encoding, maxBytes);
}

/** The encodings in the order in which they are undone: the last one listed was applied last (RFC 9110, 8.4). */
function parseContentEncoding(header: string | null): {
  readonly encodings: readonly KnownEncoding[];
  readonly problem: DecodeProblem | null;
} {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity' && name !== 'none')
    .reverse();
  const encodings: KnownEncoding[] = [];
  for (const name of names) {
    const encoding = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
    if (encoding === undefined) return refuse(name, 'tapes does not know this encoding');
    encodings.push(encoding);
  }
  if (encodings.length > maxLayers) return refuse(names.join(', ').slice(0, 80), `more than ${maxLayers} encodings`);
  return { encodings, problem: null };
}

function refuse(encoding: string, message: string): { encodings: readonly KnownEncoding[]; problem: DecodeProblem } {
  return { encodings: [], problem: { encoding, reason: 'unsupported', message } };
}
