// The phases of an exchange as a HAR has them (`timings`): they follow one another, and with what is not applicable (-1) left out their sum is the
// time. Connecting belongs to the exchange that a connection was made for, and the entry then begins with it.
import type { Stamp, UpstreamLeg } from '../../domain/index.ts';
import type { HarEntry } from './har-format.ts';

export interface ExchangeTimes {
  readonly startedAt: Stamp;
  /** These are ms after it. */
  readonly requestEndedMs: number | null;
  readonly responseStartedMs: number | null;
  readonly endedMs: number;
}

export interface Phases {
  /** How long before the exchange was told its entry begins, in ms. */
  readonly leadMs: number;
  readonly time: number;
  readonly timings: HarEntry['timings'];
}

/** `isFirst`: its connection was made for this exchange. */
export function phasesOf(times: ExchangeTimes, upstream: UpstreamLeg | null, isFirst: boolean): Phases {
  const { startedAt, endedMs } = times;
  const responseStartedMs = times.responseStartedMs ?? endedMs;
  const made = isFirst ? (upstream?.phases ?? null) : null;
  const dns = made?.dnsMs ?? null;
  const connect = made?.connectMs ?? null;
  const madeAtMs =
    made === null ? Number.NEGATIVE_INFINITY : made.began.mono - startedAt.mono + (dns ?? 0) + made.connectMs;
  // Of a WebSocket all is told at its answer: then this is before it.
  const toldAtMs = upstream?.requestAt == null ? 0 : upstream.requestAt.mono - startedAt.mono;
  const leadMs = Math.max(0, -toldAtMs, made === null ? 0 : startedAt.mono - made.began.mono);
  // Nothing is sent before there is a connection, and whatever is told of it, before it is answered.
  const sentAtMs = Math.min(
    toldAtMs < 0 ? Math.max(madeAtMs, toldAtMs) : Math.max(0, madeAtMs, toldAtMs),
    responseStartedMs,
  );
  const saidEndMs = times.requestEndedMs ?? (toldAtMs < 0 ? sentAtMs : responseStartedMs);
  const requestEndedMs = Math.min(Math.max(sentAtMs, saidEndMs), responseStartedMs);
  const isKnown = upstream !== null && (upstream.local !== null || upstream.remote !== null);
  const blocked = Math.max(0, sentAtMs + leadMs - (dns ?? 0) - (connect ?? 0));
  const timings = {
    blocked: isKnown ? round(blocked) : -1,
    dns: dns === null ? -1 : round(dns),
    connect: connect === null ? -1 : round(connect),
    ssl: made === null ? -1 : round(made.sslMs),
    send: round(requestEndedMs - (isKnown ? sentAtMs : 0)),
    wait: round(responseStartedMs - requestEndedMs),
    receive: round(Math.max(0, endedMs - responseStartedMs)),
  };
  const { ssl: _ssl, ...inTurn } = timings; // `connect` has it
  const time = Object.values(inTurn).reduce((sum, ms) => sum + Math.max(0, ms), 0);
  return { leadMs, time: round(time), timings };
}

export const round = (ms: number): number => Math.round(ms * 1000) / 1000;
