// How a client reaches the provider by way of a peer: a CONNECT where there is a proxy, and TLS on top.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** The host that all traffic of the benchmarks is for; each peer takes it to the provider on loopback. */
export const host = 'chatgpt.com';
export const callPath = '/backend-api/codex/responses';

export interface Way {
  /** Of the proxy, or of the provider itself. */
  readonly port: number;
  /** Null: straight to the provider. */
  readonly proxy: { readonly authorization: string | null } | null;
  /** Whose certificates the client takes. */
  readonly caFile: string;
}

/** One time for all processes of a machine: the monotonic clock. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const roots = new Map<string, Buffer>();

/** A new TLS connection, with a handshake of its own. Rejects where the way is barred. `protocols`: what is offered as ALPN. */
export async function openTls(way: Way, protocols?: string[]): Promise<TLSSocket> {
  const { caFile } = way;
  const ca = roots.get(caFile) ?? readFileSync(caFile);
  roots.set(caFile, ca);
  const socket = await openTunnel(way, `${host}:443`);
  const secure = connectTls({
    socket,
    servername: host,
    ca,
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
  });
  try {
    await once(secure, 'secureConnect');
  } catch (error) {
    secure.destroy();
    throw error;
  }
  // Whoever uses it sees that it has ended; without a listener the process would end, too.
  secure.on('error', () => undefined);
  // As it does without a tunnel, where Node ends what the other side has ended.
  secure.once('end', () => secure.end());
  return secure;
}

/** A connection to the provider or, by way of a proxy, to `target` (host:port). */
export async function openTunnel({ port, proxy }: Way, target: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: proxy !== null });
  await once(socket, 'connect');
  if (proxy !== null) await passConnect(socket, target, proxy.authorization);
  return socket;
}

async function passConnect(socket: Socket, target: string, authorization: string | null): Promise<void> {
  const field = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${field}\r\n`);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean];
    if (typeof chunk === 'boolean') throw new Error('the proxy hung up on CONNECT');
    head += chunk.toString('latin1');
  }
  if (!/^HTTP\/1\.[01] 200 /.test(head)) throw new Error(`the proxy answers CONNECT with ${head.split('\r\n', 1)[0]}`);
}
