// A clock that is far off makes certificates that nobody trusts, and finds fault with good ones: better told than met as "not yet valid".
import { TapesError } from '../errors.ts';

// Node 20.17, the oldest that tapes runs on, was released on this day: no right clock shows an earlier one.
const earliest = new Date('2024-08-21T00:00:00Z');
const dayMs = 86_400_000;

/** Throws `E_CLOCK_WRONG` where `now` cannot be: before tapes was made, or a day before the root was. */
export function refuseWrongClock(now: Date, rootStartsAt?: Date): void {
  const limit =
    rootStartsAt === undefined ? earliest : new Date(Math.max(earliest.getTime(), rootStartsAt.getTime() - dayMs));
  if (now >= limit) return;
  const what = limit === earliest ? 'tapes itself is newer' : `the root was made on ${isoDay(rootStartsAt!)}`;
  throw new TapesError('E_CLOCK_WRONG', `the clock of this machine says ${isoDay(now)}, but ${what}`, {
    hint:
      limit === earliest
        ? 'set the clock and try again (Linux: timedatectl set-ntp true, macOS: sudo sntp -sS time.apple.com)'
        : 'set the clock; if it is right now, it was wrong then: tapes ca rotate',
  });
}

export const isoDay = (date: Date): string => date.toISOString().slice(0, 10);
