// `tapes show --json`: {session, threads}; of a call that was asked for, also its exchange.
import type { ShownRecording } from '../../app/show-recording.ts';

export function renderShownJson({ session, threads, exchange }: ShownRecording): object {
  return { session, threads, ...(exchange === null ? {} : { exchange }) };
}
