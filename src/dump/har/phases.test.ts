import { describe, expect, it } from 'vitest';

import type { ConnectionPhases, Stamp, UpstreamLeg } from '../../domain/index.ts';
import { phasesOf, type Phases } from './phases.ts';

const stamp = (ms: number): Stamp => ({ at: 1_000_000 + ms, mono: 5000 + ms });
const ends = { local: { address: '10.0.0.1', port: 5000 }, remote: { address: '10.0.0.2', port: 443 } };
const leg = (more: Partial<UpstreamLeg> = {}): UpstreamLeg => ({
  ...ends,
  requestHeaders: null,
  response: null,
  ...more,
});
const made = (beganAt: number, dnsMs: number | null = 2): ConnectionPhases => ({
  began: stamp(beganAt),
  dnsMs,
  connectMs: 30,
  sslMs: 20,
});
const times = { startedAt: stamp(0), requestEndedMs: 1, responseStartedMs: 100, endedMs: 150 };

function check({ time, timings }: Phases): Phases['timings'] {
  const { ssl, ...inTurn } = timings;
  const said = Object.values(inTurn).filter((ms) => ms !== -1);
  expect(said.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(time, 3);
  expect(Math.min(...said)).toBeGreaterThanOrEqual(0);
  expect(ssl).toBeLessThanOrEqual(timings.connect);
  return timings;
}

describe('the phases of an exchange', () => {
  it('are unknown before the request where the other side was not seen', () => {
    const phases = phasesOf(times, null, false);
    expect(check(phases)).toEqual({ blocked: -1, dns: -1, connect: -1, ssl: -1, send: 1, wait: 99, receive: 50 });
    expect(phases).toMatchObject({ leadMs: 0, time: 150 });
  });

  it('have no connecting on a connection that was used before', () => {
    const phases = phasesOf(times, leg({ phases: made(-9000), requestAt: stamp(0.5) }), false);
    expect(check(phases)).toEqual({ blocked: 0.5, dns: -1, connect: -1, ssl: -1, send: 0.5, wait: 99, receive: 50 });
    expect(phases).toMatchObject({ leadMs: 0, time: 150 });
  });

  it('begin with a connection that was made ahead, and are blocked until there is a request', () => {
    const phases = phasesOf(times, leg({ phases: made(-40) }), true);
    expect(check(phases)).toEqual({ blocked: 8, dns: 2, connect: 30, ssl: 20, send: 1, wait: 99, receive: 50 });
    expect(phases).toMatchObject({ leadMs: 40, time: 190 });
  });

  it('have a request wait for a connection that is made while it waits', () => {
    const phases = phasesOf(times, leg({ phases: made(3, null), requestAt: stamp(33) }), true);
    expect(check(phases)).toEqual({ blocked: 3, dns: -1, connect: 30, ssl: 20, send: 0, wait: 67, receive: 50 });
    expect(phases).toMatchObject({ leadMs: 0, time: 150 });
  });

  it('of a WebSocket, which is told when it is accepted, begin when it was asked for', () => {
    const opened = { startedAt: stamp(0), requestEndedMs: null, responseStartedMs: 0, endedMs: 500 };
    const phases = phasesOf(opened, leg({ phases: made(-60), requestAt: stamp(-10) }), true);
    expect(check(phases)).toEqual({ blocked: 18, dns: 2, connect: 30, ssl: 20, send: 0, wait: 10, receive: 500 });
    expect(phases).toMatchObject({ leadMs: 60, time: 560 });
  });

  it('of an answer that came before the connection was told to stand, still add up', () => {
    const early = { ...times, responseStartedMs: 10, endedMs: 12 };
    const phases = phasesOf(early, leg({ phases: made(0), requestAt: stamp(20) }), true);
    expect(check(phases)).toMatchObject({ blocked: 0, send: 0, wait: 0, receive: 2 });
  });
});
