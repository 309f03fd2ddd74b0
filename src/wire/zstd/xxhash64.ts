// XXH64 with seed 0, of which a zstd frame's checksum is the low half. 64-bit words are kept as two 32-bit halves: with BigInt
// it runs at a twentieth of the speed. https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

/** High and low half. */
type Word = readonly [high: number, low: number];

const prime1: Word = [0x9e3779b1, 0x85ebca87];
const prime2: Word = [0xc2b2ae3d, 0x27d4eb4f];
const prime3: Word = [0x165667b1, 0x9e3779f9];
const prime4: Word = [0x85ebca77, 0xc2b2ae63];
const prime5: Word = [0x27d4eb2f, 0x165667c5];

export class Xxhash64 {
  /** Four lanes, high and low halves in turn. */
  readonly #lanes = new Int32Array(8);
  readonly #rest = new Uint8Array(32);
  #restBytes = 0;
  #totalBytes = 0;

  constructor() {
    const [high, low] = add(prime1, prime2);
    this.#lanes.set([high, low, prime2[0], prime2[1], 0, 0, ...add([0, 0], [~prime1[0], -prime1[1]])]);
  }

  update(bytes: Uint8Array): void {
    this.#totalBytes += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(32 - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < 32) return;
      this.#mixStripes(this.#rest, 0, 32);
      this.#restBytes = 0;
    }
    const whole = bytes.length - ((bytes.length - at) % 32);
    this.#mixStripes(bytes, at, whole);
    this.#rest.set(bytes.subarray(whole));
    this.#restBytes = bytes.length - whole;
  }

  /** The low 32 bits of the hash, unsigned. */
  low32(): number {
    let hash = this.#totalBytes < 32 ? prime5 : this.#joinLanes();
    hash = add(hash, [Math.floor(this.#totalBytes / 2 ** 32), this.#totalBytes | 0]);
    const rest = this.#rest;
    let at = 0;
    for (; at + 8 <= this.#restBytes; at += 8) {
      hash = xor(hash, round([0, 0], [readInt32(rest, at + 4), readInt32(rest, at)]));
      hash = add(multiply(rotate(hash, 27), prime1), prime4);
    }
    if (at + 4 <= this.#restBytes) {
      hash = xor(hash, multiply([0, readInt32(rest, at)], prime1));
      hash = add(multiply(rotate(hash, 23), prime2), prime3);
      at += 4;
    }
    for (; at < this.#restBytes; at += 1) {
      hash = multiply(rotate(xor(hash, multiply([0, rest[at] ?? 0], prime5)), 11), prime1);
    }
    hash = multiply(xor(hash, [0, hash[0] >>> 1]), prime2);
    hash = multiply(xor(hash, shiftRight(hash, 29)), prime3);
    return (hash[1] ^ hash[0]) >>> 0;
  }

  #joinLanes(): Word {
    const lanes = this.#lanes;
    const lane = (index: number): Word => [lanes[index * 2] ?? 0, lanes[index * 2 + 1] ?? 0];
    let hash = add(add(rotate(lane(0), 1), rotate(lane(1), 7)), add(rotate(lane(2), 12), rotate(lane(3), 18)));
    for (let index = 0; index < 4; index += 1) {
      hash = add(multiply(xor(hash, round([0, 0], lane(index))), prime1), prime4);
    }
    return hash;
  }

  #mixStripes(bytes: Uint8Array, start: number, end: number): void {
    const lanes = this.#lanes;
    for (let at = start; at < end; at += 8) {
      const index = ((at - start) >>> 2) & 6;
      const mixed = round([lanes[index] ?? 0, lanes[index + 1] ?? 0], [readInt32(bytes, at + 4), readInt32(bytes, at)]);
      lanes[index] = mixed[0];
      lanes[index + 1] = mixed[1];
    }
  }
}

function round(lane: Word, input: Word): Word {
  return multiply(rotate(add(lane, multiply(input, prime2)), 31), prime1);
}

function add(a: Word, b: Word): Word {
  const low = (a[1] >>> 0) + (b[1] >>> 0);
  return [(a[0] + b[0] + (low > 0xffffffff ? 1 : 0)) | 0, low | 0];
}

function xor(a: Word, b: Word): Word {
  return [a[0] ^ b[0], a[1] ^ b[1]];
}

/** By 1 to 31 bits. */
function rotate([high, low]: Word, bits: number): Word {
  return [(high << bits) | (low >>> (32 - bits)), (low << bits) | (high >>> (32 - bits))];
}

/** By 1 to 31 bits. */
function shiftRight([high, low]: Word, bits: number): Word {
  return [high >>> bits, (low >>> bits) | (high << (32 - bits))];
}

function multiply(a: Word, b: Word): Word {
  // The low halves' product needs all 64 bits: in 16-bit pieces.
  const a0 = a[1] & 0xffff;
  const a1 = a[1] >>> 16;
  const b0 = b[1] & 0xffff;
  const b1 = b[1] >>> 16;
  const low = Math.imul(a0, b0) >>> 0;
  const middle = a1 * b0 + (low >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  const carried = a1 * b1 + Math.floor(middle / 65_536) + Math.floor(cross / 65_536);
  return [(carried + Math.imul(a[0], b[1]) + Math.imul(a[1], b[0])) | 0, ((cross & 0xffff) << 16) | (low & 0xffff)];
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
