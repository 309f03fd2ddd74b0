// Connections through the user's own proxy: by CONNECT (HTTP, HTTPS) or SOCKS 5. What the proxy sends behind its answer stays in the socket.
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';

import { formatAuthority } from './connect-request.ts';
import { connectRequest, greeting, login, readChoice, readConnected, readLogin, type SocksReply } from './socks5.ts';
import { contextTrusting } from './upstream-context.ts';
import type { UpstreamProxy } from './upstream-proxy.ts';

type HttpProxy = Extract<UpstreamProxy, { authorization: string | null }>;
type SocksProxy = Extract<UpstreamProxy, { scheme: 'socks5' }>;

/** How long a proxy may take for its answers; it connects in this time, too. */
const answerTimeoutMs = 60_000;
const maxAnswerBytes = 64 * 1024;

/**
 * A connection to `host:port`, connected. Rejects as the connection to the proxy does (ECONNREFUSED …), as a SOCKS proxy says a direct one would
 * have, or with `E_UPSTREAM_PROXY`. `proxyRoots`: PEM certificates that an HTTPS proxy's may chain to besides Node's own.
 */
export async function openThroughProxy(
  proxy: UpstreamProxy,
  host: string,
  port: number,
  proxyRoots: readonly string[],
): Promise<Socket> {
  const socket = await openProxy(proxy, proxyRoots);
  const timer = setTimeout(() => {
    socket.destroy(failure(`the upstream proxy ${nameOf(proxy)} did not answer in time`, 'ETIMEDOUT'));
  }, answerTimeoutMs);
  try {
    if (proxy.scheme === 'socks5') await askSocks(socket, proxy, host, port);
    else await askConnect(socket, proxy, host, port);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function openProxy({ scheme, host, port }: UpstreamProxy, roots: readonly string[]): Promise<Socket> {
  const place = { host, port, noDelay: true, allowHalfOpen: true };
  if (scheme !== 'https') return connected(connect(place), 'connect');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connected(connectTls({ ...place, ...servername, secureContext: contextOf(roots) }), 'secureConnect');
}

const contexts = new WeakMap<readonly string[], SecureContext>();

/** Roots are parsed once. */
function contextOf(roots: readonly string[]): SecureContext {
  let context = contexts.get(roots);
  if (context === undefined) {
    context = contextTrusting(roots, {});
    contexts.set(roots, context);
  }
  return context;
}

export function connected<S extends Socket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function askConnect(socket: Socket, proxy: HttpProxy, host: string, port: number): Promise<void> {
  const authority = formatAuthority(host, port);
  const authorization = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  const status = await readReply(socket, proxy, readConnectAnswer);
  if (status < 200 || status > 299)
    throw failure(`the upstream proxy ${nameOf(proxy)} answered ${status} for ${authority}`);
}

/** The status of an answer to CONNECT. */
function readConnectAnswer(bytes: Buffer): SocksReply<number> {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1', 0, end));
  return status === null
    ? { problem: 'did not answer CONNECT with HTTP' }
    : { bytes: end + 4, value: Number(status[1]) };
}

async function askSocks(socket: Socket, proxy: SocksProxy, host: string, port: number): Promise<void> {
  const { credentials } = proxy;
  const name = nameOf(proxy);
  // Resolved before the proxy is asked for anything: a name that does not exist fails as it does without a proxy.
  const address = proxy.resolves === 'tapes' && isIP(host) === 0 ? (await lookup(host)).address : host;
  const request = connectRequest(address, port);
  if (request === null) throw failure(`the name ${host.slice(0, 40)}… is too long for the upstream proxy ${name}`);
  socket.write(greeting(credentials));
  const choice = await readReply(socket, proxy, (bytes) => readChoice(bytes, credentials !== null));
  if (choice.wantsLogin && credentials !== null) {
    const message = login(credentials);
    if (message === null) throw failure(`username or password is too long for the upstream proxy ${name}`);
    socket.write(message);
    await readReply(socket, proxy, readLogin);
  }
  socket.write(request);
  const refusal = await readReply(socket, proxy, readConnected);
  if (refusal === null) return;
  throw failure(`the upstream proxy ${name} ${refusal.reason}: ${formatAuthority(host, port)}`, refusal.code);
}

const nameOf = ({ host, port }: UpstreamProxy): string => formatAuthority(host, port);

const failure = (message: string, code = 'E_UPSTREAM_PROXY'): Error => Object.assign(new Error(message), { code });

/** Reads until `read` finds a reply; bytes behind it are put back. */
function readReply<T>(socket: Socket, proxy: UpstreamProxy, read: (bytes: Buffer) => SocksReply<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const stop = (): void => {
      socket.off('readable', onReadable);
      socket.off('error', onError);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
    };
    const fail = (what: string): void => onError(failure(`the upstream proxy ${nameOf(proxy)} ${what}`));
    const onError = (error: Error): void => {
      stop();
      reject(error);
    };
    const onEnd = (): void => fail('hung up before it had answered');
    const onReadable = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;) {
        bytes = Buffer.concat([bytes, chunk]);
        const reply = read(bytes);
        if (reply === null && bytes.length > maxAnswerBytes) return fail('sent an endless answer');
        if (reply === null) continue;
        if ('problem' in reply) return fail(reply.problem);
        stop();
        if (bytes.length > reply.bytes) socket.unshift(bytes.subarray(reply.bytes));
        return resolve(reply.value);
      }
    };
    socket.on('readable', onReadable);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
  });
}
