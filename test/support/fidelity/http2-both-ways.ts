// HTTP/2 by Node on both ends, run straight and through an interceptor: what each end saw, line by line. Frames are not compared, what they
// say is: header lists in their order, bodies, trailers, codes.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect as connectHttp2,
  createSecureServer,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { makeLeaf, readTestRoot, testRootFile } from '../certificates.ts';
import { startInterceptor } from '../interceptor.ts';
import type { Way } from './both-ways.ts';
import { host } from './raw-upstream.ts';

export interface Http2Client {
  readonly session: ClientHttp2Session;
  /** Sends a request; `body` null leaves it open. Everything that comes back is taken down. */
  ask(headers: OutgoingHttpHeaders, body?: string | null, options?: { waitForTrailers?: boolean }): ClientHttp2Stream;
  /** Waits until the stream is closed. */
  closed(stream: ClientHttp2Stream): Promise<void>;
}

export interface Http2Scenario {
  readonly name: string;
  client(client: Http2Client): Promise<unknown>;
  upstream(stream: ServerHttp2Stream, session: ServerHttp2Session): unknown;
  /** Where the two ways differ, and how: an exception of docs/fidelity.md. */
  readonly differs?: { readonly direct: string; readonly tapes: string };
}

export interface Http2Observation {
  readonly client: readonly string[];
  readonly upstream: readonly string[];
}

export interface Http2Stage {
  observe(scenario: Http2Scenario, way: Way): Promise<Http2Observation>;
  close(): Promise<void>;
}

export async function openHttp2Stage(): Promise<Http2Stage> {
  let scenario: Http2Scenario | null = null;
  let lines: string[] = [];
  let open: Promise<unknown>[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const leaf = makeLeaf(readTestRoot(), [host]);
  const server = createSecureServer({
    ...leaf,
    maxHeaderListPairs: 10_000,
    settings: { maxHeaderListSize: 1024 * 1024 },
  } as object);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, rawHeaders: string[]) => {
    const told = takeDown(stream, 'request', rawHeaders);
    open.push(told.then((found) => lines.push(...found)));
    scenario?.upstream(stream, stream.session as ServerHttp2Session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tapes = await startInterceptor({
    standIn: { caFile: testRootFile, resolveArgs: () => ['--resolve', `${host}:443:127.0.0.1:${port}`] },
  });
  return {
    async observe(next, way) {
      scenario = next;
      lines = [];
      open = [];
      const socket =
        way === 'tapes'
          ? await tapes.connectTls(host, 443, { ALPNProtocols: ['h2'] })
          : connectTls({
              host: '127.0.0.1',
              port,
              servername: host,
              ca: readFileSync(testRootFile),
              ALPNProtocols: ['h2'],
            });
      const session = connectHttp2(`https://${host}`, {
        createConnection: () => socket,
        maxHeaderListPairs: 10_000,
        settings: { maxHeaderListSize: 1024 * 1024 },
      } as object);
      session.on('error', () => undefined);
      const seen: Promise<string[]>[] = [];
      let goneAway = 'none';
      session.on('goaway', (code) => (goneAway = String(code)));
      try {
        await next.client({
          session,
          ask(headers, body = '', options = {}) {
            const stream = session.request(headers, { endStream: false, ...options });
            seen.push(takeDown(stream, 'response', null));
            if (body !== null) stream.end(body);
            return stream;
          },
          async closed(stream) {
            const patience = AbortSignal.timeout(8_000);
            await new Promise<void>((resolve, reject) => {
              if (stream.destroyed) return resolve();
              stream.once('close', resolve);
              patience.addEventListener('abort', () => reject(new Error('the stream was not closed in 8 s')));
            });
          },
        });
        const client = (await Promise.all(seen)).flat();
        await Promise.all(open);
        return { client: [...client, `goaway ${goneAway}`], upstream: lines.toSorted() };
      } finally {
        session.destroy();
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
