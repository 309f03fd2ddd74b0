// One pass over bytes that tells whether any of many texts can be in them, by their first bytes only (Aho and Corasick, 1975): almost all
// that passes holds no secret, and searching for each text by itself cost most of what masking costs. A text of three bytes or more has a
// pair of its first three at every second place: only where such a pair stands is looked at byte by byte.

/** What was seen: the beginning of a text; bytes at the end that more bytes could make one; neither. */
export type Sight = 'found' | 'open' | 'nothing';

/** How much of a text is looked at; two texts that begin alike share it. */
const prefixBytes = 8;
/** Whatever is shorter may lie between the places that are looked at. */
const shortestSkipped = 3;
/** In fewer bytes there is nothing to be gained. */
const fewestSkipped = 64;

export class PrefixScan {
  /** Bytes that no text begins with are one kind, so that a row of the table is short. */
  readonly #kindOf = new Uint8Array(256);
  /** Where a state's row begins in the table, by kind of the next byte. */
  readonly #next: Uint32Array;
  readonly #found: number;
  /** By two bytes as the machine reads them. 1: a text begins with them, or has them behind its first byte. Null: some are too short for that. */
  readonly #pairs: Uint8Array | null;

  constructor(texts: readonly Uint8Array[]) {
    const prefixes = texts.map((text) => text.subarray(0, prefixBytes)).filter((text) => text.length > 0);
    this.#pairs = prefixes.some(({ length }) => length < shortestSkipped) ? null : findPairs(prefixes);
    const width = this.#learnKinds(prefixes);
    const { children, isWhole } = buildTrie(prefixes, this.#kindOf);
    this.#next = new Uint32Array(children.length * width);
    // A state of its own, which no text has: what was found stays found.
    this.#found = this.#next.length;
    this.#fill(children, isWhole, width);
  }

  look(bytes: Uint8Array, from = 0): Sight {
    const pairs = this.#pairs;
    if (pairs === null || bytes.length - from < fewestSkipped) return this.#walk(bytes, from, bytes.length).sight;
    const start = from + ((bytes.byteOffset + from) % 2);
    const twos = new Uint16Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) >> 1);
    /** No text begins before it and reaches beyond. */
    let free = from;
    for (let at = findTwo(twos, pairs, 0); at < twos.length;) {
      const place = start + 2 * at;
      const { sight, end } = this.#walk(bytes, Math.max(free, place - 1), place + 2);
      if (sight !== 'nothing') return sight;
      free = end;
      at = findTwo(twos, pairs, (end - start + 1) >> 1);
    }
    // What the end cuts off before its third byte.
    return this.#walk(bytes, Math.max(free, bytes.length - 2), bytes.length).sight;
  }

  /** Byte by byte to `until` at least, and on while a text may be under way. */
  #walk(bytes: Uint8Array, from: number, until: number): { readonly sight: Sight; readonly end: number } {
    const kindOf = this.#kindOf;
    const next = this.#next;
    const found = this.#found;
    let state = 0;
    let at = from;
    for (; at < bytes.length && (at < until || state !== 0); at += 1) {
      state = next[state + kindOf[bytes[at]!]!]!;
      if (state === found) return { sight: 'found', end: at };
    }
    return { sight: state === 0 ? 'nothing' : 'open', end: at };
  }

  #learnKinds(prefixes: readonly Uint8Array[]): number {
    let width = 1;
    for (const prefix of prefixes) {
      // Were all 256 bytes in use, the last one would share the first kind: then more is looked at closely, and nothing is overlooked.
      for (const byte of prefix) if (this.#kindOf[byte] === 0 && width < 256) this.#kindOf[byte] = width++;
    }
    return width;
  }

  /** Breadth first, so that the state to fall back to is complete when it is asked. */
  #fill(children: readonly ReadonlyMap<number, number>[], isWhole: ReadonlySet<number>, width: number): void {
    const fallback = new Uint32Array(children.length);
    const queue = [0];
    for (const state of queue) {
      const back = fallback[state]!;
      for (let kind = 0; kind < width; kind += 1) {
        const child = children[state]!.get(kind);
        const otherwise = state === 0 ? 0 : this.#next[back * width + kind]!;
        if (child === undefined) this.#next[state * width + kind] = otherwise;
        else if (isWhole.has(child) || otherwise === this.#found) this.#next[state * width + kind] = this.#found;
        else {
          this.#next[state * width + kind] = child * width;
          fallback[child] = otherwise / width;
          queue.push(child);
        }
      }
    }
  }
}

function findPairs(prefixes: readonly Uint8Array[]): Uint8Array {
  const pairs = new Uint8Array(256 * 256);
  for (const [first = 0, second = 0, third = 0] of prefixes) {
    pairs[readTwo(first, second)] = 1;
    pairs[readTwo(second, third)] = 1;
  }
  return pairs;
}

const readTwo = (first: number, second: number): number => new Uint16Array(Uint8Array.of(first, second).buffer)[0] ?? 0;

/** The next one from `from` on that is in `pairs`; the length where there is none. Four at a time: the loop costs more than what is in it. */
function findTwo(twos: Uint16Array, pairs: Uint8Array, from: number): number {
  let at = from;
  const untilFour = twos.length - 3;
  while (
    at < untilFour &&
    (pairs[twos[at]!]! | pairs[twos[at + 1]!]! | pairs[twos[at + 2]!]! | pairs[twos[at + 3]!]!) === 0
  ) {
    at += 4;
  }
  while (at < twos.length && pairs[twos[at]!] === 0) at += 1;
  return at;
}

function buildTrie(
  prefixes: readonly Uint8Array[],
  kindOf: Uint8Array,
): { readonly children: Map<number, number>[]; readonly isWhole: Set<number> } {
  const children: Map<number, number>[] = [new Map()];
  const isWhole = new Set<number>();
  for (const prefix of prefixes) {
    let state = 0;
    for (const byte of prefix) {
      const kind = kindOf[byte]!;
      let child = children[state]!.get(kind);
      if (child === undefined) {
        child = children.length;
        children.push(new Map());
        children[state]!.set(kind, child);
      }
      state = child;
    }
    isWhole.add(state);
  }
  return { children, isWhole };
}
