// HTTP of an intercepted host, 1.1 and 2, carried byte for byte between two TLS connections: what the agent wrote is what the provider gets, and
// what it answers is what the agent gets, ends and resets among it. mockttp would parse and write everything anew (docs/discoveries/mockttp.md:
// paths, bytes above 127, pipelined requests, trailers, GOAWAY), and hold a WebSocket's messages in memory whole. Only the answer to an upgrade that is
// refused is its own.
import type { TLSSocket } from 'node:tls';

import { newId, type Pace, type Stamp, type UpstreamLeg, type WireFailure } from '../domain/index.ts';
import { stamp } from './connections.ts';
import type { Emit } from './emit.ts';
import { requestHeadOf, tellHttp1 } from './http1-exchanges.ts';
import { readRequests } from './http1-messages.ts';
import { tellHttp2 } from './http2/exchanges.ts';
import { clientOf, destroyOnceWritten, reset } from './layered-sockets.ts';
import { isRefusedHead, refusal } from './refused-upgrade.ts';
import type { ProviderSide, RelayedConnection, RelayedExchanges } from './relayed-exchanges.ts';
import type { ConnectProvider, ProviderTarget } from './upstream-tls.ts';
import { Valve } from './valve.ts';

export interface RelayOptions {
  readonly connect: ConnectProvider;
  readonly emit: Emit;
  /** Upgrades of these paths are refused. */
  readonly isRefusedUpgrade: (path: string) => boolean;
  /** Reads the ends of the connection to the provider; null: nobody asks. */
  readonly endsOf: ((upstream: TLSSocket) => Pick<UpstreamLeg, 'local' | 'remote' | 'phases'> | null) | null;
  /** Of whoever keeps what passes; null: nobody does. */
  readonly pace: Pace | null;
}

export type HttpVersion = '1.1' | '2';

export interface Relay {
  /** Carries what is decrypted of the agent's connection to `host:port`. */
  carry(agent: TLSSocket, version: HttpVersion, host: string, port: number): void;
  openExchanges(): number;
  /** What agents have hung up on and providers have not broken off yet is told. */
  tellHungUp(): void;
}

const maxHeldBytes = 1024 * 1024;
/** An agent that has ended its half has mostly hung up: with nothing coming for this long, that is what is told. */
const hangUpMs = 2_000;
/** And then nobody is there any more: Linux, too, forgets a connection that was closed by one side after this long. */
const lingerMs = 60_000;

export function openRelay(options: RelayOptions): Relay {
  const connections = new Set<RelayedExchanges>();
  return {
    carry(agent, version, host, port) {
      carry(agent, version, host, port, options, connections);
    },
    tellHungUp() {
      for (const exchanges of connections) exchanges.tellHungUp();
    },
    openExchanges: () =>
      [...connections].reduce((sum, { openExchanges, isBusy }) => sum + openExchanges() + (isBusy() ? 1 : 0), 0),
  };
}

