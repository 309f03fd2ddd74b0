// What a client asks the provider for, in the header `x-bench` of its request.
export type Ask =
  /** An event each `everyMs`, `events` of them, then `response.completed`. */
  | { readonly type: 'stream'; readonly everyMs: number; readonly events: number }
  /** An event for each time that the client has named this number on the side channel: it goes as fast as the way lets it. */
  | { readonly type: 'echo'; readonly stream: number }
  /** Events of 16 kB, as many bytes in all. */
  | { readonly type: 'bulk'; readonly bytes: number }
  /** A short answer, whole and at once. */
  | { readonly type: 'answer' };

export const askHeader = 'x-bench';

export function readAsk(header: string | readonly string[] | undefined): Ask {
  return typeof header === 'string' ? (JSON.parse(header) as Ask) : { type: 'answer' };
}
