// HTTP/1.1 of an intercepted host, carried byte for byte between two TLS connections: what the agent wrote is what the provider gets, and
// what it answers is what the agent gets, ends and resets among it. mockttp would parse and write everything anew (docs/discoveries/mockttp.md:
// paths, bytes above 127, pipelined requests, the 1,000th header). Only WebSockets are mockttp's, once the provider has accepted one: what it
// answers to an upgrade that it refuses is carried, and told, as any other answer.
import tls, { type TLSSocket } from 'node:tls';

import type { Stamp, UpstreamLeg, WireFailure } from '../domain/index.ts';
import { noteAsked, stamp } from './connections.ts';
import type { Emit } from './engine-sockets.ts';
import { clientOf, destroyOnceWritten, reset } from './layered-sockets.ts';
import { tellHttp1, type Http1Exchanges, type ProviderSide } from './http1-exchanges.ts';
import { judgeUpgradeAnswer, readUpgrade, type UpgradeRequest } from './upgrade-request.ts';
import type { UpgradedSockets } from './upgraded-sockets.ts';

export interface RelayOptions {
  readonly emit: Emit;
  /** Gives the connection, with what came on it put back, to the engine. */
  readonly handOver: (agent: TLSSocket) => void;
  /** Reads the ends of the connection to the provider; null: nobody asks. */
  readonly endsOf: ((upstream: TLSSocket) => Pick<UpstreamLeg, 'local' | 'remote' | 'phases'> | null) | null;
  /** Upgrades of these paths are the engine's to refuse. */
  readonly isRefusedUpgrade: (path: string) => boolean;
  /** Takes connections on which the provider has accepted an upgrade. */
  readonly upgraded: UpgradedSockets;
}

/** An upgrade that was asked for, and whose answer has not told yet what it is. */
interface Asked {
  readonly request: UpgradeRequest;
  readonly head: Buffer;
  /** By performance.now(). */
  readonly at: number;
  answer: Buffer;
}

export interface Http1Relay {
  /** Carries what is decrypted of the agent's connection to `host:port`. */
  carry(agent: TLSSocket, host: string, port: number): void;
  openExchanges(): number;
}

/** As a method: each takes what its event gives. */
type Listener = { hear(...given: unknown[]): void }['hear'];
type Listeners = readonly (readonly [event: string, listener: Listener])[];

const maxHeldBytes = 1024 * 1024;
/** An agent that has ended its half has mostly hung up: with nothing coming for this long, that is what is told. */
const hangUpMs = 2_000;
/** And then nobody is there any more: Linux, too, forgets a connection that was closed by one side after this long. */
const lingerMs = 60_000;

export function relayHttp1(options: RelayOptions): Http1Relay {
  const connections = new Set<Http1Exchanges>();
  return {
    carry(agent, host, port) {
      carry(agent, host, port, options, connections);
    },
    openExchanges: () => [...connections].reduce((sum, { openExchanges }) => sum + openExchanges(), 0),
  };
}

