// The stand-in provider: a TLS server on loopback that behaves like chatgpt.com and its neighbours as far as Codex looks,
// answers model calls from a scenario, and keeps everything that it received.
import { decodeBuffer } from 'http-encoding';
import type { RawHeaders } from '../../../src/domain/index.ts';
import { isCallPath, serveProvider, type ReceivedRequest, type Tokens } from '../../../src/provider/index.ts';
import { makeLeaf } from '../certificates.ts';
import { answerPost } from './answer-post.ts';
import { openSocketServer, type WebSocketPolicy } from './answer-socket.ts';
import { plainAnswer, providerHosts, type SetUpOptions } from './plain-answer.ts';
import { unanswered, type ReceivedCall, type ReceivedSocket } from './received.ts';
import type { ScenarioOptions } from './scenario.ts';
import { Stage } from './stage.ts';
import { openRoot } from './stand-in-root.ts';

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

  const names = ['localhost', '127.0.0.1', ...providerHosts, ...(options.hosts ?? [])] as const;
  const listener = await serveProvider({
    http2: options.http2 ?? true,
    port: options.port ?? 0,
    leaf: makeLeaf(root, names),
    leafFor: (servername) => makeLeaf(root, [servername]),
    decode,
    onRequest: (request) => {
      log.requests.push(request);
      log.changed();
    },
    answerCall: async (received, exchange) => {
      const call = unanswered(received);
      stage.addCall(call);
      return answerPost(exchange, call, await stage.choose(call), stage);
    },
    answerOther: (request) => plainAnswer(request, options, issuedTokens),
    answerUpgrade: (upgrade) => {
      const policy = isCallPath(upgrade.request.path) ? (options.websocket ?? 'accept') : 'accept';
      socketServer.handle(upgrade, policy);
    },
    onTlsError: (error) => {
      log.tlsErrors.push(error);
      log.changed();
    },
    onFault: (error) => stage.faults.push(error),
    onChange: () => log.changed(),
  });

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

/** By the reference library, and not by tapes' own decoders: what tapes has recorded is held against it. */
async function decode(bytes: Buffer, encoding: string | null): Promise<Buffer | null> {
  return decodeBuffer(bytes, encoding ?? undefined).catch(() => null);
}
