// The stand-in provider: a TLS server on loopback that behaves like chatgpt.com and its neighbours as far as Codex looks,
// answers model calls from a scenario, and keeps everything that it received.
import { buffer } from 'node:stream/consumers';
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { Tokens } from '../tokens.ts';
import { answerPost } from './answer-post.ts';
import { openSocketServer, type WebSocketPolicy } from './answer-socket.ts';
import { isCallPath, readPost } from './call.ts';
import { HttpExchange } from './http-exchange.ts';
import { plainAnswer, providerHosts, type PlainAnswer, type SetUpOptions } from './plain-answer.ts';
import { newRequest, pairHeaders } from './received.ts';
import type { ReceivedCall, ReceivedRequest, ReceivedSocket } from './received.ts';
import type { ScenarioOptions } from './scenario.ts';
import { Stage } from './stage.ts';
import { openRoot } from './stand-in-root.ts';
import { listenTls, type Connection, type IncomingRequest } from './tls-listener.ts';

export interface StandInOptions extends ScenarioOptions, SetUpOptions {
  /** Upgrades on paths that end in /responses; others are accepted and echo. Default: accept. */
  readonly websocket?: WebSocketPolicy;
  readonly permessageDeflate?: boolean;
  /** Offers HTTP/2 beside HTTP/1.1. Default: true, as the real service. */
  readonly http2?: boolean;
  /** Hosts for `resolveArgs` beside the provider's. Any name is served, listed or not. */
  readonly hosts?: readonly string[];
  /** Headers of every answer to a model call and of the 101. */
  readonly responseHeaders?: RawHeaders;
  /** A root of its own instead of the committed TEST-ONLY one. */
  readonly freshRoot?: boolean;
  readonly port?: number;
}

export interface StandIn {
  readonly port: number;
  /** The root to trust, as a PEM file. */
  readonly caFile: string;
  readonly requests: readonly ReceivedRequest[];
  readonly calls: readonly ReceivedCall[];
  readonly sockets: readonly ReceivedSocket[];
  /** Handshakes that failed, as when the client does not trust the root. */
  readonly tlsErrors: readonly Error[];
  /** What token refreshes were answered with. */
  readonly issuedTokens: readonly Tokens[];
  /** `--resolve` and `--upstream-ca` for tapes. */
  resolveArgs(): string[];
  /** Settles with the first value of `look` that is neither undefined, null nor false; looks again at every change. */
  waitFor<T>(look: (standIn: StandIn) => T | undefined | null | false, timeoutMs?: number): Promise<T>;
  /** Ends all connections, once. Throws what went wrong inside the stand-in, so that no test is green over it. */
  close(): Promise<void>;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const root = openRoot(options.freshRoot === true);
  const stage = new Stage(options, options.responseHeaders ?? []);
  const { log } = stage;
  const issuedTokens: Tokens[] = [];
  const socketServer = openSocketServer({ permessageDeflate: options.permessageDeflate ?? true }, stage);

  const receive = (message: IncomingRequest, connection: Connection, transport: 'https' | 'websocket') => {
    const request = newRequest(message, connection, transport);
    log.requests.push(request);
    log.changed();
    return request;
  };
  const answer = async (exchange: HttpExchange, message: IncomingRequest): Promise<void> => {
    const { request } = exchange;
    try {
      request.bodyBytes = await buffer(message);
    } catch {
      request.aborted = true;
      return;
    }
    request.trailers = pairHeaders(message.rawTrailers);
    if (request.method === 'POST' && isCallPath(request.path)) {
      const call = await readPost(request).catch(() => null);
      if (call === null) return answerPlainly(exchange, { status: 400, body: '{"detail":"undecodable body"}' });
      stage.addCall(call);
      return answerPost(exchange, call, await stage.choose(call), stage);
    }
    return answerPlainly(exchange, plainAnswer(request, options, issuedTokens));
  };

  const listener = await listenTls(
    {
      root,
      http2: options.http2 ?? true,
      port: options.port ?? 0,
      names: ['localhost', '127.0.0.1', ...providerHosts, ...(options.hosts ?? [])],
    },
    {
      onRequest: (message, reply, connection) => {
        const request = receive(message, connection, 'https');
        const exchange = new HttpExchange(request, reply, connection, () => log.changed());
        answer(exchange, message).catch((error: unknown) => {
          stage.faults.push(error);
          exchange.cut();
        });
      },
      onUpgrade: (message, socket, head, connection) => {
        const request = receive(message, connection, 'websocket');
        const policy = isCallPath(request.path) ? (options.websocket ?? 'accept') : 'accept';
        socketServer.handle({ message, socket, head, request, connection }, policy);
      },
      onTlsError: (error) => {
        log.tlsErrors.push(error);
        log.changed();
      },
    },
  );

  const end = async (): Promise<void> => {
    await listener.close();
    root.remove();
    const { faults } = stage;
    if (faults.length > 0) throw new AggregateError(faults, `the stand-in itself failed: ${String(faults[0])}`);
  };
  let ending: Promise<void> | undefined;
  const standIn: StandIn = {
    port: listener.port,
    caFile: root.file,
    requests: log.requests,
    calls: log.calls,
    sockets: log.sockets,
    tlsErrors: log.tlsErrors,
    issuedTokens,
    resolveArgs: () => [
      ...[...providerHosts, ...(options.hosts ?? [])].flatMap((host) => [
        '--resolve',
        `${host}:443:127.0.0.1:${listener.port}`,
      ]),
      '--upstream-ca',
      root.file,
    ],
    waitFor: (look, timeoutMs) => log.waitFor(() => look(standIn), String(look), timeoutMs),
    close: () => (ending ??= end()),
  };
  return standIn;
}

async function answerPlainly(exchange: HttpExchange, plain: PlainAnswer): Promise<void> {
  const body = Buffer.from(plain.body ?? '');
  exchange.sendHead(plain.status, [...(plain.headers ?? []), ['content-length', String(body.length)]]);
  if (exchange.request.method !== 'HEAD') await exchange.write(body);
  exchange.end();
}
