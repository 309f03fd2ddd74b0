// What the stand-in can answer to a model call, as plain data: responses with their timing, and failures. Builders are in builders.ts.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { ResponseAnswer } from '../../../src/provider/index.ts';

export type { Ending, EventJson, Json, Part } from '../../../src/provider/index.ts';

export type Compression = 'gzip' | 'br' | 'zstd' | 'deflate';

export interface StreamOptions extends Pick<ResponseAnswer, 'usage' | 'fullOutput' | 'withoutCreated'> {
  /** Before each event; a list gives each its own (0 after its end). */
  readonly delayMs?: number | readonly number[];
  /** Before the response headers. */
  readonly headersDelayMs?: number;
  /** POST only: the content-encoding of the answer, flushed after each event (zstd: one frame an event). */
  readonly compress?: Compression;
  /** POST only: null leaves the header out, as the real service is reported to do. */
  readonly contentType?: string | null;
  /** POST only: further response headers. */
  readonly headers?: RawHeaders;
  /** POST only: the wire bytes come in chunks of this size, cut through events and characters. */
  readonly chunkBytes?: number;
  /** The connection is destroyed after this many events. */
  readonly cutAfter?: number;
  /** POST only: how long the stream stays open after its last event. */
  readonly holdOpenMs?: number;
}

export interface StreamAnswer extends StreamOptions, ResponseAnswer {
  readonly type: 'stream';
}

export type Answer =
  | StreamAnswer
  /** A whole body at once; on a WebSocket an `error` event with this status. */
  | { readonly type: 'http'; readonly status: number; readonly json: unknown; readonly headers: RawHeaders }
  /** Never answers. */
  | { readonly type: 'silent' }
  /** A TCP reset before any byte of the answer. */
  | { readonly type: 'reset' }
  /** WebSocket: a close frame. POST: the connection ends before any byte of the answer. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string };
