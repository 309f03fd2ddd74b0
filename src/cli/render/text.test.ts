import { describe, expect, test } from 'vitest';

import { hasColour, openPaint } from './paint.ts';
import { safeLine, safeText } from './safe-text.ts';
import { shortenText } from './shorten-text.ts';
import { cutToWidth, widthOf, wrapText } from './text-width.ts';
import { sayCount, sayDuration, sayWhen } from './words.ts';

describe('recorded text on a terminal', () => {
  test('control sequences are shown, not obeyed; colours are left out', () => {
    expect(safeText('\u001b[31mred\u001b[0m \u001b[2J\u001b]0;title\u0007')).toBe('red ␛[2J␛]0;title␇');
    expect(safeText('a\rb\bc\u007fd\u009b31me')).toBe('a␍b␈c␡d\ufffd31me');
    expect(safeText('left\u202eright\u2066')).toBe('left\ufffdright\ufffd');
    expect(safeText('line one\r\nline two\ttab')).toBe('line one\nline two\ttab');
  });

  test('on one line there is no line break', () => {
    expect(safeLine('  a\n\n b\tc\u2028d ')).toBe('a b c\ufffdd');
  });

  test('text of any language stays as it is', () => {
    expect(safeText('Grüße, 世界 🙂 नमस्ते')).toBe('Grüße, 世界 🙂 नमस्ते');
  });
});

describe('widths', () => {
  test('wide characters take two columns, combining ones none', () => {
    expect(widthOf('abc')).toBe(3);
    expect(widthOf('世界')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('🙂')).toBe(2);
  });

  test('what is cut ends in … and fits', () => {
    expect(cutToWidth('abcdef', 6)).toBe('abcdef');
    expect(cutToWidth('abcdefg', 6)).toBe('abcde…');
    expect(cutToWidth('世界世界', 6)).toBe('世界…');
  });

  test('lines break at blanks and keep their indentation', () => {
    expect(wrapText('one two three four', 9)).toBe('one two\nthree\nfour');
    expect(wrapText('- a point that goes on', 12)).toBe('- a point\n  that goes\n  on');
    expect(wrapText('short\n\nalso short', 20)).toBe('short\n\nalso short');
    expect(wrapText('averyveryverylongword and', 10)).toBe('averyveryverylongword\nand');
  });
});

describe('long tool calls and results', () => {
  test('a dozen lines are shown whole', () => {
    const text = Array.from({ length: 12 }, (_, at) => `line ${at}`).join('\n');
    expect(shortenText(text)).toEqual({ shown: text, left: null });
  });

  test('more lines are cut, and it is said how many', () => {
    const text = Array.from({ length: 1300 }, (_, at) => `${at}`).join('\n');
    expect(shortenText(text)).toEqual({ shown: '0\n1\n2\n3\n4\n5\n6\n7\n8\n9', left: '1,290 lines' });
  });

  test('one long line is cut between characters', () => {
    const { shown, left } = shortenText(`${'x'.repeat(999)}🙂${'y'.repeat(5000)}`);
    expect(shown).toBe('x'.repeat(999));
    expect(left).toBe('5,002 characters');
  });
});

describe('colour', () => {
  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { TERM: 'dumb' }, false],
  ])('terminal: %s, environment: %o → %s', (isTTY, environment, expected) => {
    expect(hasColour({ isTTY }, environment)).toBe(expected);
  });

  test('without it nothing is added', () => {
    expect(openPaint(false).bold('x')).toBe('x');
    expect(openPaint(true).red('x')).toBe('\u001b[31mx\u001b[39m');
  });
});

describe('words', () => {
  test('counts', () => {
    expect([0, 950, 1000, 14_230, 123_456, 999_499, 999_500, 1_310_000].map(sayCount)).toEqual([
      '0',
      '950',
      '1.0k',
      '14.2k',
      '123k',
      '999k',
      '1.0M',
      '1.3M',
    ]);
  });

  test('durations', () => {
    expect([0, 70.4, 999.6, 2900, 59_940, 59_960, 252_000, 7_500_000].map(sayDuration)).toEqual([
      '0 ms',
      '70 ms',
      '1.0 s',
      '2.9 s',
      '59.9 s',
      '1 min 0 s',
      '4 min 12 s',
      '2 h 5 min',
    ]);
  });

  test('how long ago', () => {
    const now = new Date(2026, 10, 23, 12, 0, 0).getTime();
    const ago = (ms: number): string => sayWhen(new Date(now - ms).toISOString(), now);
    expect([30_000, 300_000, 3 * 3_600_000, 22 * 3_600_000, 9 * 86_400_000].map(ago)).toEqual([
      'now',
      '5 min ago',
      '3 h ago',
      'Sun 14:00',
      '2026-11-14',
    ]);
  });
});

describe('text from outside', () => {
  test('is put on one line in a time that grows with its length', () => {
    const blanks = ' '.repeat(300_000);
    expect(safeLine(`a${blanks}b`)).toBe(`a${blanks}b`);
    expect(safeLine(`a${blanks}\n${blanks}b`)).toBe('a b');
  });
});
