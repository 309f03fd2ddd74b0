// What became of the calls that reached the stand-in, and the WebSockets it holds.
import type { ReceivedCall as Call, ReceivedRequest, Writable } from '../../../src/provider/index.ts';
import type { Answer } from './answer.ts';

/** One model call with what became of it. */
export interface ReceivedCall extends Call {
  /** Its place in `standIn.calls`. */
  readonly index: number;
  /** What the scenario said; null for a prewarm. */
  readonly answer: Answer | null;
  readonly responseId: string | null;
  /** The JSON text of each event sent, in order. */
  readonly sentEvents: readonly string[];
  /** `performance.now()` just before each of them was written. */
  readonly sentAt: readonly number[];
  /** POST only: the body of the answer as on the wire, still content-encoded, in the chunks in which it was written. */
  readonly sentChunks: readonly Buffer[];
  /** How the answer ended: as planned (`sent`), cut by the stand-in, or because the client left. */
  readonly ended: 'open' | 'sent' | 'cut' | 'clientLeft';
}

export interface ReceivedMessage {
  readonly at: number;
  readonly from: 'client' | 'standIn';
  readonly isBinary: boolean;
  readonly data: Buffer;
}

export interface ReceivedSocket {
  readonly request: ReceivedRequest;
  readonly extensions: string;
  readonly messages: readonly ReceivedMessage[];
  /** null while it is open; code 1006 where no close frame came. */
  readonly closed: { readonly code: number; readonly reason: string } | null;
}

/** A call to which nothing has happened yet. */
export function unanswered(call: Call): Writable<ReceivedCall> {
  const nothing = {
    answer: null,
    responseId: null,
    sentEvents: [],
    sentAt: [],
    sentChunks: [],
    ended: 'open',
  } as const;
  return { ...call, index: -1, ...nothing };
}
