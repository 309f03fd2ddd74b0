// Plain clients for the stand-in: one request over HTTP/1.1 or HTTP/2, told as it went, chunk by chunk.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttp1 } from 'node:https';
import type { RawHeaders } from '../../../src/domain/index.ts';
import { pairHeaders } from '../../../src/provider/index.ts';

export interface ClientRequest {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Called at each chunk; `leave` hangs up. */
  readonly onChunk?: (chunk: Buffer, leave: () => void) => void;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly chunks: readonly Buffer[];
  readonly body: Buffer;
  /** The code of the error that ended the answer early; null where it ended well. */
  readonly errorCode: string | null;
}

export type Ask = (
  target: { readonly port: number; readonly caFile: string },
  request?: ClientRequest,
) => Promise<ClientAnswer>;

export const askHttp1: Ask = async (target, request = {}) => {
  const { method = 'POST', host = 'chatgpt.com', path = '/backend-api/codex/responses' } = request;
  const headers = { host, ...request.headers };
  const sent = requestHttp1({
    host: '127.0.0.1',
    port: target.port,
    servername: host,
    ca: readFileSync(target.caFile),
    agent: false,
    method,
    path,
    headers: request.trailers === undefined ? headers : { ...headers, 'transfer-encoding': 'chunked' },
  });
  if (request.trailers !== undefined) sent.flushHeaders();
  if (request.trailers !== undefined) sent.addTrailers(request.trailers);
  sent.end(request.body);
  const chunks: Buffer[] = [];
  let response: IncomingMessage | undefined;
  try {
    [response] = (await once(sent, 'response')) as [IncomingMessage];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      request.onChunk?.(chunk, () => sent.destroy());
    }
    return answer(response.statusCode, pairHeaders(response.rawHeaders), chunks, null);
  } catch (error) {
    return answer(response?.statusCode, pairHeaders(response?.rawHeaders ?? []), chunks, codeOf(error));
  }
};

export const askHttp2: Ask = async (target, request = {}) => {
  const { method = 'POST', host = 'chatgpt.com', path = '/backend-api/codex/responses', body } = request;
  const session = connectHttp2(`https://${host}`, {
    host: '127.0.0.1',
    port: target.port,
    servername: host,
    ca: readFileSync(target.caFile),
  });
  session.on('error', () => {});
  const stream = session.request(
    { ...request.headers, ':method': method, ':authority': host, ':path': path },
    { endStream: body === undefined && request.trailers === undefined, waitForTrailers: true },
  );
  stream.once('wantTrailers', () => stream.sendTrailers(request.trailers ?? {}));
  if (body !== undefined || request.trailers !== undefined) stream.end(body);
  const chunks: Buffer[] = [];
  let status: number | undefined;
  let headers: RawHeaders = [];
  stream.once('response', (fields, _flags, raw?: readonly string[]) => {
    status = fields[':status'];
    headers = pairHeaders(raw ?? []).filter(([name]) => name !== ':status');
  });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      request.onChunk?.(chunk, () => stream.close(8));
    }
    // A stream of which the connection died can end as if it were whole.
    const errorCode = stream.rstCode === 0 && !session.destroyed ? null : `RST_${stream.rstCode}`;
    return answer(status, headers, chunks, errorCode);
  } catch (error) {
    return answer(status, headers, chunks, codeOf(error));
  } finally {
    session.destroy();
  }
};

function answer(
  status: number | undefined,
  headers: RawHeaders,
  chunks: readonly Buffer[],
  errorCode: string | null,
): ClientAnswer {
  return { status: status ?? 0, headers, chunks, body: Buffer.concat(chunks), errorCode };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
