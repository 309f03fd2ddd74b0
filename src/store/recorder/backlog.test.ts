// When those who read from the network are to wait for the recorder, and for how long at the most.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Backlog } from './backlog.ts';

const mebi = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How often it was told to go on. */
function watch(backlog: Backlog): { goesOn: number } {
  const seen = { goesOn: 0 };
  backlog.whenNotBehind(() => (seen.goesOn += 1));
  return seen;
}

test('it is behind above 16 of 64 MiB, until less than 15 wait', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(16 * mebi);
  expect(backlog.isBehind()).toBe(false);
  backlog.count(1);
  expect(backlog.isBehind()).toBe(true);
  backlog.count(-mebi - 1);
  expect(backlog.isBehind()).toBe(true);
  backlog.count(-1);
  expect(backlog.isBehind()).toBe(false);
});

test('all who wait are called once, and nobody who asks when it is not behind has to wait', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(17 * mebi);
  const [first, second] = [watch(backlog), watch(backlog)];
  expect([first.goesOn, second.goesOn]).toEqual([0, 0]);
  backlog.count(-17 * mebi);
  backlog.count(17 * mebi);
  backlog.count(-17 * mebi);
  expect([first.goesOn, second.goesOn, watch(backlog).goesOn]).toEqual([1, 1, 1]);
});

test('a hold ends after half a second, and there is no other until 8 MiB have been taken or little waits again', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(17 * mebi);
  const seen = watch(backlog);
  vi.advanceTimersByTime(499);
  expect([backlog.isBehind(), seen.goesOn]).toEqual([true, 0]);
  vi.advanceTimersByTime(1);
  expect([backlog.isBehind(), seen.goesOn]).toEqual([false, 1]);

  for (const change of [40 * mebi, -7 * mebi, mebi]) {
    backlog.count(change);
    expect(backlog.isBehind()).toBe(false);
  }

  backlog.count(-mebi);
  expect(backlog.isBehind()).toBe(true);
  vi.advanceTimersByTime(500);
  expect(backlog.isBehind()).toBe(false);

  backlog.count(40 * mebi - backlog.bytes);
  backlog.count(14 * mebi - backlog.bytes);
  backlog.count(4 * mebi);
  expect(backlog.isBehind()).toBe(true);
});

test('each hold has its own half second', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(17 * mebi);
  vi.advanceTimersByTime(400);
  backlog.count(-3 * mebi);
  backlog.count(3 * mebi);
  vi.advanceTimersByTime(499);
  expect(backlog.isBehind()).toBe(true);
  vi.advanceTimersByTime(1);
  expect(backlog.isBehind()).toBe(false);
});

test('nobody waits for a thread that is gone, and nobody will', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(17 * mebi);
  const seen = watch(backlog);
  backlog.giveUp();
  expect([backlog.isBehind(), seen.goesOn]).toEqual([false, 1]);
  backlog.count(mebi);
  expect(backlog.isBehind()).toBe(false);
});

test('no timer is left of a hold that has ended', () => {
  const backlog = new Backlog(64 * mebi);
  backlog.count(17 * mebi);
  backlog.count(-17 * mebi);
  expect(vi.getTimerCount()).toBe(0);
});
