// Where output goes and how it may look there.
import type { Paint } from './paint.ts';
import { hasColour, openPaint } from './paint.ts';
import { safeJson, safeText } from './safe-text.ts';
import { asTyped } from './typed-command.ts';

export interface Page {
  readonly paint: Paint;
  /** Columns of the terminal; null: not a terminal, so nothing is cut or wrapped. */
  readonly width: number | null;
  /** ms since the epoch. */
  readonly now: number;
}

export function openPage(): Page {
  const { stdout, env } = process;
  return {
    paint: openPaint(hasColour(stdout, env)),
    width: stdout.isTTY ? stdout.columns || 80 : null,
    now: Date.now(),
  };
}

export const writeJson = (value: unknown): void =>
  void process.stdout.write(`${safeJson(JSON.stringify(value, null, 2))}\n`);

export const writeText = (text: string): void => void process.stdout.write(`${text}\n`);

/** Talk, which is not data. */
export const say = (line: string): void => void process.stderr.write(`tapes: ${safeText(asTyped(line))}\n`);
