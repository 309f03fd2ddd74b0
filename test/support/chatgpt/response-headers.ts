// Response headers as the real service sends them beside a stream, for an answer's `headers` or the stand-in's `responseHeaders`.
import type { RawHeaders } from '../../../src/domain/index.ts';

export interface RateLimitWindow {
  readonly usedPercent: number;
  readonly windowMinutes?: number;
  readonly resetsAt?: Date;
}

export function rateLimits(windows: {
  readonly primary?: RateLimitWindow;
  readonly secondary?: RateLimitWindow;
  /** `{ balance: '12.50' }` becomes `x-codex-credits-balance`. */
  readonly credits?: Readonly<Record<string, string>>;
}): RawHeaders {
  const { primary, secondary, credits = {} } = windows;
  return [
    ...windowHeaders('primary', primary),
    ...windowHeaders('secondary', secondary),
    ...Object.entries(credits).map(([name, value]) => [`x-codex-credits-${name}`, value] as const),
  ];
}

export function setCookie(name: string, value: string): RawHeaders {
  return [['set-cookie', `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=None`]];
}

function windowHeaders(name: string, window: RateLimitWindow | undefined): RawHeaders {
  if (window === undefined) return [];
  const { usedPercent, windowMinutes = 300, resetsAt = new Date(Date.now() + 3_600_000) } = window;
  return [
    [`x-codex-${name}-used-percent`, String(usedPercent)],
    [`x-codex-${name}-window-minutes`, String(windowMinutes)],
    [`x-codex-${name}-reset-at`, String(Math.round(resetsAt.getTime() / 1000))],
  ];
}
