// A request without its items and parts: the bytes around them, and where each belongs. Its size does not grow with the number of
// items: what stands between them (a comma, or a comma with a line break) is the same nearly everywhere, and is counted, not repeated.
//
//   [12, "p", 5, {"count": 340, "gaps": [[1, 339]]}, 88]\n…the literal bytes, one gap for each run of equal ones…
import type { Cut } from './split-request.ts';

interface ItemRun {
  readonly count: number;
  /** Length of a gap, and how many equal ones follow each other; its bytes are among the literal ones. */
  readonly gaps: readonly (readonly [length: number, times: number])[];
}

/** A number: so many literal bytes. "p": the next part. */
type Piece = number | 'p' | ItemRun;

export interface RequestTemplate {
  readonly items: number;
  readonly parts: number;
  /** The body again. The counts must be those above. */
  fill(items: readonly Uint8Array[], parts: readonly Uint8Array[]): Uint8Array;
  /** Is it `body` that `fill` would give? Told without a copy of it. */
  fills(body: Uint8Array, items: readonly Uint8Array[], parts: readonly Uint8Array[]): boolean;
}

export function writeTemplate(body: Uint8Array, cuts: readonly Cut[]): Uint8Array {
  const pieces: Piece[] = [];
  const literals: Uint8Array[] = [];
  const addLiteral = (start: number, end: number): void => {
    if (end === start) return;
    pieces.push(end - start);
    literals.push(body.subarray(start, end));
  };
  let at = 0;
  for (let next = 0; next < cuts.length;) {
    const cut = cuts[next]!;
    addLiteral(at, cut.start);
    let last = next;
    if (cut.type === 'part') {
      pieces.push('p');
    } else {
      while (cuts[last + 1]?.type === 'item') last += 1;
      pieces.push(writeRun(body, cuts.slice(next, last + 1), literals));
    }
    at = cuts[last]!.end;
    next = last + 1;
  }
  addLiteral(at, body.length);
  return Buffer.concat([Buffer.from(`${JSON.stringify(pieces)}\n`), ...literals]);
}

function writeRun(body: Uint8Array, items: readonly Cut[], literals: Uint8Array[]): ItemRun {
  const gaps: [number, number][] = [];
  let before: Uint8Array | null = null;
  for (let at = 1; at < items.length; at += 1) {
    const gap = body.subarray(items[at - 1]!.end, items[at]!.start);
    const last = gaps.at(-1);
    if (last !== undefined && before !== null && Buffer.compare(before, gap) === 0) {
      last[1] += 1;
    } else {
      gaps.push([gap.length, 1]);
      literals.push(gap);
      before = gap;
    }
  }
  return { count: items.length, gaps };
}

/** Throws where these bytes are no template. */
export function readTemplate(template: Uint8Array): RequestTemplate {
  const headEnd = template.indexOf(0x0a);
  const pieces = JSON.parse(new TextDecoder().decode(template.subarray(0, headEnd))) as readonly Piece[];
  const runs = pieces.filter((piece): piece is ItemRun => typeof piece === 'object');
  const literals = template.subarray(headEnd + 1);
  return {
    items: runs.reduce((sum, { count }) => sum + count, 0),
    parts: pieces.filter((piece) => piece === 'p').length,
    fill: (items, parts) => Buffer.concat(putInOrder(pieces, literals, items, parts)),
    fills: (body, items, parts) => isMadeOf(body, putInOrder(pieces, literals, items, parts)),
  };
}

function isMadeOf(body: Uint8Array, sections: readonly Uint8Array[]): boolean {
  let at = 0;
  for (const section of sections) {
    if (Buffer.compare(body.subarray(at, at + section.length), section) !== 0) return false;
    at += section.length;
  }
  return at === body.length;
}

function putInOrder(
  pieces: readonly Piece[],
  literals: Uint8Array,
  items: readonly Uint8Array[],
  parts: readonly Uint8Array[],
): Uint8Array[] {
  const out: Uint8Array[] = [];
  const nextItem = items.values();
  const nextPart = parts.values();
  let at = 0;
  const take = (length: number): Uint8Array => literals.subarray(at, (at += length));
  for (const piece of pieces) {
    if (typeof piece === 'number') {
      out.push(take(piece));
    } else if (piece === 'p') {
      out.push(nextPart.next().value!);
    } else {
      out.push(nextItem.next().value!);
      for (const [length, times] of piece.gaps) {
        const gap = take(length);
        for (let count = 0; count < times; count += 1) out.push(gap, nextItem.next().value!);
      }
    }
  }
  return out;
}
