// Tables for people: columns as wide as what is in them, two spaces apart. On a terminal the last column is cut to fit; in a pipe
// nothing is cut. For programs there is --json.
import type { Paint } from './paint.ts';
import { cutToWidth, widthOf } from './text-width.ts';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'right';
  /** Safe text on one line. */
  readonly text: (row: Row) => string;
  readonly paint?: (text: string, row: Row) => string;
}

const gap = '  ';
const narrowest = 12;

/** `width`: the terminal's columns; null: not a terminal. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
  width: number | null,
): string {
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[at] ?? ''))),
  );
  const last = columns.length - 1;
  if (width !== null) {
    const before = widths.slice(0, last).reduce((sum, column) => sum + column + gap.length, 0);
    widths[last] = Math.max(narrowest, Math.min(widths[last] ?? 0, width - before));
  }
  const line = (texts: readonly string[], painted: (text: string, at: number) => string): string =>
    texts
      .map((text, at) => {
        const size = widths[at] ?? 0;
        const cut = at === last && width !== null ? cutToWidth(text, size) : text;
        const blank = ' '.repeat(Math.max(0, size - widthOf(cut)));
        if (columns[at]?.align === 'right') return blank + painted(cut, at);
        return painted(cut, at) + (at === last ? '' : blank);
      })
      .join(gap)
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      (text) => paint.dim(text),
    ),
    ...rows.map((row, index) => line(cells[index] ?? [], (text, at) => columns[at]?.paint?.(text, row) ?? text)),
  ].join('\n');
}