function carry(
  agent: TLSSocket,
  version: HttpVersion,
  host: string,
  port: number,
  { connect, emit, isRefusedUpgrade, endsOf, pace }: RelayOptions,
  connections: Set<RelayedExchanges>,
): void {
  let upstream: TLSSocket | null = null;
  const fromAgent = new Valve(agent, pace);
  let fromUpstream: Valve | null = null;
  /** Of a request that may ask for an upgrade that is refused: nothing of it is passed on before that is known. */
  let held: Buffer = Buffer.alloc(0);
  let isOver = false;
  let linger: NodeJS.Timeout | undefined;
  /** When there was a connection to write to. */
  let securedAt: Stamp | null = null;
  const ends = (): ProviderSide => ({
    ...((upstream === null ? null : endsOf?.(upstream)) ?? { local: null, remote: null }),
    securedAt,
  });
  const tell = version === '2' ? tellHttp2 : tellHttp1;
  const connection: RelayedConnection = { host, port, client: clientOf(agent) };
  const exchanges = tell(connection, emit, endsOf === null ? null : ends);
  connections.add(exchanges);

  const over = (): void => {
    isOver = true;
    clearTimeout(linger);
    forget();
  };
  const forget = (): void => {
    // What passed last may still be told.
    if (exchanges.isBusy()) setTimeout(forget, 5).unref();
    else connections.delete(exchanges);
  };
  /** Both halves of both sides have ended. */
  const closed = (): void => {
    over();
    for (const socket of [agent, upstream]) if (socket !== null) destroyOnceWritten(socket);
  };
  const failed = (by: 'agent' | 'upstream', error: WireFailure | null, isReset: boolean): void => {
    if (isOver) return;
    over();
    exchanges.abort(by, error);
    const other = by === 'agent' ? upstream : agent;
    if (isReset && other !== null) reset(other);
    else other?.destroy();
    (by === 'agent' ? agent : upstream)?.destroy();
  };
  const lingerOn = (): void => {
    clearTimeout(linger);
    linger = setTimeout(() => {
      exchanges.abort('agent', null);
      linger = setTimeout(() => failed('agent', null, false), lingerMs).unref();
    }, hangUpMs).unref();
  };
  const open = (): TLSSocket => {
    const target: ProviderTarget = {
      host,
      port,
      ...(agent.servername ? { servername: agent.servername } : {}),
      ...(agent.alpnProtocol ? { ALPNProtocols: [version === '2' ? 'h2' : 'http/1.1'] } : {}),
    };
    const socket = connect(target, () => {
      securedAt = stamp();
      // It spoke HTTP/2 when it was asked before, and now does not: the agent's next connection finds out anew.
      if (target.ALPNProtocols?.[0] === 'h2' && socket.alpnProtocol !== 'h2') socket.destroy(noHttp2());
    });
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    const valve = new Valve(socket, pace);
    fromUpstream = valve;
    socket.on('data', (bytes: Buffer) => {
      if (isOver) return;
      const goesOn = agent.write(bytes);
      exchanges.received(bytes);
      if (linger !== undefined) lingerOn();
      valve.passed(goesOn);
    });
    socket.on('drain', () => fromAgent.drained());
    socket.on('end', () => {
      if (isOver) return;
      exchanges.receivedEnd();
      if (!exchanges.isIdle()) {
        exchanges.abort('upstream', {
          code: 'ECONNRESET',
          message: 'the provider ended the connection before its answer',
        });
      }
      agent.end();
      if (agent.readableEnded) closed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      failed('upstream', { code: error.code ?? 'E_UPSTREAM', message: error.message }, true),
    );
    socket.on('close', () => {
      if (isOver) return;
      // It ended as it should: the agent has been told, and may still be writing to nobody.
      if (socket.readableEnded) return agent.destroyed ? over() : fromAgent.drained();
      failed('upstream', { code: 'ECONNRESET', message: 'the connection to the provider was closed' }, true);
    });
    return socket;
  };
  const pass = (bytes: Buffer): void => {
    upstream ??= open();
    const goesOn = upstream.destroyed || upstream.write(bytes);
    exchanges.sent(bytes);
    fromAgent.passed(goesOn);
  };
  /** False: it is no request that could be told. */
  const refuse = (head: Buffer): boolean => {
    const [event] = readRequests().push(head);
    if (event?.type !== 'head') return false;
    over();
    const { status, bytes } = refusal;
    const request = { ...requestHeadOf(event.head, connection), scheme: 'wss' } as const;
    emit({ type: 'upgradeRefused', exchangeId: newId(), request, status });
    agent.end(bytes);
    // What the agent has still to say is read, and goes nowhere: unread, it would reset the connection before the answer is there.
    setTimeout(() => agent.destroy(), hangUpMs).unref();
    upstream?.end();
    if (upstream !== null) destroyOnceWritten(upstream);
    return true;
  };
  const onData = (bytes: Buffer): void => {
    if (isOver) return;
    if (version === '2' || (held.length === 0 && (!exchanges.isIdle() || !mayUpgrade(bytes)))) return pass(bytes);
    held = Buffer.concat([held, bytes]);
    const end = held.indexOf('\r\n\r\n');
    if (end === -1 && mayUpgrade(held) && held.length <= maxHeldBytes) return;
    const isRefused = end !== -1 && isRefusedHead(held.toString('latin1', 0, end), isRefusedUpgrade);
    if (isRefused && refuse(held.subarray(0, end + 4))) return;
    const whole = held;
    held = Buffer.alloc(0);
    pass(whole);
  };
  const onEnd = (): void => {
    if (isOver) return;
    if (held.length > 0) pass(held);
    held = Buffer.alloc(0);
    exchanges.sentEnd();
    if (upstream === null) {
      agent.end();
      return over();
    }
    upstream.end();
    if (upstream.readableEnded) closed();
    else lingerOn();
  };
  const onDrain = (): void => fromUpstream?.drained();
  const onError = (error: NodeJS.ErrnoException): void => failed('agent', null, error.code === 'ECONNRESET');
  const onClose = (): void => {
    if (agent.readableEnded && upstream?.readableEnded !== false) return over();
    failed('agent', null, false);
  };
  agent.allowHalfOpen = true;
  agent.on('data', onData).on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose);
  // Over HTTP/2 the provider may speak first.
  if (version === '2') upstream = open();
}

const noHttp2 = (): Error =>
  Object.assign(new Error('the provider no longer speaks HTTP/2'), { code: 'ERR_TLS_ALPN_MISMATCH' });

/** Can these first bytes still become a request that asks for an upgrade (RFC 6455 section 4.1: a GET)? */
function mayUpgrade(bytes: Buffer): boolean {
  return 'GET '.startsWith(bytes.toString('latin1', 0, 4));
}
