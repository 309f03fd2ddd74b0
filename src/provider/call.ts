// Reads a model call: its body without content-encoding, what Codex says about itself in it, and the kind that follows.
import { decodeBody } from '../wire/index.ts';
import type { Json } from './answer.ts';
import { headerValue, type ReceivedCall, type ReceivedRequest } from './received.ts';

/** A POST whose path ends in /responses or /responses/compact. */
export function isCallPath(path: string): boolean {
  return /\/responses(\/compact)?$/.test(path.split('?', 1)[0] ?? '');
}

/** Undoes a content-encoding ("zstd", "gzip, zstd"; null where there is none); null where that cannot be done. */
export type Decode = (bytes: Buffer, contentEncoding: string | null) => Promise<Buffer | null>;

/** As the recorder does it. */
export const decodeAsRecorded: Decode = async (bytes, contentEncoding) => {
  const decoded = await decodeBody(bytes, contentEncoding);
  return decoded.problem === null ? Buffer.from(decoded.bytes) : null;
};

/** The call in a POST. Null where its body cannot be decoded; what is decoded need not be JSON. */
export async function readPost(request: ReceivedRequest, decode: Decode): Promise<ReceivedCall | null> {
  const decoded = await decode(request.bodyBytes, headerValue(request.rawHeaders, 'content-encoding'));
  return decoded === null ? null : readCall(request, request.bodyBytes, decoded.toString('utf8'));
}

/** The call that `bodyBytes` are, whose decoded text is `text`. */
export function readCall(request: ReceivedRequest, bodyBytes: Buffer, text: string): ReceivedCall {
  const body = parseObject(text);
  const metadata = readMetadata(request, body);
  return {
    at: Date.now(),
    transport: request.transport,
    request,
    bodyBytes,
    text,
    json: () => JSON.parse(text) as Json,
    model: stringOrNull(body['model']),
    metadata,
    kind: kindOf(body, metadata),
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
