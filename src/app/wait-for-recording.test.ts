import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { waitForRecording } from './wait-for-recording.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const listeners = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

it('tells what is left, and from then on a signal leaves it out', async () => {
  const before = listeners();
  let finish: (report: string) => void = () => undefined;
  const closing = new Promise<string>((resolve) => (finish = resolve));
  let dropped = 0;
  const told: number[] = [];
  const recorder = { waitingEvents: 30, dropWaiting: () => void (dropped += 1) };
  const waiting = waitForRecording(closing, recorder, (events) => told.push(events));
  vi.advanceTimersByTime(499);
  expect([told, listeners()]).toEqual([[], before]);

  vi.advanceTimersByTime(1001);
  expect([told, listeners()]).toEqual([[30, 30, 30], before + 2]);
  process.emit('SIGINT');
  expect(dropped).toBe(1);

  finish('a report');
  expect(await waiting).toBe('a report');
  expect([vi.getTimerCount(), listeners()]).toEqual([0, before]);
});

it('says nothing of what ends at once', async () => {
  const before = listeners();
  const onWaiting = vi.fn();
  await waitForRecording(Promise.resolve(), { waitingEvents: 1, dropWaiting: () => undefined }, onWaiting);
  expect(onWaiting).not.toHaveBeenCalled();
  expect([vi.getTimerCount(), listeners()]).toEqual([0, before]);
});
