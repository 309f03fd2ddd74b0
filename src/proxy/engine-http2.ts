// What mockttp changes of HTTP/2, put right where it can be (docs/discoveries/mockttp.md): it normalises paths, ends a stream with INTERNAL_ERROR
// whatever the provider's code was, and refuses more than 128 header fields.
import { constants } from 'node:http2';
import { parse, type UrlWithStringQuery } from 'node:url';
import type { Mockttp } from 'mockttp';

type Told = (type: string, data: unknown) => void;

interface Http2Stream {
  close(code?: number, callback?: () => void): void;
}

interface Request {
  readonly url: unknown;
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly stream?: Http2Stream;
  on(...given: unknown[]): unknown;
  once(...given: unknown[]): unknown;
  off(...given: unknown[]): unknown;
}

interface Handling {
  readonly emitEventCallback?: Told;
}

interface Rule {
  handle(request: Request, response: unknown, options: Handling): Promise<void>;
}

/** To be called once the rules are set, and before anybody else stands around them. */
export function keepHttp2(engine: Mockttp): void {
  const { requestRuleSets } = engine as unknown as { requestRuleSets: Readonly<Record<string, readonly Rule[]>> };
  for (const rule of Object.values(requestRuleSets).flat()) {
    const handle = rule.handle.bind(rule);
    rule.handle = (request, response, options) => {
      const path = request.rawHeaders.find(([name]) => name === ':path')?.[1];
      if (request.stream === undefined || path === undefined) return handle(request, response, options);
      const emitEventCallback = keepCode(request.stream, options.emitEventCallback);
      return handle(withPath(request, path), response, { ...options, emitEventCallback });
    };
  }
}

/**
 * The same request with its path as it was sent. mockttp has normalised `url`, and made it read-only; it takes it apart by `url.parse`,
 * which leaves what is taken apart already.
 */
function withPath(request: Request, path: string): Request {
  const url: UrlWithStringQuery = Object.assign(parse(String(request.url)), { pathname: path, search: '' });
  const own = Object.fromEntries(
    (['on', 'once', 'off'] as const).map((name) => [name, { value: request[name].bind(request) }]),
  );
  return Object.create(request, { ...own, url: { value: url } }) as Request;
}

/** Has the stream closed with the code that the provider gave, once mockttp has told of it. */
function keepCode(stream: Http2Stream, tell: Told | undefined): Told {
  let given: number | null = null;
  const close = stream.close.bind(stream);
  stream.close = (code, callback) => close(given ?? code, callback);
  return (type, data) => {
    if (type === 'passthrough-abort')
      given ??= codeIn((data as { readonly error?: { message?: string } }).error?.message);
    tell?.(type, data);
  };
}

function codeIn(message = ''): number | null {
  const name = /\bNGHTTP2_[A-Z_]+\b/.exec(message)?.[0];
  return (name === undefined ? undefined : (constants as unknown as Record<string, number>)[name]) ?? null;
}

/** Node's own limit is 128, behind which it resets the stream; the option is kept below a symbol. */
export function raiseHttp2Limits(server: object | undefined, maxHeaderBytes: number): void {
  const [key] = Object.getOwnPropertySymbols(server ?? {}).filter(({ description }) => description === 'options');
  const options = key === undefined ? null : (server as Record<symbol, { settings?: object }>)[key];
  if (options === null || options === undefined) return;
  Object.assign(options, {
    maxHeaderListPairs: 10_000,
    settings: { ...options.settings, maxHeaderListSize: maxHeaderBytes },
  });
}
