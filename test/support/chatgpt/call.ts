// Reads a model call: its body without content-encoding, what Codex says about itself in it, and the kind that follows.
import { decodeBuffer } from 'http-encoding';
import { headerValue, type ReceivedCall, type ReceivedRequest, type Writable } from './received.ts';

type Json = Readonly<Record<string, unknown>>;

/** A POST whose path ends in /responses or /responses/compact. */
export function isCallPath(path: string): boolean {
  return /\/responses(\/compact)?$/.test(path.split('?', 1)[0] ?? '');
}

/** Fails where the body cannot be decoded; what is decoded need not be JSON. */
export async function readPost(request: ReceivedRequest): Promise<Writable<ReceivedCall>> {
  const encoding = headerValue(request.rawHeaders, 'content-encoding') ?? undefined;
  const decoded = await decodeBuffer(request.bodyBytes, encoding);
  const text = decoded.toString('utf8');
  return newCall(request, request.bodyBytes, text, parseObject(text));
}

/** null: no call, but some other message. */
export function readSocketMessage(request: ReceivedRequest, data: Buffer): Writable<ReceivedCall> | null {
  const text = data.toString('utf8');
  const body = parseObject(text);
  return body['type'] === 'response.create' ? newCall(request, data, text, body) : null;
}

export function previousResponseId(call: ReceivedCall): string | null {
  return stringOrNull(call.json()['previous_response_id']);
}

function newCall(request: ReceivedRequest, bodyBytes: Buffer, text: string, body: Json): Writable<ReceivedCall> {
  const metadata = readMetadata(request, body);
  return {
    index: -1,
    at: Date.now(),
    transport: request.transport,
    request,
    bodyBytes,
    text,
    json: () => JSON.parse(text) as Json,
    model: stringOrNull(body['model']),
    metadata,
    kind: kindOf(body, metadata),
    answer: null,
    responseId: null,
    sentEvents: [],
    sentAt: [],
    sentChunks: [],
    ended: 'open',
  };
}

/** On a WebSocket the header is the upgrade's, so the body goes first. */
function readMetadata(request: ReceivedRequest, body: Json): Json {
  const inBody = (body['client_metadata'] as Json | undefined)?.['x-codex-turn-metadata'];
  const raw = typeof inBody === 'string' ? inBody : headerValue(request.rawHeaders, 'x-codex-turn-metadata');
  return parseObject(raw ?? '');
}

function kindOf(body: Json, metadata: Json): string {
  if (body['generate'] === false) return 'prewarm';
  if (metadata['thread_source'] === 'thread_title') return 'title';
  return stringOrNull(metadata['request_kind']) ?? 'turn';
}

/** Empty where the text is no JSON object. */
function parseObject(text: string): Json {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Json) : {};
  } catch {
    return {};
  }
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
