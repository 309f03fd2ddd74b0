// The interceptor: door, engine and upstream as one. It listens at once; the engine loads behind it.
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';

import { matchesHost, type Pace, type Sink } from '../domain/index.ts';
import { watchAgentConnections, type TellConnection } from './connections.ts';
import { openDoor } from './door.ts';
import type { Engine } from './engine.ts';
import { learnHosts } from './host-learner.ts';
import { loadEngine, type LoadedEngine } from './load-engine.ts';
import { withoutRepeats, type TlsTap } from './tls-tap.ts';
import type { UpstreamRoutes } from './upstream-route.ts';
import { openUpstream } from './upstream-socket.ts';
import { openUpstreamTls } from './upstream-tls.ts';

export interface InterceptorOptions {
  readonly port: number;
  readonly root: {
    readonly certificatePem: string;
    readonly keyPem: string;
    readonly permittedDomains: readonly string[];
  };
  /** Host names, lower case; the first one exact, the others possibly with `*` for any characters. */
  readonly interceptHosts: readonly string[];
  /** Asked first, of every CONNECT; one that is not admitted is refused. Default: all are admitted. */
  readonly isAdmitted?: (host: string, port: number) => boolean;
  /** Can a host that the provider names be intercepted, too? */
  readonly isPermitted: (host: string) => boolean;
  readonly isRefusedUpgrade: (path: string) => boolean;
  readonly readBackendHosts: (path: string, answer: string) => readonly string[];
  readonly routes: UpstreamRoutes;
  /** PEM certificates trusted upstream besides Node's own. */
  readonly extraRoots: readonly string[];
  readonly sink: Sink<unknown>;
  /** Of whoever keeps what the sink is told: while it is behind, what it is told of is not read on. Absent: nothing is ever held up. */
  readonly pace?: Pace | null;
  /** Told of each connection that wants an intercepted host, by the port that it comes from. */
  readonly onConnection?: (clientPort: number) => void;
  /** What a client must send; null lets everybody on this machine in. Default: one that is new. */
  readonly password?: string | null;
  /** Do events also tell of the provider's side? */
  readonly tellsUpstream?: boolean;
  /** Told of the connections of both sides: when they opened, and how they ended. */
  readonly tellConnection?: TellConnection | undefined;
  /** Where the engine's compiled code is kept for the next run; absent: nowhere. */
  readonly codeFolder?: string;
  /** Told of what passes below TLS, on both sides. */
  readonly tap?: TlsTap | undefined;
}

export interface Interceptor {
  readonly port: number;
  /** With the run's credentials: `http://tapes:…@127.0.0.1:port`. */
  readonly proxyUrl: string;
  /** The secret in `proxyUrl`; empty where everybody is let in. */
  readonly password: string;
  /** Begins to load the engine. Settles when it stands, or has failed for good (then everything is tunnelled). */
  load(): Promise<{ readonly failure: string | null }>;
  /** Hosts named by the provider that the root does not permit. */
  readonly unpermittedHosts: ReadonlySet<string>;
  /** Intercepted hosts that tapes could not connect to, or not trust, and the code of the last failure: the agent was left to meet it. */
  readonly unreachedHosts: ReadonlyMap<string, string>;
  /** Waits until no exchange is open, for `timeoutMs` at the most. What an agent has hung up on is told then. */
  settle(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const settledTurns = 25;

/** 128 random bits, fit for a URL. */
export const makeProxyPassword = (): string => randomBytes(16).toString('hex');

export const proxyUrlOf = (port: number, password: string | null): string =>
  `http://${password === null ? '' : `tapes:${password}@`}127.0.0.1:${port}`;

/** Opens the door. Throws `E_PORT_IN_USE`, `E_PORT_INVALID`. */
export async function openInterceptor(options: InterceptorOptions): Promise<Interceptor> {
  const { password = makeProxyPassword() } = options;
  const hosts = new Set(options.interceptHosts);
  const globs = options.interceptHosts.filter((host) => host.includes('*'));
  const unpermittedHosts = new Set<string>();
  const unreachedHosts = new Map<string, string>();
  const sink = learnHosts(options.sink, options.readBackendHosts, (host) => {
    if (options.isPermitted(host)) hosts.add(host);
    else unpermittedHosts.add(host);
  });
  const tap = options.tap === undefined ? undefined : withoutRepeats(options.tap);
  const connections = options.tellConnection === undefined ? null : watchAgentConnections(options.tellConnection);
  const upstreamTls = openUpstreamTls({ ...options, tap });
  let resolveEngine: (engine: Engine | null) => void = () => undefined;
  const engine = new Promise<Engine | null>((resolve) => (resolveEngine = resolve));
  let loaded: LoadedEngine | null = null;
  let loading: Promise<{ failure: string | null }> | null = null;

  // Connections that have asked for the engine.
  let asked = 0;
  let isClosed = false;
  const door = await openDoor({
    port: options.port,
    authorization: password === null ? null : `Basic ${Buffer.from(`tapes:${password}`).toString('base64')}`,
    isAdmitted: options.isAdmitted ?? (() => true),
    isIntercepted: (host) => hosts.has(host) || globs.some((glob) => matchesHost(glob, host)),
    async intercept(socket, host, port, openedAt) {
      asked += 1;
      connections?.open(socket, { host, port }, openedAt);
      if (socket.remotePort !== undefined) options.onConnection?.(socket.remotePort);
      const [standing, failure] = await Promise.all([engine, upstreamTls.learnAlpn(host, port)]);
      // A provider that cannot be reached, or not be trusted, is the agent's to meet: it sees the very failure that it would see alone.
      if (failure !== null) unreachedHosts.set(host, failure);
      if (standing === null || failure !== null) return false;
      standing.accept(socket, host, port);
      return true;
    },
    openUpstream: (host, port) => openUpstream(options, host, port),
    sink,
  });

  const load = async (): Promise<{ failure: string | null }> => {
    try {
      loaded = await loadEngine(options.codeFolder ?? null);
      const standing = await loaded.startEngine({
        ...options.root,
        defaultHost: options.interceptHosts[0] ?? 'localhost',
        connect: upstreamTls.connect,
        isRefusedUpgrade: options.isRefusedUpgrade,
        alpnOf: (host, port) => upstreamTls.alpnOf(host, port),
        sink,
        pace: options.pace ?? null,
        tellsUpstream: options.tellsUpstream ?? false,
        tap,
        onSecure: connections?.secure,
      });
      resolveEngine(standing);
      if (asked === 0 && !isClosed) await standing.warmUp();
      return { failure: null };
    } catch (error) {
      resolveEngine(null);
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  };

  return {
    port: door.port,
    proxyUrl: proxyUrlOf(door.port, password),
    password: password ?? '',
    unpermittedHosts,
    unreachedHosts,
    load: () => (loading ??= load()),
    async settle(timeoutMs) {
      if (asked === 0) return;
      const standing = await engine;
      const deadline = performance.now() + timeoutMs;
      // The engine tells of an end some turns of the event loop after the bytes that it follows from have been there to read.
      for (let quiet = 0; quiet < settledTurns && performance.now() < deadline;) {
        const isQuiet = (standing?.openExchanges() ?? 0) === 0;
        quiet = isQuiet ? quiet + 1 : 0;
        await (isQuiet ? nextTurn() : wait(5));
      }
      standing?.tellHungUp();
    },
    async close() {
      isClosed = true;
      resolveEngine(null);
      await door.close();
      upstreamTls.close();
      loaded?.keepCode(asked > 0);
    },
  };
}
