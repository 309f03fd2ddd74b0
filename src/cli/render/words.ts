// Numbers, times and statuses in words, short enough for a table.
import type { CallStatus, Usage } from '../../domain/index.ts';
import type { Paint } from './paint.ts';

/** 950, 14.2k, 1.3M */
export function sayCount(count: number): string {
  if (count < 1000) return String(count);
  const [value, unit] = count < 999_500 ? [count / 1000, 'k'] : [count / 1_000_000, 'M'];
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)}${unit}`;
}

export const sayPlural = (count: number, word: string): string => `${sayCount(count)} ${word}${count === 1 ? '' : 's'}`;

/** 70 ms, 2.9 s, 4 min 12 s, 2 h 5 min */
export function sayDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export const sayBytes = (bytes: number): string => `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'}`;

/** $1,200.00, $12.30, $0.0123. Not by toLocaleString: its first use costs 15 ms. */
export function sayUsd(usd: number): string {
  if (usd > 0 && usd < 0.00005) return '< $0.0001';
  const [whole = '', rest = ''] = usd.toFixed(usd === 0 || usd >= 0.99995 ? 2 : 4).split('.');
  return `$${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}.${rest}`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** How long ago, in local time: now, 5 min ago, 3 h ago, Sun 14:02, 2026-11-12. */
export function sayWhen(iso: string, now: number): string {
  const at = Date.parse(iso);
  const ago = now - at;
  if (ago < minute) return 'now';
  if (ago < hour) return `${Math.floor(ago / minute)} min ago`;
  if (ago < 12 * hour) return `${Math.floor(ago / hour)} h ago`;
  const local = new Date(at);
  if (ago < 6 * day) return `${weekdays[local.getDay()]} ${sayClock(iso).slice(0, 5)}`;
  return sayDay(iso);
}

/** 2026-11-23, in local time. */
export function sayDay(iso: string): string {
  const local = new Date(iso);
  return `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`;
}

/** 14:02:59, in local time. */
export function sayClock(iso: string): string {
  const local = new Date(iso);
  return `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** 100 in (40 cached), 12 out */
export function sayUsage(usage: Usage): string {
  const cached = usage.cachedInputTokens > 0 ? ` (${sayCount(usage.cachedInputTokens)} cached)` : '';
  return `${sayCount(usage.inputTokens)} in${cached}, ${sayCount(usage.outputTokens)} out`;
}

/** What went well is quiet. */
export function paintStatus(paint: Paint, text: string, status: CallStatus): string {
  switch (status) {
    case 'completed':
      return text;
    case 'streaming':
      return paint.cyan(text);
    case 'failed':
      return paint.red(text);
    case 'incomplete':
    case 'truncated':
    case 'aborted':
    case 'interrupted':
      return paint.magenta(text);
  }
}
