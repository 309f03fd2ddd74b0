// What changed in a text: by lines, or by words where it is short. Bounded, so that a change in a very long text can still be read.
import { matchSequences } from './match-sequences.ts';

export type TextChange =
  | { readonly type: 'same' | 'removed' | 'added'; readonly text: string }
  /** Left out: what is the same on both sides, or what is beyond the bounds. */
  | { readonly type: 'skipped'; readonly count: number };

export interface TextDiff {
  readonly unit: 'lines' | 'words';
  readonly changes: readonly TextChange[];
}

const mostLinesForWords = 3;
const mostWords = 400;
const bounds = { lines: { context: 2, shown: 40 }, words: { context: 8, shown: 200 } } as const;
const longestText = 500;

/** Null where the texts are equal. */
export function diffText(before: string, after: string): TextDiff | null {
  if (before === after) return null;
  const unit = isShort(before) && isShort(after) ? 'words' : 'lines';
  const [mine, theirs] = [split(before, unit), split(after, unit)];
  const pairs = matchSequences(mine.length, theirs.length, (left, right) => mine[left] === theirs[right]);
  const changes: TextChange[] = [];
  let [left, right, shown] = [0, 0, 0];
  let beyond = 0;
  const put = (type: 'same' | 'removed' | 'added', parts: readonly string[]): void => {
    const fits = parts.slice(0, Math.max(0, bounds[unit].shown - shown));
    shown += fits.length;
    beyond += parts.length - fits.length;
    changes.push(...join(type, fits, unit));
  };
  for (const run of [...runsOf(pairs), { before: mine.length, after: theirs.length, length: 0 }]) {
    put('removed', mine.slice(left, run.before));
    put('added', theirs.slice(right, run.after));
    const same = mine.slice(run.before, run.before + run.length);
    const { context } = bounds[unit];
    const head = run.before === 0 && run.after === 0 ? 0 : context;
    const tail = run.before + run.length === mine.length && run.after + run.length === theirs.length ? 0 : context;
    if (beyond > 0) beyond += same.length;
    else if (same.length <= head + tail + 1) put('same', same);
    else {
      put('same', same.slice(0, head));
      changes.push({ type: 'skipped', count: same.length - head - tail });
      put('same', same.slice(same.length - tail));
    }
    left = run.before + run.length;
    right = run.after + run.length;
  }
  return { unit, changes: beyond === 0 ? changes : [...changes, { type: 'skipped', count: beyond }] };
}

function isShort(text: string): boolean {
  return text.split('\n').length <= mostLinesForWords && split(text, 'words').length <= mostWords;
}

/** Words keep the blanks behind them. */
function split(text: string, unit: TextDiff['unit']): string[] {
  if (unit === 'words') return text.match(/\S+\s*|\s+/g) ?? [];
  return text === '' ? [] : text.split('\n');
}

function* runsOf(
  pairs: readonly (readonly [number, number])[],
): Generator<{ before: number; after: number; length: number }> {
  let run: { before: number; after: number; length: number } | null = null;
  for (const [before, after] of pairs) {
    if (run !== null && before === run.before + run.length && after === run.after + run.length) run.length += 1;
    else {
      if (run !== null) yield run;
      run = { before, after, length: 1 };
    }
  }
  if (run !== null) yield run;
}

/** A line each; words of one kind together. */
function join(type: 'same' | 'removed' | 'added', parts: readonly string[], unit: TextDiff['unit']): TextChange[] {
  if (parts.length === 0) return [];
  const texts = unit === 'words' ? [parts.join('')] : parts;
  return texts.map((text) => ({ type, text: text.length > longestText ? `${text.slice(0, longestText)}…` : text }));
}
