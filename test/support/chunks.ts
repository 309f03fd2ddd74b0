// Cutting bytes into chunks for tests: the same seed always cuts the same way, so a failure can be run again.

/** A small seeded generator (mulberry32): numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number in [from, to]. */
export function randomInt(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

/** Pieces of 1 to `largest` bytes, or of exactly one byte where `largest` is 1. */
export function cutIntoChunks(bytes: Uint8Array, seed: number, largest: number): Uint8Array[] {
  const random = seededRandom(seed);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + randomInt(random, 1, largest);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

/** The ways in which every decoder is tried: whole, byte by byte, and in seeded random pieces, small and large. */
export function chunkings(bytes: Uint8Array): { readonly name: string; readonly chunks: Uint8Array[] }[] {
  return [
    { name: 'whole', chunks: [bytes] },
    { name: 'byte by byte', chunks: cutIntoChunks(bytes, 0, 1) },
    ...[1, 2, 3].map((seed) => ({ name: `small chunks, seed ${seed}`, chunks: cutIntoChunks(bytes, seed, 9) })),
    ...[4, 5].map((seed) => ({ name: `large chunks, seed ${seed}`, chunks: cutIntoChunks(bytes, seed, 5000) })),
  ];
}

/** Text of the kind that bodies hold: words and JSON, some of it repeated. */
export function randomJsonText(seed: number, sizeBytes: number): string {
  const random = seededRandom(seed);
  const words = [
    '{"type":"message",',
    '"role":"user"',
    'the ',
    'and so on ',
    '\\n',
    '"},',
    'naïve ',
    '日本 ',
    '42',
    'call_',
  ];
  const parts: string[] = [];
  for (let size = 0; size < sizeBytes;) {
    const word =
      random() < 0.15 ? Math.floor(random() * 1e9).toString(36) : (words[Math.floor(random() * words.length)] ?? '');
    parts.push(word);
    size += word.length;
  }
  return parts.join('');
}
