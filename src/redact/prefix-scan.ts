// One pass over bytes that tells whether any of many texts can be in them, by their first bytes only (Aho and Corasick, 1975): almost all
// that passes holds no secret, and searching for each text by itself cost most of what masking costs.

/** What was seen: the beginning of a text; bytes at the end that more bytes could make one; neither. */
export type Sight = 'found' | 'open' | 'nothing';

/** How much of a text is looked at; two texts that begin alike share it. */
const prefixBytes = 8;

export class PrefixScan {
  /** Bytes that no text begins with are one kind, so that a row of the table is short. */
  readonly #kindOf = new Uint8Array(256);
  /** Where a state's row begins in the table, by kind of the next byte. */
  readonly #next: Uint32Array;
  readonly #found: number;

  constructor(texts: readonly Uint8Array[]) {
    const prefixes = texts.map((text) => text.subarray(0, prefixBytes)).filter((text) => text.length > 0);
    const width = this.#learnKinds(prefixes);
    const { children, isWhole } = buildTrie(prefixes, this.#kindOf);
    this.#next = new Uint32Array(children.length * width);
    // A state of its own, which no text has: what was found stays found.
    this.#found = this.#next.length;
    this.#fill(children, isWhole, width);
  }

  look(bytes: Uint8Array, from = 0): Sight {
    const kindOf = this.#kindOf;
    const next = this.#next;
    const found = this.#found;
    let state = 0;
    for (let at = from; at < bytes.length; at += 1) {
      state = next[state + kindOf[bytes[at]!]!]!;
      if (state === found) return 'found';
    }
    return state === 0 ? 'nothing' : 'open';
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
