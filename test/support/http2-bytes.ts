// Node's own HTTP/2 talking to itself in memory: the bytes of both sides, for tests of what reads such bytes.
import {
  createServer,
  connect,
  type ClientHttp2Session,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Duplex } from 'node:stream';

export interface Saying {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer;
  readonly trailers?: OutgoingHttpHeaders;
}

export interface SaidOverHttp2 {
  readonly agent: Buffer;
  readonly provider: Buffer;
  /** The pieces of both, in the order in which they passed. */
  readonly talk: readonly { readonly from: 'agent' | 'provider'; readonly bytes: Buffer }[];
  /** The header lists that the other side's decoder found, in the order in which they came. */
  readonly seen: readonly (readonly (readonly [string, string])[])[];
}

export interface SayingOptions {
  readonly clientSettings?: object;
  readonly serverSettings?: object;
  /** Answers a request. Default: 200 and two letters. */
  readonly answer?: (stream: ServerHttp2Stream) => void;
  /** Called once there is a connection. */
  readonly during?: (session: ClientHttp2Session) => Promise<void>;
}

/** Says one thing after the other on one connection, and waits for each answer. */
export async function sayOverHttp2(sayings: readonly Saying[], options: SayingOptions = {}): Promise<SaidOverHttp2> {
  const { answer = (stream) => (stream.respond({ ':status': 200 }), stream.end('ok')) } = options;
  const talk: { from: 'agent' | 'provider'; bytes: Buffer }[] = [];
  const seen: (readonly (readonly [string, string])[])[] = [];
  const [near, far] = duplexPair((from, bytes) => talk.push({ from, bytes }));
  const limits = { maxHeaderListPairs: 10_000, maxSendHeaderBlockLength: 4 * 1024 * 1024 };
  const server = createServer({
    ...limits,
    settings: { maxHeaderListSize: 4 * 1024 * 1024, ...options.serverSettings },
  } as object);
  server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) => {
    seen.push(raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : [])));
    stream.resume();
    stream.on('error', () => undefined);
    answer(stream);
  });
  server.emit('connection', far);
  const session = connect('http://example.com', {
    createConnection: () => near,
    ...limits,
    settings: { enablePush: false, ...options.clientSettings },
  } as object);
  for (const { headers = {}, body, trailers } of sayings) {
    await new Promise<void>((resolve, reject) => {
      const asked = { ':method': body === undefined ? 'GET' : 'POST', ':path': '/', ...headers };
      const stream = session.request(asked, { endStream: false, waitForTrailers: trailers !== undefined });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
      stream.end(body);
      stream.resume();
      stream.once('error', reject);
      stream.once('close', resolve);
    });
  }
  await options.during?.(session);
  session.destroy();
  const all = (side: string): Buffer =>
    Buffer.concat(talk.flatMap(({ from, bytes }) => (from === side ? [bytes] : [])));
  return { agent: all('agent'), provider: all('provider'), talk, seen };
}

function duplexPair(tell: (from: 'agent' | 'provider', bytes: Buffer) => void): [Duplex, Duplex] {
  const pair: Duplex[] = [];
  const end = (from: 'agent' | 'provider', other: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        tell(from, Buffer.from(chunk));
        // Not within the write: that is how a network is, too.
        setImmediate(() => {
          pair[other]!.push(chunk);
          done();
        });
      },
    });
  pair.push(end('agent', 1), end('provider', 0));
  return [pair[0]!, pair[1]!];
}
