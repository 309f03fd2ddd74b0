// What the stand-in can answer to a model call, as plain data. Builders for it are in builders.ts.
import type { RawHeaders, Usage } from '../../../src/domain/index.ts';

export type Json = Readonly<Record<string, unknown>>;

/** One output item with the events that stream it, or events of the test's own making. */
export type Part =
  | { readonly type: 'message'; readonly chunks: readonly string[] }
  | { readonly type: 'reasoning'; readonly chunks: readonly string[] }
  | { readonly type: 'customToolCall'; readonly name: string; readonly namespace: string; readonly input: string }
  | {
      readonly type: 'functionCall';
      readonly name: string;
      readonly namespace: string | null;
      readonly arguments: string;
    }
  | { readonly type: 'webSearch'; readonly query: string }
  | { readonly type: 'compaction'; readonly encryptedContent: string }
  /** A message whose deltas never end. */
  | { readonly type: 'endless'; readonly delta: string; readonly everyMs: number }
  /** Any other output item, announced by its `done` alone. */
  | { readonly type: 'item'; readonly json: Json }
  /** One event, sent as it is. */
  | { readonly type: 'event'; readonly json: EventJson };

export type EventJson = Json & { readonly type: string };

export type Ending =
  | { readonly type: 'completed' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'incomplete'; readonly reason: string }
  /** The stream ends, in good order but without a terminal event. */
  | { readonly type: 'none' };

export type Compression = 'gzip' | 'br' | 'zstd' | 'deflate';

export interface StreamOptions {
  /** null leaves `usage` out. Default: 100 in (40 cached), 12 out (5 reasoning). */
  readonly usage?: Partial<Usage> | null;
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
  /** The ChatGPT backend leaves `output` of response.completed empty, and so does the stand-in unless told otherwise. */
  readonly fullOutput?: boolean;
  /** Leaves out `response.created`. */
  readonly withoutCreated?: boolean;
  /** POST only: how long the stream stays open after its last event. */
  readonly holdOpenMs?: number;
}

export interface StreamAnswer extends StreamOptions {
  readonly type: 'stream';
  readonly parts: readonly Part[];
  readonly ending: Ending;
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
