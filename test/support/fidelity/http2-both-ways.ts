// HTTP/2 by Node on both ends, run straight and through an interceptor: what each end saw, line by line, every byte that each end wrote and read,
// and what was told of it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import type { WireEvent } from '../../../src/domain/index.ts';
import { makeLeaf, readTestRoot, testRootFile } from '../certificates.ts';
import { startInterceptor } from '../interceptor.ts';
import type { Way } from './both-ways.ts';
import { logStream, type LoggedStream } from './logged-stream.ts';
import { host } from './raw-upstream.ts';

export interface Http2Client {
  readonly session: ClientHttp2Session;
  /** Sends a request; `body` null leaves it open. Everything that comes back is taken down. */
  ask(headers: OutgoingHttpHeaders, body?: string | null, options?: { waitForTrailers?: boolean }): ClientHttp2Stream;
  /** Waits until the stream is closed. */
  closed(stream: ClientHttp2Stream): Promise<void>;
  /** A client on another connection. */
  another(): Promise<Http2Client>;
}

export interface Http2Scenario {
  readonly name: string;
  client(client: Http2Client): Promise<unknown>;
  upstream(stream: ServerHttp2Stream, session: ServerHttp2Session): unknown;
  readonly clientSettings?: object;
}

/** What one end of a connection wrote and read below HTTP/2. */
export interface PassedBytes {
  readonly sent: Buffer;
  readonly received: Buffer;
  /** This end has closed the connection: what came later was for nobody. */
  readonly isClosed: boolean;
}

export interface Http2Observation {
  readonly client: readonly string[];
  readonly upstream: readonly string[];
  /** Of connections over which something was said, in the order in which they were opened. */
  readonly bytes: { readonly client: readonly PassedBytes[]; readonly upstream: readonly PassedBytes[] };
  /** Wire events of the way through tapes. */
  readonly events: readonly WireEvent[];
}

/** Is what one end read what the other one wrote: all of it, or up to where the reader itself closed the connection? */
export function hasArrived(from: PassedBytes, to: PassedBytes): boolean {
  const isWhole = to.received.length === from.sent.length || to.isClosed;
  return isWhole && from.sent.subarray(0, to.received.length).equals(to.received);
}

export interface Http2Stage {
  observe(scenario: Http2Scenario, way: Way): Promise<Http2Observation>;
  close(): Promise<void>;
}

const limits = { maxHeaderListPairs: 10_000, maxSendHeaderBlockLength: 1024 * 1024 };
const settings = { maxHeaderListSize: 1024 * 1024, enableConnectProtocol: true };

