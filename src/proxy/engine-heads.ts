// Heads of requests and responses, from mockttp's form to that of the wire events.
import type { RawHeaders, RequestHead, ResponseHead } from '../domain/index.ts';
import type { EngineRequest, HeaderPairs } from './engine-requests.ts';

export function requestHead(request: EngineRequest): RequestHead {
  return {
    method: request.method,
    scheme: request.url.startsWith('http:') ? 'http' : 'https',
    host: request.destination.hostname,
    port: request.destination.port,
    path: pathOf(request),
    httpVersion: request.httpVersion ?? '1.1',
    headers: plainHeaders(request.rawHeaders),
    client:
      request.remoteIpAddress === undefined || request.remotePort === undefined
        ? null
        : { address: request.remoteIpAddress, port: request.remotePort },
  };
}

export function responseHead(status: number, reason: string, headers: HeaderPairs): ResponseHead {
  return { status, reason, headers: plainHeaders(headers) };
}

/** mockttp gives the path as it was in a request line or absolute URL; the query is part of it here. */
function pathOf({ path, url }: EngineRequest): string {
  if (path.includes('?') || !URL.canParse(url)) return path;
  return path + new URL(url).search;
}

const plainHeaders = (headers: HeaderPairs): RawHeaders => headers.map(([name, value]) => [name, value]);
