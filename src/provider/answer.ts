// What a provider answers to a model call, as plain data: the items of one response, and how it ends.
import type { Usage } from '../domain/index.ts';

export type Json = Readonly<Record<string, unknown>>;

/** One output item with the events that stream it, or events of somebody's own making. */
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

/** One response of the Responses API. */
export interface ResponseAnswer {
  readonly parts: readonly Part[];
  readonly ending: Ending;
  /** null leaves `usage` out. Default: 100 in (40 cached), 12 out (5 reasoning). */
  readonly usage?: Partial<Usage> | null;
  /** The ChatGPT backend leaves `output` of response.completed empty, and so does this one unless told otherwise. */
  readonly fullOutput?: boolean;
  /** Leaves out `response.created`. */
  readonly withoutCreated?: boolean;
}
