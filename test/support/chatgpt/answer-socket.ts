// Model calls over a WebSocket: each `response.create` is a call, answered by the same scenario, one event a message.
// Sockets on other paths echo what they get, as a realtime or remote-control socket would at least stay open.
import { WebSocketServer, type WebSocket } from 'ws';
import {
  isCallPath,
  readCall,
  refuseUpgrade,
  type Connection,
  type ReceivedRequest,
  type Upgrade,
  type Writable,
} from '../../../src/provider/index.ts';
import type { Answer } from './answer.ts';
import { onlyEvents } from './builders.ts';
import { playAnswer, type Outlet } from './play.ts';
import { unanswered, type ReceivedCall, type ReceivedMessage, type ReceivedSocket } from './received.ts';
import type { Stage } from './stage.ts';

export type WebSocketPolicy = 'accept' | 'refuse-426' | 'drop' | { readonly status: number };

export function openSocketServer(options: { readonly permessageDeflate: boolean }, stage: Stage) {
  // Every message is compressed, small ones too.
  const perMessageDeflate = options.permessageDeflate ? { threshold: 0 } : false;
  const server = new WebSocketServer({ noServer: true, perMessageDeflate });
  server.on('headers', (lines) => {
    for (const [name, value] of stage.commonHeaders) lines.push(`${name}: ${value}`);
  });
  return {
    handle(upgrade: Upgrade, policy: WebSocketPolicy): void {
      const { request, socket } = upgrade;
      if (policy === 'drop') return void socket.destroy();
      if (policy !== 'accept') {
        refuseUpgrade(upgrade, policy === 'refuse-426' ? 426 : policy.status);
        return stage.log.changed();
      }
      server.handleUpgrade(upgrade.message, socket, upgrade.head, (webSocket) => {
        request.status = 101;
        serve(webSocket, upgrade, stage);
      });
    },
  };
}

function serve(webSocket: WebSocket, { request, connection }: Upgrade, stage: Stage): void {
  const messages: ReceivedMessage[] = [];
  const received: Writable<ReceivedSocket> = { request, extensions: webSocket.extensions, messages, closed: null };
  const gone = new AbortController();
  stage.log.sockets.push(received);
  stage.log.changed();

  const send = async (data: Buffer, isBinary = false): Promise<void> => {
    messages.push({ at: Date.now(), from: 'standIn', isBinary, data });
    await new Promise<void>((resolve) => webSocket.send(data, { binary: isBinary }, () => resolve()));
  };
  const session = new CallSession(webSocket, connection, gone.signal, send, stage);
  webSocket.on('message', (raw, isBinary) => {
    const data = raw as Buffer;
    messages.push({ at: Date.now(), from: 'client', isBinary, data });
    stage.log.changed();
    const answered = isCallPath(request.path) ? session.onMessage(request, data) : send(data, isBinary);
    answered.catch((error: unknown) => stage.faults.push(error));
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', (code, reason) => {
    received.closed = { code, reason: reason.toString('utf8') };
    gone.abort();
    stage.log.changed();
  });
}

/** What one socket remembers: the response that an incremental call may go on from. */
class CallSession {
  readonly #webSocket: WebSocket;
  readonly #connection: Connection;
  readonly #left: AbortSignal;
  readonly #send: (data: Buffer) => Promise<void>;
  readonly #stage: Stage;
  #lastResponseId: string | null = null;

  constructor(
    webSocket: WebSocket,
    connection: Connection,
    left: AbortSignal,
    send: (data: Buffer) => Promise<void>,
    stage: Stage,
  ) {
    this.#webSocket = webSocket;
    this.#connection = connection;
    this.#left = left;
    this.#send = send;
    this.#stage = stage;
  }

  async onMessage(request: ReceivedRequest, data: Buffer): Promise<void> {
    const call = readSocketMessage(request, data);
    if (call === null) return;
    this.#stage.addCall(call);
    const previous = previousResponseId(call);
    if (previous !== null && previous !== this.#lastResponseId) {
      await this.#play(call, errorEvent(400, { code: 'previous_response_not_found', message: `No ${previous}` }));
    } else if (call.kind === 'prewarm') {
      call.responseId = this.#stage.nextId('resp_warm');
      const usage = { inputTokens: 1, outputTokens: 0 };
      await this.#play(call, { type: 'stream', parts: [], ending: { type: 'completed' }, usage });
    } else {
      await this.#play(call, await this.#stage.choose(call));
    }
    this.#stage.log.changed();
  }

  async #play(call: Writable<ReceivedCall>, answer: Answer): Promise<void> {
    switch (answer.type) {
      case 'stream':
        call.ended = await playAnswer(answer, this.#outlet(call), this.#stage.contextOf(call));
        this.#lastResponseId = call.responseId;
        return;
      case 'http': {
        const { error } = answer.json as { readonly error?: unknown };
        return this.#play(call, errorEvent(answer.status, error ?? answer.json));
      }
      case 'silent':
        await new Promise<void>((resolve) => this.#left.addEventListener('abort', () => resolve(), { once: true }));
        call.ended = 'clientLeft';
        return;
      case 'reset':
        this.#connection.reset();
        call.ended = 'cut';
        return;
      case 'close':
        this.#webSocket.close(answer.code, answer.reason);
        call.ended = 'cut';
    }
  }

  #outlet(call: Writable<ReceivedCall>): Outlet {
    const events: string[] = [];
    const times: number[] = [];
    call.sentEvents = events;
    call.sentAt = times;
    return {
      left: this.#left,
      send: async (event) => {
        const data = JSON.stringify(event);
        events.push(data);
        times.push(performance.now());
        await this.#send(Buffer.from(data));
        this.#stage.log.changed();
      },
      cut: () => this.#connection.destroy(),
    };
  }
}

function errorEvent(status: number, error: unknown): Answer {
  return onlyEvents([{ type: 'error', status, error }]);
}

/** null: no call, but some other message. */
function readSocketMessage(request: ReceivedRequest, data: Buffer): Writable<ReceivedCall> | null {
  const text = data.toString('utf8');
  return typeOf(text) === 'response.create' ? unanswered(readCall(request, data, text)) : null;
}

function typeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly type?: unknown } | null)?.type;
  } catch {
    return undefined;
  }
}

function previousResponseId(call: ReceivedCall): string | null {
  const id = call.json()['previous_response_id'];
  return typeof id === 'string' ? id : null;
}
