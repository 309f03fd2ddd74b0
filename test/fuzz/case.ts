// What every fuzz target is given: bytes made of samples that were damaged, and a seed for what else a case decides (where it is cut, which
// options). Both fit into a file, so that a failing case can be kept and run again.
import { Arbitrary, Stream, Value } from 'fast-check';
import type { Random } from 'fast-check';

import { randomInt, seededRandom } from '../support/chunks.ts';

export interface FuzzCase {
  readonly input: Buffer;
  readonly seed: number;
}

export interface FuzzTarget {
  readonly name: string;
  /** What a case says of the decoder; throws where it does not hold. */
  readonly check: (fuzzed: FuzzCase) => void | Promise<void>;
  readonly samples: readonly Uint8Array[];
  /** Pieces that this decoder looks for. */
  readonly words?: readonly string[];
  /** At most so many bytes; what is longer costs time and finds no more. */
  readonly longest?: number;
  /** How many cases in CI, where a case costs much more than the others. */
  readonly casesInCi?: number;
}

const odd = [
  0x00, 0x01, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xe2, 0xff,
];

/** A case from a seed: a sample, most often damaged in up to five places; now and then nothing but noise. */
function makeCase({ samples, words = [], longest = 400 }: FuzzTarget, seed: number): FuzzCase {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  if (random() < 0.05) return { seed, input: Buffer.from(Array.from({ length: below(64) }, () => below(256))) };
  let bytes = windowOf(Buffer.from(pick(samples)), longest, random);
  for (let left = randomInt(random, 0, 5); left > 0; left -= 1) {
    const at = below(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + below(random() < 0.5 ? 4 : 40));
    const kind = below(words.length > 0 ? 8 : 7);
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)]! ^= 1 << below(8);
    else if (kind === 1) bytes = join(bytes.subarray(0, at), Buffer.of(pick(odd)), bytes.subarray(at));
    else if (kind === 2) bytes = join(bytes.subarray(0, at), bytes.subarray(end));
    else if (kind === 3) bytes = join(bytes.subarray(0, end), bytes.subarray(at));
    else if (kind === 4) bytes = Buffer.from(bytes.subarray(0, at));
    else if (kind === 5) bytes[Math.min(at, bytes.length - 1)] = below(256);
    else if (kind === 6) {
      const other = windowOf(Buffer.from(pick(samples)), longest, random);
      bytes = join(bytes.subarray(0, at), other.subarray(below(other.length + 1)));
    } else bytes = join(bytes.subarray(0, at), Buffer.from(pick(words)), bytes.subarray(at));
  }
  return { seed, input: Buffer.from(bytes.subarray(0, 2 * longest)) };
}

/** Of a long sample a part, most often its beginning. */
function windowOf(sample: Buffer, longest: number, random: () => number): Buffer {
  if (sample.length <= longest) return sample;
  const from = random() < 0.6 ? 0 : Math.floor(random() * (sample.length - longest));
  return Buffer.from(sample.subarray(from, from + longest));
}

const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

/**
 * Cases by their seeds: ten times as fast as arrays of arbitrary bytes, so that a hundred thousand take seconds. A failing one is made
 * smaller by leaving pieces out.
 */
class DamagedSamples extends Arbitrary<FuzzCase> {
  readonly #target: FuzzTarget;

  constructor(target: FuzzTarget) {
    super();
    this.#target = target;
  }

  override generate(random: Random): Value<FuzzCase> {
    return new Value(makeCase(this.#target, random.nextInt(0, 0x7fff_ffff)), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is FuzzCase {
    return typeof value === 'object' && value !== null && 'input' in value;
  }

  override shrink({ input, seed }: FuzzCase): Stream<Value<FuzzCase>> {
    return new Stream(smaller(input, seed));
  }
}

function* smaller(input: Buffer, seed: number): IterableIterator<Value<FuzzCase>> {
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < input.length; at += size) {
      yield new Value({ seed, input: join(input.subarray(0, at), input.subarray(at + size)) }, undefined);
    }
  }
}

export const casesOf = (target: FuzzTarget): Arbitrary<FuzzCase> => new DamagedSamples(target);

/** The bytes in one to five pieces, as this case's seed cuts them. */
export function cutCase({ input, seed }: FuzzCase): Buffer[] {
  const random = seededRandom(seed ^ 0x5eed);
  const places = Array.from({ length: randomInt(random, 0, 4) }, () => randomInt(random, 0, input.length));
  if (random() < 0.02) return Array.from(input, (byte) => Buffer.of(byte));
  return [0, ...places.sort((a, b) => a - b), input.length]
    .map((from, index, all) => input.subarray(from, all[index + 1] ?? input.length))
    .slice(0, -1);
}
