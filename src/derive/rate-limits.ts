// Rate limits as the provider's `x-codex-*` response headers give them.
import type { RateLimits, RateLimitWindow, RawHeaders } from '../domain/index.ts';

const creditsPrefix = 'x-codex-credits-';

/** Null where the headers say nothing of limits. Credits keep the words of the wire, by the end of their name. */
export function readRateLimits(headers: RawHeaders): RateLimits | null {
  const values = new Map(headers.map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const primary = readWindow(values, 'primary');
  const secondary = readWindow(values, 'secondary');
  const credits = Object.fromEntries(
    [...values]
      .filter(([name]) => name.startsWith(creditsPrefix))
      .map(([name, value]) => [name.slice(creditsPrefix.length), value]),
  );
  const hasCredits = Object.keys(credits).length > 0;
  if (primary === null && secondary === null && !hasCredits) return null;
  return {
    ...(primary !== null && { primary }),
    ...(secondary !== null && { secondary }),
    ...(hasCredits && { credits }),
  };
}

function readWindow(values: ReadonlyMap<string, string>, name: string): RateLimitWindow | null {
  const usedPercent = readNumber(values.get(`x-codex-${name}-used-percent`));
  if (usedPercent === null) return null;
  return {
    usedPercent,
    windowMinutes: readNumber(values.get(`x-codex-${name}-window-minutes`)),
    resetsAt: readTime(values.get(`x-codex-${name}-reset-at`)),
  };
}

function readNumber(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Seconds since the epoch, or any date that can be read, as ISO 8601. */
function readTime(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  const seconds = readNumber(text);
  const time = new Date(seconds === null ? text : seconds * 1000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
