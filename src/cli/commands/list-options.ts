// What every listing takes.
import { TapesError } from '../../errors.ts';

export interface ListOptions {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly agent?: string;
  readonly since?: string;
  readonly limit: number;
}

export const defaultLimit = 50;

export function readLimit(value: string): number {
  const limit = Number(value);
  if (/^\d+$/.test(value) && limit > 0 && Number.isSafeInteger(limit)) return limit;
  throw new TapesError('E_USAGE', `--limit ${value} is not a whole number above 0`, {
    hint: 'tapes sessions --limit 20',
  });
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** "30m", "12h", "7d", "2w", or a date or time as ISO 8601 has it. Gives ISO 8601 in UTC. */
export function readSince(value: string, now: number = Date.now(), option = '--since'): string {
  const [, count, unit] = /^(\d+)([mhdw])$/.exec(value) ?? [];
  const ago = count === undefined || unit === undefined ? null : Number(count) * (unitMs[unit] ?? 0);
  // A bare date is a local day, as the tables show them; Date.parse would take it for UTC.
  const at = ago === null ? Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00` : value) : now - ago;
  const time = new Date(at);
  if (!Number.isNaN(time.getTime()) && (ago !== null || /^\d{4}-/.test(value))) return time.toISOString();
  throw new TapesError('E_USAGE', `${option} ${value} is neither a span (30m, 12h, 7d, 2w) nor a date (2026-11-23)`, {
    hint: `name a span or a date: ${option} 7d`,
  });
}

/** The same for the time at which something ends: a bare date is the whole of that day. */
export function readUntil(value: string, now: number = Date.now()): string {
  const start = readSince(value, now, '--until');
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return start;
  const day = new Date(start);
  day.setDate(day.getDate() + 1);
  return day.toISOString();
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** "500MB", "1.5GB", "2GiB", "1000": in bytes. */
export function readSize(value: string, option: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(value) ?? [];
  const factor = unitBytes[unit.toLowerCase()];
  if (count !== undefined && factor !== undefined) return Math.round(Number(count) * factor);
  throw new TapesError('E_USAGE', `${option} ${value} is not a size (500MB, 5GB, 2GiB)`, {
    hint: `name a size: ${option} 5GB`,
  });
}
