// The end of a recording, where much is left to be put on disk: it is told how much, and whoever does not want to wait for it says so with a signal.
import type { Recorder } from '../store/index.ts';

const tellEveryMs = 500;
const leavingOut = ['SIGINT', 'SIGTERM'] as const;

/** Settles as `closing` does. `onWaiting` is told now and then how many events are left; from then on SIGINT and SIGTERM leave them out. */
export async function waitForRecording<Report>(
  closing: Promise<Report>,
  recorder: Pick<Recorder, 'waitingEvents' | 'dropWaiting'>,
  onWaiting: (events: number) => void,
): Promise<Report> {
  const leaveOut = (): void => recorder.dropWaiting();
  let isHearing = false;
  const telling = setInterval(() => {
    onWaiting(recorder.waitingEvents);
    if (isHearing) return;
    isHearing = true;
    // Not before that was told: the second Ctrl-C that ends an agent may come just behind its end.
    for (const signal of leavingOut) process.on(signal, leaveOut);
  }, tellEveryMs);
  try {
    return await closing;
  } finally {
    clearInterval(telling);
    for (const signal of leavingOut) process.off(signal, leaveOut);
  }
}
