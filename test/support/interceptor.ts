// An interceptor in this process, for tests that look at the wire without an agent and without a database.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { findProfile } from '../../src/agents/index.ts';
import { openRoot, permits } from '../../src/ca/index.ts';
import type { ConnectionEvent, Pace, WireEvent } from '../../src/domain/index.ts';
import { openInterceptor, parseResolve, quietEngine, type UpstreamRoutes } from '../../src/proxy/index.ts';
import type { StandIn } from './chatgpt/index.ts';

export interface TestInterceptor {
  readonly port: number;
  readonly proxyUrl: string;
  readonly caFile: string;
  readonly events: readonly WireEvent[];
  /** Of both sides, where the provider's is asked for. */
  readonly connections: readonly ConnectionEvent[];
  /** What the engine would have written to the console. */
  readonly engineLines: readonly string[];
  waitFor<E extends WireEvent['type']>(type: E, count?: number): Promise<Extract<WireEvent, { type: E }>[]>;
  /** CONNECT through the door; settles with the socket behind a 200, rejects with the status line otherwise. */
  connect(host: string, port: number, options?: { authorization?: string | null }): Promise<Socket>;
  /** The same, and TLS on top of it. */
  connectTls(host: string, port: number, options?: ConnectionOptions): Promise<TLSSocket>;
  close(): Promise<void>;
}

export interface TestInterceptorOptions {
  readonly standIn: Pick<StandIn, 'caFile' | 'resolveArgs'>;
  readonly routes?: Partial<UpstreamRoutes>;
  readonly trustStandIn?: boolean;
  /** Are the provider's side and connections told, too, as a dump wants it? */
  readonly tellsUpstream?: boolean;
  /** Default: those of Codex's model calls are refused, as in every run. */
  readonly refusesUpgrades?: boolean;
  /** Null: everybody is let in. Default: one that is new. */
  readonly password?: null;
  /** Of whoever keeps the events; default: nobody is ever behind. */
  readonly pace?: Pace;
  /** Told of each event at once. */
  readonly onEvent?: (event: WireEvent) => void;
}

export async function startInterceptor({
  standIn,
  routes = {},
  trustStandIn = true,
  tellsUpstream = false,
  refusesUpgrades = true,
  pace,
  onEvent = () => undefined,
  ...password
}: TestInterceptorOptions): Promise<TestInterceptor> {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-interceptor-'));
  const profile = findProfile('codex')!;
  const root = await openRoot(join(folder, 'ca'), profile.certificateDomains);
  const { lines } = quietEngine();
  const events: WireEvent[] = [];
  const connections: ConnectionEvent[] = [];
  const waiting = new Set<() => void>();
  const resolve = standIn
    .resolveArgs()
    .flatMap((argument, at, all) => (argument === '--resolve' ? [parseResolve(all[at + 1]!)] : []));
  const interceptor = await openInterceptor({
    port: 0,
    root,
    ...password,
    interceptHosts: profile.interceptHosts,
    isPermitted: (host) => permits(root.permittedDomains, host),
    isRefusedUpgrade: (path) => refusesUpgrades && profile.isRefusableUpgrade(path),
    readBackendHosts: (path, answer) => profile.readBackendHosts(path, answer),
    routes: { resolve, proxy: null, noProxy: '', ...routes },
    extraRoots: trustStandIn ? [readFileSync(standIn.caFile, 'utf8')] : [],
    sink: {
      push(event) {
        events.push(event);
        onEvent(event);
        for (const look of waiting) look();
      },
      close: async () => undefined,
    },
    ...(pace === undefined ? {} : { pace }),
    tellsUpstream,
    tellConnection: tellsUpstream ? (event) => connections.push(event) : undefined,
  });
  const { failure } = await interceptor.load();
  if (failure !== null) throw new Error(failure);
  const credentials = `Basic ${Buffer.from(`tapes:${interceptor.password}`).toString('base64')}`;
  const connect: TestInterceptor['connect'] = (host, port, { authorization = credentials } = {}) =>
    new Promise((resolve, reject) => {
      const socket = connectTcp({ host: '127.0.0.1', port: interceptor.port, allowHalfOpen: true }, () => {
        const field = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
        socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${field}\r\n`);
      });
      let head = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        socket.off('data', onData);
        socket.pause();
        if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
        const [statusLine = ''] = head.toString('latin1').split('\r\n');
        if (statusLine.includes(' 200 ')) resolve(socket);
        else reject(new Error(statusLine));
      };
      socket.on('data', onData);
      socket.once('error', reject);
    });
  return {
    port: interceptor.port,
    proxyUrl: interceptor.proxyUrl,
    caFile: root.certificateFile,
    events,
    connections,
    engineLines: lines,
    connect,
    waitFor(type, count = 1) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = events.filter((event) => event.type === type);
          if (found.length < count) return;
          waiting.delete(look);
          resolve(found as never);
        };
        waiting.add(look);
        look();
      });
    },
    async connectTls(host, port, options = {}) {
      const socket = await connect(host, port);
      return new Promise((resolve, reject) => {
        const secure = connectTls({ socket, servername: host, ca: root.certificatePem, ...options }, () =>
          resolve(secure),
        );
        secure.once('error', reject);
      });
    },
    async close() {
      await interceptor.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