function carry(
  agent: TLSSocket,
  host: string,
  port: number,
  { emit, handOver, endsOf, isRefusedUpgrade, upgraded }: RelayOptions,
  connections: Set<Http1Exchanges>,
): void {
  let upstream: TLSSocket | null = null;
  /** Of a request that may ask for an upgrade: nothing of it is passed on before that is known. */
  let held: Buffer = Buffer.alloc(0);
  let asked: Asked | null = null;
  let upstreamHears: Listeners = [];
  let isOver = false;
  let linger: NodeJS.Timeout | undefined;
  /** When there was a connection to write to. */
  let securedAt: Stamp | null = null;
  const ends = (): ProviderSide => ({
    ...((upstream === null ? null : endsOf?.(upstream)) ?? { local: null, remote: null }),
    securedAt,
  });
  const exchanges = tellHttp1({ host, port, client: clientOf(agent) }, emit, endsOf === null ? null : ends);
  connections.add(exchanges);

  const over = (): void => {
    isOver = true;
    clearTimeout(linger);
    connections.delete(exchanges);
  };
  /** Both halves of both sides have ended. */
  const closed = (): void => {
    over();
    for (const socket of [agent, upstream]) if (socket !== null) destroyOnceWritten(socket);
  };
  const failed = (by: 'agent' | 'upstream', error: WireFailure | null, isReset: boolean): void => {
    if (isOver) return;
    tellAsked();
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
  const upstreamListeners = (socket: TLSSocket): Listeners => {
    upstreamHears = [
      [
        'data',
        (bytes: Buffer) => {
          if (isOver) return;
          if (asked !== null) return hearAnswer(asked, bytes);
          const goesOn = agent.write(bytes);
          exchanges.received(bytes);
          if (linger !== undefined) lingerOn();
          if (!goesOn) socket.pause();
        },
      ],
      ['drain', () => agent.resume()],
      [
        'end',
        () => {
          if (isOver) return;
          tellAsked();
          exchanges.receivedEnd();
          if (!exchanges.isIdle()) {
            exchanges.abort('upstream', {
              code: 'ECONNRESET',
              message: 'the provider ended the connection before its answer',
            });
          }
          agent.end();
          if (agent.readableEnded) closed();
        },
      ],
      [
        'error',
        (error: NodeJS.ErrnoException) =>
          failed('upstream', { code: error.code ?? 'E_UPSTREAM', message: error.message }, true),
      ],
      [
        'close',
        () => {
          if (isOver) return;
          // It ended as it should: the agent has been told, and may still be writing to nobody.
          if (socket.readableEnded) return void (agent.destroyed ? over() : agent.resume());
          failed('upstream', { code: 'ECONNRESET', message: 'the connection to the provider was closed' }, true);
        },
      ],
    ];
    return upstreamHears;
  };
  const open = (): TLSSocket => {
    const target = {
      host,
      port,
      ...(agent.servername ? { servername: agent.servername } : {}),
      ...(agent.alpnProtocol ? { ALPNProtocols: ['http/1.1'] } : {}),
    };
    const socket = tls.connect(target, () => (securedAt = stamp()));
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    for (const [event, listener] of upstreamListeners(socket)) socket.on(event, listener);
    return socket;
  };
  const pass = (bytes: Buffer): void => {
    upstream ??= open();
    const goesOn = upstream.destroyed || upstream.write(bytes);
    exchanges.sent(bytes);
    if (!goesOn) agent.pause();
  };
  const ask = (request: UpgradeRequest, whole: Buffer, end: number): void => {
    const head = whole.subarray(0, end);
    asked = { request, head, at: performance.now(), answer: Buffer.alloc(0) };
    held = whole.subarray(end);
    upstream ??= open();
    upstream.write(head);
  };
  /** It is no WebSocket, whatever becomes of it: told, and carried, as any exchange. */
  const tellAsked = (): void => {
    if (asked === null) return;
    const { head, at, answer } = asked;
    const waiting = held;
    asked = null;
    held = Buffer.alloc(0);
    exchanges.sent(head, at);
    if (answer.length > 0) {
      agent.write(answer);
      exchanges.received(answer);
    }
    if (waiting.length > 0) onData(waiting);
    agent.resume();
  };
  const hearAnswer = (waiting: Asked, bytes: Buffer): void => {
    waiting.answer = Buffer.concat([waiting.answer, bytes]);
    const { verdict, provisionalBytes } = judgeUpgradeAnswer(waiting.answer);
    if (provisionalBytes > 0) agent.write(waiting.answer.subarray(0, provisionalBytes));
    waiting.answer = waiting.answer.subarray(provisionalBytes);
    if (verdict === 'accepted') giveUpgraded(waiting);
    else if (verdict === 'other' || waiting.answer.length > maxHeldBytes) tellAsked();
  };
  const giveUpgraded = ({ request, head, at, answer }: Asked): void => {
    const socket = upstream!;
    for (const [event, listener] of upstreamHears) socket.off(event, listener);
    socket.on('error', () => undefined);
    socket.pause();
    socket.allowHalfOpen = false;
    noteAsked(socket, stamp(at));
    upgraded.park(request.headers, socket, answer, () => agent.destroy());
    held = Buffer.concat([head, held]);
    giveAway();
  };
  const giveAway = (): void => {
    over();
    for (const [event, listener] of listeners) agent.off(event, listener);
    // A stream that flows gives what is put back at once, to nobody.
    agent.pause();
    agent.unshift(held);
    handOver(agent);
    agent.resume();
  };
  const onData = (bytes: Buffer): void => {
    if (asked !== null) {
      held = Buffer.concat([held, bytes]);
      if (held.length > maxHeldBytes) agent.pause();
      return;
    }
    if (held.length === 0 && (!exchanges.isIdle() || !mayUpgrade(bytes))) return pass(bytes);
    held = Buffer.concat([held, bytes]);
    const end = held.indexOf('\r\n\r\n');
    if (end === -1 && mayUpgrade(held) && held.length <= maxHeldBytes) return;
    const whole = held;
    if (end !== -1 && /\r\nupgrade[ \t]*:/i.test(held.toString('latin1', 0, end))) {
      const request = readUpgrade(held.subarray(0, end + 4));
      const canAsk = request !== null && !isRefusedUpgrade(request.path) && upstream?.destroyed !== true;
      if (canAsk) return ask(request, whole, end + 4);
      upstream?.end();
      upstream?.on('error', () => undefined);
      return giveAway();
    }
    held = Buffer.alloc(0);
    pass(whole);
  };
  const onEnd = (): void => {
    if (isOver) return;
    tellAsked();
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
  const onDrain = (): void => void upstream?.resume();
  const onError = (error: NodeJS.ErrnoException): void => failed('agent', null, error.code === 'ECONNRESET');
  const onClose = (): void => {
    if (agent.readableEnded && upstream?.readableEnded !== false) return over();
    failed('agent', null, false);
  };
  const listeners: Listeners = [
    ['data', onData],
    ['end', onEnd],
    ['drain', onDrain],
    ['error', onError],
    ['close', onClose],
  ];
  agent.allowHalfOpen = true;
  for (const [event, listener] of listeners) agent.on(event, listener);
}

/** Can these first bytes still become a request that asks for an upgrade (RFC 6455 section 4.1: a GET)? */
function mayUpgrade(bytes: Buffer): boolean {
  return 'GET '.startsWith(bytes.toString('latin1', 0, 4));
}
