// The Huffman code of HPACK (RFC 7541 appendix B), read by half bytes. The code is canonical: the lengths alone say which bits a byte has.

/** Bits of each byte's code, and of the end of a string, which must not be in one. */
const codeBits = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]; // prettier-ignore

const endOfString = 256;

interface Steps {
  /** By node of the code's tree and half byte: -1 where no string goes on so, else the next node, shifted by 9, and below it 256 + a byte that is complete. */
  readonly next: Int32Array;
  /** Nodes at which a string may end: less than a byte of ones since its last code. */
  readonly mayEnd: Uint8Array;
}

const { next, mayEnd } = makeSteps();

function makeSteps(): Steps {
  /** Two for each inner node: the node below, or below 0 the symbol there. */
  const below: number[] = [0, 0];
  const order = codeBits
    .map((bits, symbol) => ({ bits, symbol }))
    .sort((a, b) => a.bits - b.bits || a.symbol - b.symbol);
  let code = 0;
  let length = 0;
  for (const { bits, symbol } of order) {
    code *= 2 ** (bits - length);
    length = bits;
    let node = 0;
    for (let left = bits - 1; left > 0; left -= 1) {
      const place = 2 * node + (Math.floor(code / 2 ** left) % 2);
      if (below[place] === 0) below[place] = below.push(0, 0) / 2 - 1;
      node = below[place]!;
    }
    below[2 * node + (code % 2)] = -1 - symbol;
    code += 1;
  }
  const nodes = below.length / 2;
  const made: Steps = { next: new Int32Array(nodes * 16), mayEnd: new Uint8Array(nodes) };
  for (let node = 0; node < nodes; node += 1) {
    for (let half = 0; half < 16; half += 1) made.next[node * 16 + half] = stepFrom(below, node, half);
  }
  let node = 0;
  for (let ones = 0; ones < 8; ones += 1) {
    made.mayEnd[node] = 1;
    node = below[2 * node + 1]!;
  }
  return made;
}

function stepFrom(below: readonly number[], from: number, half: number): number {
  let node = from;
  let found = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const to = below[2 * node + ((half >> bit) & 1)]!;
    if (to < 0) {
      const symbol = -1 - to;
      if (symbol === endOfString) return -1;
      found = 256 + symbol;
      node = 0;
    } else node = to;
  }
  return node * 512 + found;
}

/** The bytes of a coded string, a byte a character. Null: it is none. */
export function decodeHuffman(coded: Uint8Array): string | null {
  // No code is shorter than 5 bits.
  const bytes = Buffer.allocUnsafe(Math.ceil((coded.length * 8) / 5));
  let length = 0;
  let node = 0;
  for (const byte of coded) {
    for (const half of [byte >> 4, byte & 15]) {
      const step = next[node * 16 + half]!;
      if (step === -1) return null;
      if ((step & 256) !== 0) bytes[length++] = step & 255;
      node = step >> 9;
    }
  }
  return mayEnd[node] === 1 ? bytes.toString('latin1', 0, length) : null;
}