/** `logsBytes` false: for measuring, nothing stands between Node's HTTP/2 and its sockets. */
export async function openHttp2Stage({ logsBytes = true } = {}): Promise<Http2Stage> {
  let scenario: Http2Scenario | null = null;
  let lines: string[] = [];
  let open: Promise<unknown>[] = [];
  let logs: Record<'client' | 'upstream', LoggedStream[]> = { client: [], upstream: [] };
  const log = (end: 'client' | 'upstream', socket: TLSSocket): LoggedStream['stream'] => {
    if (!logsBytes) return socket;
    const logged = logStream(socket);
    logs[end].push(logged);
    return logged.stream;
  };
  const passed = (end: 'client' | 'upstream'): PassedBytes[] =>
    logs[end]
      .map(({ stream, sent, received }) => ({ sent: sent(), received: received(), isClosed: stream.destroyed }))
      // The provider's first handshake may be one that found out what it speaks, and was not used.
      .filter(({ received }) => received.length > 0);
  /** Everything that was written has been read. */
  const settled = async (): Promise<void> => {
    const isSettled = (): boolean => {
      const upstream = passed('upstream');
      return passed('client').every((client, at) => {
        const there = upstream[at];
        return there !== undefined && hasArrived(client, there) && hasArrived(there, client);
      });
    };
    for (const endsAt = performance.now() + 3_000; !isSettled() && performance.now() < endsAt;) await pause(5);
  };

  const sessions = new Set<ServerHttp2Session>();
  const http2 = createHttp2Server({ ...limits, settings } as object);
  http2.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  http2.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, rawHeaders: string[]) => {
    const told = takeDown(stream, 'request', rawHeaders);
    open.push(told.then((found) => lines.push(...found)));
    scenario?.upstream(stream, stream.session as ServerHttp2Session);
  });
  const server = createTlsServer({ ...makeLeaf(readTestRoot(), [host]), ALPNProtocols: ['h2'] }, (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    http2.emit('connection', log('upstream', socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tapes = await startInterceptor({
    standIn: { caFile: testRootFile, resolveArgs: () => ['--resolve', `${host}:443:127.0.0.1:${port}`] },
  });
  const connect = async (way: Way): Promise<TLSSocket> => {
    const ALPNProtocols = ['h2'];
    if (way === 'tapes') return (await tapes.connectTls(host, 443, { ALPNProtocols })).setNoDelay(true);
    const ca = readFileSync(testRootFile);
    const socket = connectTls({ host: '127.0.0.1', port, servername: host, ca, ALPNProtocols });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    return socket;
  };
  return {
    async observe(next, way) {
      scenario = next;
      lines = [];
      open = [];
      logs = { client: [], upstream: [] };
      const eventsBefore = tapes.events.length;
      const clients: Http2Client[] = [];
      const seen: Promise<string[]>[] = [];
      const goneAway: string[] = [];
      const openClient = async (): Promise<Http2Client> => {
        const stream = log('client', await connect(way));
        const session = connectHttp2(`https://${host}`, {
          createConnection: () => stream,
          ...limits,
          settings: { maxHeaderListSize: 1024 * 1024, ...next.clientSettings },
        } as object);
        session.on('error', () => undefined);
        session.on('goaway', (code, lastStreamId) => goneAway.push(`goaway ${code} ${lastStreamId}`));
        const client: Http2Client = {
          session,
          ask(headers, body = '', options = {}) {
            const asked = session.request(headers, { endStream: false, ...options });
            seen.push(takeDown(asked, 'response', null));
            if (body !== null) asked.end(body);
            return asked;
          },
          async closed(asked) {
            const patience = AbortSignal.timeout(8_000);
            await new Promise<void>((resolve, reject) => {
              if (asked.destroyed) return resolve();
              asked.once('close', resolve);
              patience.addEventListener('abort', () => reject(new Error('the stream was not closed in 8 s')));
            });
          },
          another: openClient,
        };
        clients.push(client);
        return client;
      };
      try {
        await next.client(await openClient());
        const client = (await Promise.all(seen)).flat();
        await Promise.all(open);
        await settled();
        return {
          client: [...client, ...goneAway],
          upstream: lines.toSorted(),
          bytes: { client: passed('client'), upstream: passed('upstream') },
          events: tapes.events.slice(eventsBefore),
        };
      } finally {
        for (const { session } of clients) session.destroy();
      }
    },
    async close() {
      await tapes.close();
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** Settles when the stream is closed: what came on it. */
function takeDown(
  stream: ServerHttp2Stream | ClientHttp2Stream,
  what: 'request' | 'response',
  rawHeaders: readonly string[] | null,
): Promise<string[]> {
  const lines: string[] = [];
  const add = (kind: string, raw: readonly string[]): void => {
    for (let at = 0; at < raw.length; at += 2) lines.push(`${kind} ${raw[at]}: ${raw[at + 1]}`);
  };
  if (rawHeaders !== null) add(what, rawHeaders);
  const body: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => body.push(chunk));
  stream.on('error', () => undefined);
  stream.on('continue', () => lines.push('100 continue'));
  stream.on('headers', (_headers: unknown, _flags: unknown, raw: string[]) => add('information', raw));
  stream.on('response', (_headers: unknown, _flags: unknown, raw: string[]) => add('response', withoutDate(raw)));
  stream.on('trailers', (_headers: unknown, _flags: unknown, raw: string[]) => add('trailer', raw));
  let hasEnded = false;
  stream.on('end', () => (hasEnded = true));
  return new Promise((resolve) => {
    stream.on('close', () => {
      const text = Buffer.concat(body).toString('latin1');
      lines.push(
        `body ${text.length > 200 ? `${text.length} bytes` : text}`,
        hasEnded ? 'ended' : 'broken off',
        `code ${stream.rstCode}`,
      );
      resolve(lines);
    });
  });
}

/** Node's server writes one of its own. */
function withoutDate(raw: readonly string[]): string[] {
  return raw.flatMap((name, at) => (at % 2 === 1 || name === 'date' ? [] : [name, raw[at + 1] ?? '']));
}

/** The header lines that the events tell, as `takeDown` has them, and how much of bodies. */
export function tellLines(events: readonly WireEvent[]): string[] {
  const bytes = new Map<string, number>();
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === 'requestStarted') {
      for (const [name, value] of event.request.headers) lines.push(`request ${name}: ${value}`);
    } else if (event.type === 'responseStarted') {
      const { headers } = event.response;
      for (const [name, value] of headers) if (name !== 'date') lines.push(`response ${name}: ${value}`);
    } else if (event.type === 'requestData' || event.type === 'responseData') {
      const side = event.type === 'requestData' ? 'request' : 'response';
      bytes.set(side, (bytes.get(side) ?? 0) + event.data.length);
    }
  }
  return [...lines, ...[...bytes].map(([side, count]) => `${side} of ${count} bytes`)].toSorted();
}

/** The first line that differs, each way; null where none does. */
export function findLine(direct: Http2Observation, tapes: Http2Observation): { direct: string; tapes: string } | null {
  for (const end of ['upstream', 'client'] as const) {
    const [alone, through] = [direct[end], tapes[end]];
    for (let at = 0; at < Math.max(alone.length, through.length); at += 1) {
      if (alone[at] !== through[at]) {
        return { direct: `${end}: ${alone[at] ?? 'nothing'}`, tapes: `${end}: ${through[at] ?? 'nothing'}` };
      }
    }
  }
  return null;
}
