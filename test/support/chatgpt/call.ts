// Reads a model call: its body without content-encoding, what Codex says about itself in it, and the kind that follows.
import { decodeBuffer } from 'http-encoding';
import { headerValue, type ReceivedCall, type ReceivedRequest, type Writable } from './received.ts';

type Json = Readonly<Record<string, unknown>>;

/** A POST whose path ends in /responses or /responses/compact. */
export function isCallPath(path: string): boolean {
  return /\/responses(\/compact)?$/.test(path.split('?', 1)[0] ?? '');
}

export async function readPost(request: ReceivedRequest, index: number): Promise<Writable<ReceivedCall>> {
  const encoding = headerValue(request.rawHeaders, 'content-encoding') ?? undefined;
  const decoded = await decodeBuffer(request.bodyBytes, encoding);
  return newCall(request, index, request.bodyBytes, decoded.toString('utf8'));
}

export function readSocketMessage(request: ReceivedRequest, index: number, data: Buffer): Writable<ReceivedCall> {
  return newCall(request, index, data, data.toString('utf8'));
}

function newCall(request: ReceivedRequest, index: number, bodyBytes: Buffer, text: string): Writable<ReceivedCall> {
  let parsed: Json | undefined;
  const json = (): Json => (parsed ??= JSON.parse(text) as Json);
  const body = tryOr<Json>({}, json);
  const metadata = readMetadata(request, body);
  return {
    index,
    at: Date.now(),
    transport: request.transport,
    request,
    bodyBytes,
    text,
    json,
    metadata,
    kind: kindOf(body, metadata),
    answer: null,
    responseId: null,
    sentEvents: [],
    sentChunks: [],
    ended: 'open',
  };
}

/** On a WebSocket the header is the upgrade's, so the body goes first. */
function readMetadata(request: ReceivedRequest, body: Json): Json {
  const inBody = (body['client_metadata'] as Json | undefined)?.['x-codex-turn-metadata'];
  const raw = typeof inBody === 'string' ? inBody : headerValue(request.rawHeaders, 'x-codex-turn-metadata');
  return tryOr<Json>({}, () => JSON.parse(raw ?? '{}') as Json);
}

function kindOf(body: Json, metadata: Json): string {
  if (body['generate'] === false) return 'prewarm';
  if (metadata['thread_source'] === 'thread_title') return 'title';
  const kind = metadata['request_kind'];
  return typeof kind === 'string' ? kind : 'turn';
}

function tryOr<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}
