// A mark in a header or a path, `masked:<8 hex>`, says nothing of how long its secret was, so that equal secrets look equal wherever they stand.
// The lengths are kept beside it, and with them a dump can give each mark the length of what it stands for.
import type { RawHeaders } from '../domain/index.ts';

/** Where marks stand in a masked text, and how long what they stand for was, as it was written there; in characters, in order. */
export type MarkLengths = readonly (readonly [at: number, length: number])[];

/** Of a list of headers, by their places in it; those without a mark are left out. */
export type HeaderMarkLengths = Readonly<Record<string, MarkLengths>>;

const markLength = 'masked:'.length + 8;

/** As long as its secret: cut, or filled up with `*`. */
export const fitMark = (mark: string, length: number): string => mark.slice(0, length).padEnd(length, '*');

/** The places of marks that are known in their order. */
export function findMarks(
  text: string,
  marks: readonly { readonly mark: string; readonly length: number }[],
): MarkLengths {
  let from = 0;
  return marks.flatMap(({ mark, length }) => {
    const at = text.indexOf(mark, from);
    if (at === -1) return [];
    from = at + mark.length;
    return [[at, length] as const];
  });
}

/** The text with each mark as long as what it stands for. */
export function stretchMarks(text: string, lengths: MarkLengths): string {
  let [stretched, done] = ['', 0];
  for (const [at, length] of lengths) {
    stretched += text.slice(done, at) + fitMark(text.slice(at, at + markLength), length);
    done = at + markLength;
  }
  return stretched + text.slice(done);
}

export function stretchHeaders(headers: RawHeaders, lengths: HeaderMarkLengths): RawHeaders {
  return headers.map(([name, value], place) => [name, stretchMarks(value, lengths[place] ?? [])] as const);
}
