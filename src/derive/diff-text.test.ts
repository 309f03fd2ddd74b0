import { describe, expect, it } from 'vitest';

import type { TextChange } from './diff-text.ts';
import { diffText } from './diff-text.ts';

/** What each side was, put together again. */
const sideOf = (changes: readonly TextChange[], side: 'removed' | 'added'): string[] =>
  changes.flatMap((change) => (change.type === 'same' || change.type === side ? [change.text] : []));

describe('a change in a text', () => {
  it('is nothing where there is none', () => {
    expect(diffText('a', 'a')).toBeNull();
  });

  it('is told by words where it is short', () => {
    expect(diffText('list the files here', 'list all files here')).toEqual({
      unit: 'words',
      changes: [
        { type: 'same', text: 'list ' },
        { type: 'removed', text: 'the ' },
        { type: 'added', text: 'all ' },
        { type: 'same', text: 'files here' },
      ],
    });
  });

  it('is told by lines where it is long, with two lines around it', () => {
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const changed = lines.with(9, 'another');

    expect(diffText(lines.join('\n'), changed.join('\n'))).toEqual({
      unit: 'lines',
      changes: [
        { type: 'skipped', count: 7 },
        { type: 'same', text: 'line 7' },
        { type: 'same', text: 'line 8' },
        { type: 'removed', text: 'line 9' },
        { type: 'added', text: 'another' },
        { type: 'same', text: 'line 10' },
        { type: 'same', text: 'line 11' },
        { type: 'skipped', count: 8 },
      ],
    });
  });

  it('is bounded, in lines and in their length', () => {
    const text = (word: string): string => Array.from({ length: 9000 }, (_, at) => `${word} ${at}`).join('\n');
    const { changes } = diffText(text('a'), text('b'))!;

    expect(changes).toHaveLength(41);
    expect(changes.at(-1)).toEqual({ type: 'skipped', count: 18_000 - 40 });
    expect(JSON.stringify(diffText('x'.repeat(100_000), 'y'.repeat(100_000))).length).toBeLessThan(1200);
  });

  it('gives back both sides, whatever was changed', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 200; round += 1) {
      const [before, after] = [0, 1].map(() =>
        Array.from({ length: 4 + random(4) }, () => `w${random(4)}`).join('\n'),
      ) as [string, string];
      const diff = diffText(before, after);
      if (diff === null) continue;
      if (diff.changes.some(({ type }) => type === 'skipped')) continue;
      expect(sideOf(diff.changes, 'removed').join('\n')).toBe(before);
      expect(sideOf(diff.changes, 'added').join('\n')).toBe(after);
    }
  });
});
