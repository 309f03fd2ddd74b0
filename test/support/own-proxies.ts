// Proxies as a user may have one on the way to the provider: HTTP, HTTPS and SOCKS 5, each wanting a login. Whatever host is asked for, they connect to
// one port on loopback, and keep what was asked.
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeLeaf, type Root } from './certificates.ts';

export interface OwnProxy {
  readonly port: number;
  /** `host:port` of each connection that was let through. */
  readonly connects: readonly string[];
  /** How often somebody was turned away for the login. */
  readonly refusals: () => number;
  close(): Promise<void>;
}

export interface OwnProxyOptions {
  readonly username: string;
  readonly password: string;
  /** Where every connection leads. */
  readonly targetPort: number;
  /** Sent behind the answer, in the same segment: as where the host speaks first. */
  readonly banner?: string;
  /** SOCKS: what CONNECT is answered with instead of success. */
  readonly reply?: number;
}

/** An HTTP proxy, over TLS where a root is given to sign its certificate for `localhost`. */
export async function startHttpProxy(options: OwnProxyOptions, root?: Root): Promise<OwnProxy> {
  const { username, password, targetPort, banner = '' } = options;
  const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = root === undefined ? createHttpServer() : createHttpsServer(makeLeaf(root, ['localhost']));
  const kept = keepOpen(server);
  const connects: string[] = [];
  let refusals = 0;
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    if (request.headers['proxy-authorization'] !== wanted) {
      refusals += 1;
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    connects.push(request.url ?? '');
    relay(client, targetPort, `HTTP/1.1 200 OK\r\nvia: a-proxy\r\n\r\n${banner}`, kept);
  });
  return listen(server, { connects, refusals: () => refusals }, kept);
}

export async function startSocksProxy(options: OwnProxyOptions): Promise<OwnProxy> {
  const { username, password, targetPort, banner = '', reply = 0 } = options;
  const connects: string[] = [];
  let refusals = 0;
  const serve = async (client: Socket): Promise<void> => {
    const read = byteReader(client);
    const [, methodCount = 0] = await read(2);
    await read(methodCount);
    client.write(Buffer.from([5, 2]));
    await read(1);
    const given = [await read((await read(1))[0]!), await read((await read(1))[0]!)].map(String);
    if (given[0] !== username || given[1] !== password) {
      refusals += 1;
      client.end(Buffer.from([1, 1]));
      return;
    }
    client.write(Buffer.from([1, 0]));
    const kind = (await read(4))[3];
    const host = kind === 3 ? String(await read((await read(1))[0]!)) : readAddress(await read(kind === 1 ? 4 : 16));
    connects.push(`${host}:${(await read(2)).readUInt16BE()}`);
    const answer = Buffer.from([5, reply, 0, 1, 127, 0, 0, 1, 0, 0]);
    if (reply !== 0) client.end(answer);
    else relay(client, targetPort, Buffer.concat([answer, Buffer.from(banner)]), kept);
  };
  const server = createServer((client) => void serve(client).catch(() => client.destroy()));
  const kept = keepOpen(server);
  return listen(server, { connects, refusals: () => refusals }, kept);
}

const readAddress = (bytes: Buffer): string =>
  bytes.length === 4 ? bytes.join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');

/** Reads exactly as many bytes as are asked for. */
function byteReader(socket: Socket): (count: number) => Promise<Buffer> {
  return async (count) => {
    if (count === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes !== null) return bytes;
      await once(socket, 'readable');
    }
  };
}

function relay(client: Duplex, port: number, opening: string | Buffer, kept: Set<Duplex>): void {
  const upstream = connect(port, '127.0.0.1', () => {
    client.write(opening);
    upstream.pipe(client).pipe(upstream);
  });
  kept.add(upstream);
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
  client.on('close', () => upstream.destroy());
}

function keepOpen(server: Server): Set<Duplex> {
  const kept = new Set<Duplex>();
  server.on('connection', (socket: Socket) => {
    kept.add(socket);
    socket.on('error', () => undefined);
  });
  return kept;
}

async function listen(
  server: Server,
  facts: Pick<OwnProxy, 'connects' | 'refusals'>,
  kept: ReadonlySet<Duplex>,
): Promise<OwnProxy> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...facts,
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of kept) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
