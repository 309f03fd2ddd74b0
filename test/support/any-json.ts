// Seeded random JSON bodies in the layouts that clients may send: spaces anywhere, escapes, repeated keys, big numbers, bytes that are no UTF-8.

/** Numbers from 0 to 1 (mulberry32): the same seed, the same numbers. */
export function seededRandom(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const scalars = ['0', '-1.5e300', '12345678901234567890123', 'true', 'false', 'null', '""', '"\\u0000\\ud83d\\ude00"'];
const strings = [
  '"a"',
  '"} ] , {"',
  '"\\\\"',
  '"\\"quoted\\""',
  '"Grüße 世界 🙂"',
  `"${'long '.repeat(40)}"`,
  '"\xff\xfe"',
];
const keys = ['"input"', '"in\\u0070ut"', '"model"', '"tools"', '"input "', '"{"', '""'];
const blanks = ['', '', '', ' ', '\n  ', '\t', '\r\n'];

/** A JSON object as bytes; most have an `input`. */
export function anyBody(random: () => number): Buffer {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const blank = (): string => pick(blanks);
  const value = (depth: number): string => {
    const kind = random();
    if (depth > 4 || kind < 0.3) return pick(scalars);
    if (kind < 0.55) return pick(strings);
    return kind < 0.8 ? list(depth) : object(depth, random() * 5);
  };
  const list = (depth: number): string => {
    const values = Array.from({ length: Math.floor(random() * 8) }, () => value(depth + 1));
    return `[${blank()}${values.join(`${blank()},${blank()}`)}${blank()}]`;
  };
  const object = (depth: number, size: number): string => {
    const members = Array.from(
      { length: Math.floor(size) },
      () => `${pick(keys)}${blank()}:${blank()}${value(depth + 1)}`,
    );
    if (depth === 0 && random() < 0.6) members.push(`"input"${blank()}:${blank()}[${object(1, 4)},${list(1)}]`);
    return `{${blank()}${members.join(`${blank()},${blank()}`)}${blank()}}`;
  };
  const body = `${random() < 0.1 ? '\xef\xbb\xbf' : ''}${blank()}${object(0, random() * 10)}${blank()}`;
  // Latin-1, so that \xff stays one byte, and is no UTF-8.
  return Buffer.from(body, 'latin1');
}
