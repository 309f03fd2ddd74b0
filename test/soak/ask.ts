// What a client of the soak asks the provider for, in the header `x-soak`, and the bytes that are the answer. Both are made of a seed alone, so
// that whoever compares can make them again, an hour later.
import { cutIntoChunks, randomInt, randomJsonText, seededRandom } from '../support/chunks.ts';
import { plainAnswer, sse } from '../support/wire-script.ts';

export const askHeader = 'x-soak';
export const callPath = '/backend-api/codex/responses';
export const interceptedHost = 'chatgpt.com';

export type Ask =
  /** A model's answer: one event `everyMs`. `cutAfter`: the connection ends after so many events, with a reset if `resets`. */
  | {
      readonly type: 'events';
      readonly seed: number;
      readonly words: number;
      readonly everyMs: number;
      readonly cutAfter?: number;
      readonly resets?: boolean;
    }
  /** So many bytes of no meaning. */
  | { readonly type: 'bytes'; readonly seed: number; readonly bytes: number };

export function readAsk(header: string | readonly string[] | undefined): Ask {
  return JSON.parse(String(header)) as Ask;
}

/** The answer in the pieces in which it is sent. */
export function answerTo(ask: Ask): Uint8Array[] {
  if (ask.type === 'bytes') return cutIntoChunks(randomBytes(ask.seed, ask.bytes), ask.seed, 256 * 1024);
  const text = randomJsonText(ask.seed, ask.words * 6)
    .split(' ')
    .map((word, at) => `${word}${at} `)
    .join('');
  return plainAnswer(text, `resp_${ask.seed}`).map((event) => Buffer.from(sse(event)));
}

/** Cheap, and not to be compressed. */
export function randomBytes(seed: number, size: number): Uint8Array {
  const random = seededRandom(seed);
  const block = Uint8Array.from({ length: Math.min(size, 65_521) }, () => randomInt(random, 0, 255));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
    block[at % 251] = (block[at % 251]! + 1) & 255;
  }
  return bytes;
}
