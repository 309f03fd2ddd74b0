// Bodies in the text form: JSON indented, other text as its lines, bytes as hex and text; all of it, the head, or nothing. A line is never folded,
// so that grep finds what stands in it; a row of bytes fits 80 columns.
import { noBytes } from '../dump-event.ts';
import { readText } from '../kept-body.ts';
import { hexLines, isReadable, safeLine } from './hex-view.ts';
import { indentJson } from './indent-json.ts';

export const shownBodies = ['none', 'head', 'full'] as const;
export type ShownBodies = (typeof shownBodies)[number];

/** What `head` shows of a body, or of one message. */
const headBytes = 1024;
const maxPartialBytes = 64 * 1024;

/** A body that is shown as it comes: whole lines of text, or bytes. */
export class BodyView {
  readonly #bodies: ShownBodies;
  #passedBytes = 0;
  /** The end of a text whose line has not ended yet. */
  #partial: Buffer = Buffer.alloc(0);

  constructor(bodies: ShownBodies) {
    this.#bodies = bodies;
  }

  part(bytes: Uint8Array): string[] {
    const wanted = this.#wanted(bytes);
    const offset = this.#passedBytes - this.#partial.length;
    this.#passedBytes += bytes.length;
    if (wanted.length === 0) return [];
    const all = Buffer.concat([this.#partial, wanted]);
    const end = all.lastIndexOf(0x0a) + 1;
    this.#partial = Buffer.alloc(0);
    const whole = all.subarray(0, end);
    const isCut = end < all.length && all.length - end < maxPartialBytes;
    const text = readText(isCut ? whole : all);
    // A character may be cut in two, so only whole lines are judged; a very long line is not waited for.
    if (text === null || !isReadable(text)) return indent(hexLines(all, offset));
    if (isCut) this.#partial = Buffer.from(all.subarray(end));
    return text === '' ? [] : textLines(text);
  }

  /** What its end leaves to be shown. */
  rest(): string[] {
    const partial = this.#partial;
    const shown = this.#bodies === 'full' ? this.#passedBytes : Math.min(this.#passedBytes, headBytes);
    const isCut = this.#bodies === 'head' && this.#passedBytes > headBytes;
    this.#partial = Buffer.alloc(0);
    return [
      ...(partial.length === 0 ? [] : partLines(partial, shown - partial.length, isCut)),
      ...(isCut ? [leftOut(this.#passedBytes)] : []),
    ];
  }

  #wanted(bytes: Uint8Array): Uint8Array {
    switch (this.#bodies) {
      case 'none':
        return noBytes;
      case 'head':
        return bytes.subarray(0, Math.max(0, headBytes - this.#passedBytes));
      case 'full':
        return bytes;
      default:
        return this.#bodies satisfies never;
    }
  }
}

/** Of a body, or a message, that is there as a whole. */
export function wholeLines(bytes: Uint8Array, mayBeText: boolean, bodies: ShownBodies): string[] {
  if (bodies === 'none' || bytes.length === 0) return [];
  const text = mayBeText ? readText(bytes) : null;
  const lines = text !== null && isReadable(text) ? (jsonLines(text) ?? textLines(text)) : null;
  if (bodies === 'full') return lines ?? indent(hexLines(bytes));
  if (lines === null) {
    const shown = indent(hexLines(bytes.subarray(0, headBytes)));
    return bytes.length > headBytes ? [...shown, leftOut(bytes.length)] : shown;
  }
  let shown = 0;
  const kept = lines.filter((line) => (shown += line.length) <= headBytes);
  if (kept.length === lines.length) return lines;
  const [next = ''] = lines.slice(kept.length);
  // A long line does not hide that there is one.
  const begun = headBytes - kept.reduce((sum, line) => sum + line.length, 0);
  return [...kept, ...(begun > 4 ? [`${next.slice(0, begun)}…`] : []), leftOut(bytes.length)];
}

function partLines(bytes: Buffer, offset: number, isCut: boolean): string[] {
  const text = isCut ? readCutText(bytes) : readText(bytes);
  return text !== null && isReadable(text) ? textLines(text) : indent(hexLines(bytes, offset));
}

/** The text of bytes whose last character may be cut in two; null where they are no UTF-8. */
function readCutText(bytes: Buffer): string | null {
  for (let cut = 0; cut <= Math.min(3, bytes.length); cut += 1) {
    const text = readText(bytes.subarray(0, bytes.length - cut));
    if (text !== null) return text;
  }
  return null;
}

const leftOut = (bytes: number): string => `    … (${bytes.toLocaleString('en-US')} bytes in all)`;

const indent = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);

const textLines = (text: string): string[] =>
  indent(
    text
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      .map(safeLine),
  );

function jsonLines(text: string): string[] | null {
  const indented = indentJson(text);
  return indented === null ? null : indent(indented.split('\n').map(safeLine));
}
